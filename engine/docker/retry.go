package docker

import (
	"context"
	"errors"
	"time"

	"github.com/cenkalti/backoff/v5"
	cerrdefs "github.com/containerd/errdefs"

	"github.com/ktask/ktask/engine"
)

// reconnectWithin is how long an attempt tries to reach an engine that it has lost: a restart of dockerd takes a few
// seconds.
const reconnectWithin = 10 * time.Second

// unlimited is the time limit of retries that only the end of their context ends.
const unlimited = 0

// retryWaits returns the waits between tries: short enough for an answer that is merely late, and growing for an engine that
// restarts.
func retryWaits() *backoff.ExponentialBackOff {
	return &backoff.ExponentialBackOff{InitialInterval: 20 * time.Millisecond, Multiplier: 2, MaxInterval: time.Second}
}

// retry calls try until it returns false. It gives up when the next wait would exceed within, or when ctx ends.
func retry(ctx context.Context, within time.Duration, try func() (again bool)) {
	_, _ = backoff.Retry(ctx, func() (none struct{}, err error) {
		if try() {
			err = errAgain
		}
		return none, err
	}, backoff.WithBackOff(retryWaits()), backoff.WithMaxElapsedTime(within))
}

var errAgain = errors.New("try again")

// pause waits for d and reports whether ctx has not ended meanwhile.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// retryUntilGone repeats a removal that must not fail because of a single answer that is lost, late or an error of the
// engine: it is the last step of an attempt. A request that gets no answer is repeated once, with a new time limit.
func (e *Engine) retryUntilGone(ctx context.Context, request func(context.Context) error) (err error) {
	for range 2 {
		retry(ctx, e.reconnectWithin, func() (again bool) {
			err = request(ctx)
			return err != nil && !cerrdefs.IsNotFound(err) && !hasReason(err, engine.EngineDidNotAnswer)
		})
		if !hasReason(err, engine.EngineDidNotAnswer) {
			break
		}
	}
	if cerrdefs.IsNotFound(err) {
		return nil
	}
	return err
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
