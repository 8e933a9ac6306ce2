package docker

import (
	"context"
	"sync/atomic"

	"github.com/ktask/ktask/engine"
)

// policy decides what happens to a request whose connection fails.
type policy struct {
	// repeat is true for requests that may reach the engine twice: they are repeated until the connection holds.
	repeat bool
	// lost is set when a request is repeated; it may be nil.
	lost *atomic.Bool
}

var (
	once       = policy{}
	repeatedly = policy{repeat: true}
)

// do makes a request that the engine answers from its own state, with a deadline of its own: an engine that hangs must not
// make ktask hang. A nil request only negotiates the version of the API, for requests that have another deadline. The error
// is an *engine.Error, or the cause of ctx; it begins with what, the purpose of the request.
func (e *Engine) do(ctx context.Context, what string, p policy, request func(context.Context) error) (err error) {
	retry(ctx, e.reconnectWithin, func() (again bool) {
		err = e.ask(ctx, what, request)
		again = p.repeat && hasReason(err, engine.EngineUnavailable)
		if again && p.lost != nil {
			p.lost.Store(true)
		}
		return again
	})
	return err
}

// ask makes a request once, for do alone.
func (e *Engine) ask(ctx context.Context, what string, request func(context.Context) error) error {
	ctx, done := e.limited(ctx)
	err := e.negotiate(ctx)
	switch {
	case err != nil:
		err = e.notFound(e.explain(ctx, what, err))
	case request != nil:
		if err = request(ctx); err != nil {
			err = e.explain(ctx, what, err)
		}
	}
	done(ctx.Err() == nil)
	return err
}

// repeatedly returns the policy of an attempt's requests that may reach the engine twice. It records that the engine was out
// of reach.
func (a *attempt) repeatedly() policy { return policy{repeat: true, lost: &a.wasLost} }
