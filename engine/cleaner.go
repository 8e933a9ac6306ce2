package engine

import (
	"context"
	"time"
)

// Cleaner is an engine that finds and removes what a killed ktask, or one whose machine lost its power, has left on it.
// It reads labels, not processes: the caller has to make sure that the owner is dead. All methods are safe for
// concurrent use, also by several processes that remove the same things: removing what is gone already is no error.
type Cleaner interface {
	// Leftovers lists what ktask has made on the engine, whoever owns it and whether or not it is in use: containers,
	// then volumes, so that each can be removed after those before it. It does not list what merely has ktask's labels:
	// a container inherits the labels of its image. If run is not "", it lists only what belongs to that run.
	Leftovers(ctx context.Context, run string) ([]Leftover, error)

	// Remove removes a leftover and returns when it is gone. It kills a container that runs.
	Remove(ctx context.Context, left Leftover) error

	// Sweep removes everything of a run whose owner is dead, except for what is Kept. A request of the owner may still be
	// in progress: Sweep continues until nothing of the run has appeared for quiet. If the engine fails, it retries
	// until ctx ends; the error is then the last failure.
	Sweep(ctx context.Context, run string, quiet time.Duration) error
}

// Leftover is something on an engine that has ktask's labels.
type Leftover struct {
	// Kind is "container" or "volume".
	Kind   string
	ID     string
	Name   string
	Labels Labels
	// Running reports whether it is a container whose process runs.
	Running bool
	// Kept reports whether it is a container that the user asked to keep, after the end of its attempt, or a volume of
	// one.
	Kept bool
	// Overdue reports whether it is older than Labels.Lifetime by the engine's clock.
	Overdue bool
}
