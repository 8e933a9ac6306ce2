// Package engine carries out a plan.
//
// In comes a plan.Plan, out go events while it runs and a Result at its end. The Runner owns everything
// that is the same for every engine: which task runs when, attempts, waits, deadlines, verdicts and the
// order of events. An Engine runs one attempt of one container. This package knows neither Docker nor
// Keptn's manifests, reads no environment and writes to no stream.
package engine

import (
	"context"
	"time"

	"github.com/ktask/ktask/engine/plan"
)

// Engine runs containers, one attempt a call.
//
// Call order: Prepare before the first Run of a container; both may be called again, and by several
// goroutines at once. After an error the engine is still usable and nothing of the failed call is left on it.
// An engine that holds connections is also an io.Closer: whoever makes it closes it after the last call.
type Engine interface {
	// Prepare makes the container's image available under its pull policy, and returns at once where it is.
	// It is called outside the task's timeout: a slow registry is not a slow task. It emits ImageProgress.
	// An error is an *Error that says why, or the cause of ctx.
	Prepare(ctx context.Context, c plan.Container, sink Sink) error

	// Run is one attempt. It blocks until the container has ended, all that it has put out has been written to out
	// and nothing of the attempt is left on the engine, on any path.
	//
	// The end of ctx stops the container: the stop signal, c.Grace later the kill; Exit.Stopped then says that
	// the end was not the container's own. An error means that the engine could not do its job: an *Error,
	// or the cause of ctx where ctx ended before the container started. A process that fails, even one that
	// cannot be executed, is an Exit.
	Run(ctx context.Context, c plan.Container, labels Labels, out Output) (Exit, error)
}

// Describer is an engine that can say what it is. It is asked once a run, at its start and at the same time as
// the first Prepare, which does not wait for the answer. An error leaves the report without the answer, and the run as it is.
type Describer interface {
	Describe(ctx context.Context) (Info, error)
}

// Killer is an engine that can end a run at once, for the user who interrupts a second time: it kills all
// containers of the run and does not wait for them; the calls of Run that are under way then return as after
// any other end. It may be called from any goroutine and more than once. A run of which nothing is left is no error;
// after one, an *Error, some may still run.
type Killer interface {
	Kill(ctx context.Context, run string) error
}

// Info describes an engine for the report.
type Info struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	Host    string `json:"host"`
}

// Labels identify an attempt on the engine, so that what a crash left behind can be found and what is
// somebody else's is left alone.
type Labels struct {
	Run     string
	Task    string
	Attempt int
	// Owner says for people which process runs the attempt: its pid and when it started. Nothing is concluded from it.
	Owner string
	// Lifetime is the longest that what bears the labels can be in use after the engine has made it: what is older is
	// nobody's, whatever machine it came from. Zero is no bound.
	Lifetime time.Duration
	// Version is ktask's.
	Version string
}

// Exit is how an attempt ended.
type Exit struct {
	// Code is the exit status of the process; 128 plus the signal's number where a signal ended it.
	Code int
	// Signal is the name of the signal that ended the process ("SIGKILL"), or "".
	Signal    string
	OOMKilled bool
	// Stopped is true where the engine ended the container because ctx had ended.
	Stopped bool
	// Reason is the cause if the engine knows more than the code tells (CommandNotFound, …), and Message its
	// explanation. From Attempt on, a Message that the engine leaves empty is the container's termination message, or the
	// end of its output if the container failed without one and asks for that.
	Reason  Reason
	Message string
	// Started and Finished are the engine's times of the process.
	Started  time.Time
	Finished time.Time
	// ImageDigest is the content address of the image that ran.
	ImageDigest string
}

// Sink takes events. What the Runner hands to an engine may be called by several goroutines at once;
// what is given to the Runner is called by one goroutine at a time.
type Sink interface {
	Emit(Event)
}

// SinkFunc is a function as a Sink.
type SinkFunc func(Event)

// Emit calls f.
func (f SinkFunc) Emit(e Event) { f(e) }
