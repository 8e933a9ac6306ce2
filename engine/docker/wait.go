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
	// over receives the error of the wait once.
	over chan error
	// begun is closed when the container has been started.
	begun    chan struct{}
	cancel   context.CancelFunc
	reported bool
}

// wait registers for the container's end. It is called before the start, so the end is never missed.
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

// begin marks the container as started.
func (w *exitWait) begin() { close(w.begun) }

// drop cancels the wait and returns when it has ended. It may be called again.
func (w *exitWait) drop() {
	w.cancel()
	if !w.reported {
		<-w.over
		w.reported = true
	}
}

// registration is a registered wait: the engine answers when the container has ended.
type registration struct {
	done   <-chan container.WaitResponse
	failed <-chan error
}

// register returns when the engine has confirmed the wait.
func (a *attempt) register(ctx context.Context, condition container.WaitCondition) (registration, error) {
	var r registration
	err := a.engine.do(ctx, "wait for the container", a.repeatedly(), func(limited context.Context) error {
		// The deadline applies to the confirmation, not to the end of the container.
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

// answer waits until the container has ended. It reads whichever of the two channels the client sends to.
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

// watch returns when the container has ended. A wait that breaks off is registered again; if the end was missed meanwhile,
// the container's state shows it.
func (a *attempt) watch(ctx context.Context, begun <-chan struct{}, current registration) error {
	for waits := retryWaits(); ; pause(ctx, waits.NextBackOff()) {
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
	}
}

// await waits for the end of the container, which the engine reports; if it does not, the end of the output shows it. When
// ctx ends, await stops the container with its stop signal and, after the grace, with SIGKILL; when the run is killed, it
// sends SIGKILL immediately. stopped reports whether it has stopped the container.
func (a *attempt) await(ctx context.Context, exited *exitWait, ended <-chan struct{}) (stopped bool, err error) {
	end := ending{attempt: a}
	defer end.drop()
	stop, kill := ctx.Done(), a.killed
	for {
		var failure error
		select {
		case err := <-exited.over:
			exited.reported = true
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

// errEnded is returned if a container has ended and the engine has not reported it.
var errEnded = errors.New("the container has ended")

// goneAway turns the error of an engine that can no longer be reached into an EngineLost error.
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

// ending is the state of stopping a container.
type ending struct {
	*attempt
	// sent is true if a signal reached the container, killing if SIGKILL was sent.
	sent, killing bool
	timer         *time.Timer
}

// timeout returns the channel that ends the time after the last signal.
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

// stop sends the stop signal and starts the grace, which is also the time limit for sending it. The signal is not sent
// twice, since programs treat a second one differently: if it is not known to have arrived, the end of the grace decides.
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

// kill sends SIGKILL. A container that does not end within a while after it never will.
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

// send sends a signal to the container's process. If the engine answers that there is no process, send checks the state: the
// engine may have reported the end of the container, or the report may be lost.
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

// stopSignal returns the stop signal of the image, which a pod uses as well.
func (a *attempt) stopSignal() string {
	if a.image.stopSignal != "" {
		return a.image.stopSignal
	}
	return "SIGTERM"
}

// noAnswer returns the context of a request that reached its deadline.
func noAnswer() context.Context {
	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(errNoAnswer)
	return ctx
}
