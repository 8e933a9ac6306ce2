package docker

import (
	"context"
	"errors"
	"time"

	cerrdefs "github.com/containerd/errdefs"

	"github.com/ktask/ktask/engine"
)

// reconnectWithin is how long an attempt tries to reach an engine that it has lost: a restart of dockerd takes a few
// seconds.
const reconnectWithin = 10 * time.Second

// The waits between tries to reach an engine, first and longest.
const (
	firstRetry = 20 * time.Millisecond
	lastRetry  = time.Second
	// lastPause is the longest wait between two checks of a container that prints nothing.
	lastPause = 30 * time.Second
)

// retry limits the time in which something is retried. It must not be used concurrently.
type retry struct {
	// until is zero if there is no limit.
	until time.Time
	pause time.Duration
}

func (e *Engine) newRetry() *retry {
	return &retry{until: time.Now().Add(e.reconnectWithin), pause: firstRetry}
}

// wait pauses and reports whether to try again: the time is not over and ctx has not ended.
func (r *retry) wait(ctx context.Context) bool {
	if !r.until.IsZero() && time.Now().Add(r.pause).After(r.until) {
		return false
	}
	timer := time.NewTimer(r.pause)
	defer timer.Stop()
	r.pause = min(2*r.pause, lastRetry)
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// retryUntilGone repeats a removal that must not fail because of a single answer that is lost, late or an error of the
// engine: it is the last step of an attempt.
func (e *Engine) retryUntilGone(ctx context.Context, request func(context.Context) error) error {
	p := e.newRetry()
	late := false
	for {
		err := request(ctx)
		switch {
		case err == nil || cerrdefs.IsNotFound(err):
			return nil
		case hasReason(err, engine.EngineDidNotAnswer):
			if late { // it hangs
				return err
			}
			late, p = true, e.newRetry()
		}
		if !p.wait(ctx) {
			return err
		}
	}
}

func hasReason(err error, reason engine.Reason) bool {
	failure, ok := errors.AsType[*engine.Error](err)
	return ok && failure.Reason == reason
}

// ambiguous reports whether the engine may have carried out a request although the request failed.
func ambiguous(err error) bool {
	return hasReason(err, engine.EngineUnavailable) || hasReason(err, engine.EngineDidNotAnswer)
}

// removeReliably is retryUntilGone, unless the engine is lost: then it makes one request, since there has been a wait for
// the engine already.
func (a *attempt) removeReliably(ctx context.Context, request func(context.Context) error) error {
	if a.gone {
		return request(ctx)
	}
	return a.engine.retryUntilGone(ctx, request)
}
