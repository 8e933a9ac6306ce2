package docker

import (
	"context"
	"errors"
	"fmt"
	"time"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"

	"github.com/ktask/ktask/engine"
)

// exitWait waits for the end of a container.
type exitWait struct {
	// over gets the error of the wait once.
	over chan error
	// begun is closed when the container has been started.
	begun  chan struct{}
	cancel context.CancelFunc
	told   bool
}

// wait registers for the container's end; that is before its start, so none is missed.
func (a *attempt) wait(ctx context.Context) (*exitWait, error) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	first, err := a.register(ctx, container.WaitConditionNextExit)
	if err != nil {
		cancel()
		return nil, err
	}
	w := &exitWait{over: make(chan error, 1), begun: make(chan struct{}), cancel: cancel}
	go func() { w.over <- a.watch(ctx, w.begun, first) }()
	return w, nil
}

// begin says that the container has been started.
func (w *exitWait) begin() { close(w.begun) }

// drop gives the wait up, and waits until it has ended.
func (w *exitWait) drop() {
	w.cancel()
	if !w.told {
		<-w.over
	}
}

// registration is the engine's promise to tell when the container has ended.
type registration struct {
	done   <-chan container.WaitResponse
	failed <-chan error
}

// register returns when the engine has made its promise.
func (a *attempt) register(ctx context.Context, condition container.WaitCondition) (registration, error) {
	var r registration
	err := a.engine.do(ctx, "wait for the container", a.repeatedly(), func(limited context.Context) error {
		// The deadline is for the promise, not for its fulfilment.
		waiting, cancel := context.WithCancel(ctx)
		late := context.AfterFunc(limited, cancel)
		r.done, r.failed = a.engine.client.ContainerWait(waiting, a.id, condition)
		inTime := late()
		select {
		case err := <-r.failed:
			cancel()
			return err
		default:
		}
		if !inTime {
			cancel()
			_ = r.answer()
			return context.Cause(limited)
		}
		context.AfterFunc(ctx, cancel)
		return nil
	})
	return r, err
}

// answer waits until the container has ended. It reads the one of the two channels that the client sends to.
func (r registration) answer() error {
	select {
	case answer := <-r.done:
		if answer.Error != nil {
			return errors.New(answer.Error.Message)
		}
		return nil
	case err := <-r.failed:
		return err
	}
}

// watch returns when the container has ended. A wait that breaks off is taken up again; the end that was missed
// meanwhile shows in the state of the container.
func (a *attempt) watch(ctx context.Context, begun <-chan struct{}, current registration) error {
	for p := (retry{pause: firstRetry}); ; {
		if current.answer() == nil {
			return nil
		}
		select {
		case <-begun:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		a.wasLost.Store(true)
		found, err := a.state(ctx)
		if err != nil {
			return err
		}
		if !found.State.Running {
			return nil
		}
		if current, err = a.register(ctx, container.WaitConditionNotRunning); err != nil {
			return err
		}
		p.wait(ctx)
	}
}

// await waits for the end of the container, which the engine tells or, where it does not, the end of the output does. It
// stops it when ctx ends, with its stop signal and, when the grace is over, with SIGKILL; when the run is killed it
// does so at once. stopped says that the container was told to stop.
func (a *attempt) await(ctx context.Context, exited *exitWait, ended <-chan struct{}) (stopped bool, err error) {
	end := ending{attempt: a}
	defer end.drop()
	stop, kill := ctx.Done(), a.killed
	for {
		var failure error
		select {
		case err := <-exited.over:
			exited.told = true
			return end.sent, a.goneAway(err)
		case <-ended:
			return end.sent, nil
		case <-stop:
			stop = nil
			failure = end.stop(ctx)
		case <-kill:
			stop, kill = nil, nil
			if !end.killing {
				failure = end.kill(ctx)
			}
		case <-end.timeout():
			failure = end.kill(ctx)
		}
		if errors.Is(failure, errEnded) {
			return end.sent, nil
		}
		if failure != nil {
			return end.sent, a.goneAway(failure)
		}
	}
}

// errEnded says that a container has ended without a word of the engine.
var errEnded = errors.New("the container has ended")

// goneAway says of an engine that cannot be reached any more what that means.
func (a *attempt) goneAway(err error) error {
	failure, ok := errors.AsType[*engine.Error](err)
	if !ok || failure.Reason != engine.EngineUnavailable {
		return err
	}
	return &engine.Error{
		Reason: engine.EngineLost,
		Err:    fmt.Errorf("the Docker engine at %s went away while the container ran: %w", a.engine.endpoint.Host, failure.Err),
		Remedy: remedyLost,
	}
}

// ending is how far the container has been told to end.
type ending struct {
	*attempt
	// sent says that a signal reached the container, killing that SIGKILL was sent.
	sent, killing bool
	timer         *time.Timer
}

// timeout is the end of the time that the container has after the last signal.
func (e *ending) timeout() <-chan time.Time {
	if e.timer == nil {
		return nil
	}
	return e.timer.C
}

func (e *ending) wait(d time.Duration) {
	e.drop()
	e.timer = time.NewTimer(d)
}

func (e *ending) drop() {
	if e.timer != nil {
		e.timer.Stop()
	}
}

// stop sends the stop signal and gives the container its grace, which is also the time that the engine has to send it.
// The signal is not sent twice, since programs take a second one otherwise than the first: where it is not known to
// have got there, or has not, the end of the grace tells.
func (e *ending) stop(ctx context.Context) error {
	if e.container.Grace <= 0 {
		return e.kill(ctx)
	}
	e.wait(e.container.Grace)
	limited, cancel := context.WithTimeoutCause(context.WithoutCancel(ctx), e.container.Grace, errNoAnswer)
	defer cancel()
	err := e.send(limited, once, e.stopSignal())
	if errors.Is(err, errEnded) {
		return err
	}
	e.sent = e.sent || ambiguous(err)
	return nil
}

// kill sends SIGKILL. A container that has not ended a while behind it never will.
func (e *ending) kill(ctx context.Context) error {
	ctx = context.WithoutCancel(ctx)
	if e.killing {
		found, err := e.state(ctx)
		switch {
		case err != nil:
			return err
		case hasEnded(found):
			return errEnded
		}
		return e.engine.explain(noAnswer(), "kill the container", errNoAnswer)
	}
	e.killing = true
	e.wait(e.engine.answerWithin)
	return e.send(ctx, e.repeatedly(), "SIGKILL")
}

// send sends a signal to the container's process. The engine's word that there is none is looked into: it has told the
// end of the container, or has lost the word.
func (e *ending) send(ctx context.Context, p policy, signal string) error {
	err := e.engine.do(ctx, "send "+signal+" to the container", p, func(ctx context.Context) error {
		return e.engine.client.ContainerKill(ctx, e.id, signal)
	})
	if !cerrdefs.IsConflict(err) && !cerrdefs.IsNotFound(err) {
		e.sent = e.sent || err == nil
		return err
	}
	found, failure := e.state(context.WithoutCancel(ctx))
	switch {
	case failure != nil:
		return failure
	case hasEnded(found):
		return errEnded
	}
	return err
}

// stopSignal is the image's, as a pod's is.
func (a *attempt) stopSignal() string {
	if a.image.stopSignal != "" {
		return a.image.stopSignal
	}
	return "SIGTERM"
}

// noAnswer is the context of a request that ran into its deadline.
func noAnswer() context.Context {
	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(errNoAnswer)
	return ctx
}
