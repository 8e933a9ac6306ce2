package engine

import (
	"context"
	"time"
)

// Cleaner is an engine that finds and removes what a ktask that was killed, or whose machine lost its power, has left
// on it. It knows labels, not processes: that an owner is dead is for the caller to prove. All methods are safe
// for concurrent use, also by several processes that remove the same things: what is gone already is no error.
type Cleaner interface {
	// Leftovers lists what ktask has made on the engine, whoever owns it and whether or not it is in use: containers,
	// then volumes, so that each can be removed after those before it. What merely bears ktask's labels is not listed: a
	// container inherits the labels of its image. run narrows the list down to one run, "" is all.
	Leftovers(ctx context.Context, run string) ([]Leftover, error)

	// Remove takes a leftover off the engine and returns when it is gone; a container is killed first if it runs.
	Remove(ctx context.Context, left Leftover) error

	// Sweep removes all that is left of a run whose owner is dead, but for what is Kept. A request of the owner
	// may still be under way: Sweep goes on until nothing of the run has appeared for quiet. It tries again
	// where the engine fails, until ctx ends; the error then says what failed last.
	Sweep(ctx context.Context, run string, quiet time.Duration) error
}

// Leftover is something on an engine that bears ktask's labels.
type Leftover struct {
	// Kind is "container" or "volume".
	Kind   string
	ID     string
	Name   string
	Labels Labels
	// Running is true for a container whose process runs.
	Running bool
	// Kept is true for a container that the user asked to keep, from the end of its attempt on, and for its volumes.
	Kept bool
	// Overdue is true if it is older than Labels.Lifetime by the engine's clock.
	Overdue bool
}
