package docker

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/docker/docker/client"

	"github.com/ktask/ktask/engine"
)

// errNoAnswer is the cause of the end of a request that took too long.
var errNoAnswer = errors.New("the engine did not answer in time")

// call makes a request that the engine answers from its own state, under a deadline of its own: an engine that
// hangs must not hang ktask. The error is an *engine.Error, or the cause of ctx.
func (e *Engine) call(ctx context.Context, what string, request func(context.Context) error) error {
	ctx, cancel := context.WithTimeoutCause(ctx, e.answerWithin, errNoAnswer)
	defer cancel()
	if err := request(ctx); err != nil {
		return e.explain(ctx, what, err)
	}
	return nil
}

// explain says what the failure of a request means. ctx is the request's.
func (e *Engine) explain(ctx context.Context, what string, err error) error {
	switch {
	case errors.Is(context.Cause(ctx), errNoAnswer):
		return &engine.Error{
			Reason: engine.EngineDidNotAnswer,
			Err:    fmt.Errorf("%s: the Docker engine at %s did not answer within %v", what, e.endpoint.host, e.answerWithin),
			Remedy: "see whether the engine hangs (`docker info`), and restart it",
		}
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case client.IsErrConnectionFailed(err):
		return &engine.Error{
			Reason: engine.EngineUnavailable,
			Err:    fmt.Errorf("%s: the Docker engine at %s cannot be reached: %w", what, e.endpoint.host, err),
			Remedy: remedyUnavailable,
		}
	}
	return &engine.Error{Reason: engine.EngineRefused, Err: fmt.Errorf("%s: %w", what, words{err})}
}

const (
	remedyUnavailable = "start Docker, or name another engine with --host or --docker-context"
	remedyLost        = "see that the engine is back, then `ktask clean` removes what it may still hold"
)

// unusable is the error of an engine that cannot even be addressed.
func unusable(err error) error {
	return &engine.Error{Reason: engine.EngineUnavailable, Err: err, Remedy: "name an engine with --host or --docker-context"}
}

// lost tells an engine that went away under an attempt from one that was never there.
func lost(err error) error {
	if failure, ok := errors.AsType[*engine.Error](err); ok && failure.Reason == engine.EngineUnavailable {
		return &engine.Error{
			Reason: engine.EngineLost, Err: failure.Err,
			Remedy: remedyLost,
		}
	}
	return err
}

// words is an error of the engine without the client's preface.
type words struct{ error }

// Error gives the engine's own words.
func (w words) Error() string {
	return strings.TrimPrefix(w.error.Error(), "Error response from daemon: ")
}

// Unwrap gives the error, by which it is classified.
func (w words) Unwrap() error { return w.error }

// masked is an error of which the text may repeat what the container was given.
type masked struct {
	error
	mask *engine.Mask
}

// Error gives the text without secrets.
func (m masked) Error() string { return m.mask.String(m.error.Error()) }

// Unwrap gives the error, by which it is classified.
func (m masked) Unwrap() error { return m.error }
