package docker

import (
	"context"
	"errors"
	"time"

	cerrdefs "github.com/containerd/errdefs"

	"github.com/ktask/ktask/engine"
)

// reconnectWithin is how long an attempt that is under way tries to reach an engine that it has lost: a restart of
// dockerd takes a few seconds.
const reconnectWithin = 10 * time.Second

// How long to wait before an engine is tried again, at first and at most.
const (
	firstRetry = 20 * time.Millisecond
	lastRetry  = time.Second
	// lastPause is between looks at a container of which no output comes.
	lastPause = 30 * time.Second
)

// patience is the time in which something is tried again. One goroutine uses it.
type patience struct {
	// until is zero where it has no end.
	until time.Time
	pause time.Duration
}

func (e *Engine) patience() *patience {
	return &patience{until: time.Now().Add(e.reconnectWithin), pause: firstRetry}
}

// wait lets a while pass, and is false where the patience is at its end or ctx has ended.
func (p *patience) wait(ctx context.Context) bool {
	if !p.until.IsZero() && time.Now().Add(p.pause).After(p.until) {
		return false
	}
	timer := time.NewTimer(p.pause)
	defer timer.Stop()
	p.pause = min(2*p.pause, lastRetry)
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// again makes a request until the connection holds: for requests that may reach the engine twice. Other failures are
// final.
func (e *Engine) again(ctx context.Context, what string, request func(context.Context) error) error {
	p := e.patience()
	for {
		err := e.call(ctx, what, request)
		if !hasReason(err, engine.EngineUnavailable) || !p.wait(ctx) {
			return err
		}
	}
}

// insist makes a request that must not fail for one answer that is lost, late or an error of the engine: the last that
// is done for an attempt, since nobody comes after it.
func (e *Engine) insist(ctx context.Context, request func(context.Context) error) error {
	p := e.patience()
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
			late, p = true, e.patience()
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

// ambiguous says that the engine may have done what it was asked to do, although it is not known to have.
func ambiguous(err error) bool {
	return hasReason(err, engine.EngineUnavailable) || hasReason(err, engine.EngineDidNotAnswer)
}

// insist is Engine.insist, but for an engine that is lost: then it has been waited for.
func (a *attempt) insist(ctx context.Context, request func(context.Context) error) error {
	if a.gone {
		return request(ctx)
	}
	return a.Engine.insist(ctx, request)
}
