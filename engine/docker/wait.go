package docker

import (
	"context"
	"fmt"
	"time"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"

	"github.com/ktask/ktask/engine"
)

// exitWait is the engine's promise to tell when the container has ended.
type exitWait struct {
	done   <-chan container.WaitResponse
	failed <-chan error
	// over says that one of the channels has been read: the client sends once.
	over bool
}

// wait registers for the container's next end; that is before its start, so none is missed.
func (a *attempt) wait(ctx context.Context) *exitWait {
	done, failed := a.client.ContainerWait(ctx, a.id, container.WaitConditionNextExit)
	return &exitWait{done: done, failed: failed}
}

// drop waits for the client's goroutine once the request has been canceled.
func (w *exitWait) drop() {
	if w.over {
		return
	}
	select {
	case <-w.done:
	case <-w.failed:
	}
	w.over = true
}

// await waits for the end of the container. It stops it when ctx ends, with its stop signal and, when the grace is
// over, with SIGKILL; when the run is killed it does so at once. stopped says that the container was told to stop.
func (a *attempt) await(ctx context.Context, exited *exitWait) (stopped bool, err error) {
	end := ending{attempt: a}
	defer end.drop()
	stop, kill := ctx.Done(), a.killed
	for {
		var failure error
		select {
		case answer := <-exited.done:
			exited.over = true
			return end.sent, a.waitFailure(answer.Error)
		case err := <-exited.failed:
			exited.over = true
			return end.sent, a.goneAway(err)
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
		if failure != nil {
			return end.sent, failure
		}
	}
}

func (a *attempt) waitFailure(failure *container.WaitExitError) error {
	if failure == nil {
		return nil
	}
	return &engine.Error{Reason: engine.EngineRefused, Err: fmt.Errorf("wait for the container: %s", failure.Message)}
}

func (a *attempt) goneAway(err error) error {
	return &engine.Error{
		Reason: engine.EngineLost,
		Err:    fmt.Errorf("the Docker engine at %s went away while the container ran: %w", a.endpoint.host, words{err}),
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

// stop sends the stop signal and gives the container its grace.
func (e *ending) stop(ctx context.Context) error {
	if e.container.Grace <= 0 {
		return e.kill(ctx)
	}
	e.wait(e.container.Grace)
	return e.send(ctx, e.stopSignal())
}

// kill sends SIGKILL. A container that has not ended a while behind it never will.
func (e *ending) kill(ctx context.Context) error {
	if e.killing {
		return e.explain(noAnswer(), "kill the container", errNoAnswer)
	}
	e.killing = true
	e.wait(e.answerWithin)
	return e.send(ctx, "SIGKILL")
}

func (e *ending) send(ctx context.Context, signal string) error {
	sent, err := e.signal(ctx, signal)
	e.sent = e.sent || sent
	return err
}

// stopSignal is the image's, as a pod's is.
func (a *attempt) stopSignal() string {
	if a.image.stopSignal != "" {
		return a.image.stopSignal
	}
	return "SIGTERM"
}

// signal sends a signal to the container's process; sent is false where it has ended by itself.
func (a *attempt) signal(ctx context.Context, name string) (sent bool, err error) {
	err = a.call(context.WithoutCancel(ctx), "send "+name+" to the container", func(ctx context.Context) error {
		return a.client.ContainerKill(ctx, a.id, name)
	})
	if cerrdefs.IsConflict(err) || cerrdefs.IsNotFound(err) {
		return false, nil
	}
	return err == nil, err
}

// noAnswer is the context of a request that ran into its deadline.
func noAnswer() context.Context {
	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(errNoAnswer)
	return ctx
}
