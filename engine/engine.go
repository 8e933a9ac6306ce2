// Package engine carries out a plan.
//
// In comes a plan.Plan, out go events while it runs and a Result at its end. The Runner does everything that is the same
// for every engine: the order of tasks, attempts, waits, timeouts, outcomes, masking and the order of events. An Engine
// runs one attempt of one container. The package knows neither Docker nor Keptn's manifests, reads no environment and
// writes to no stream.
package engine

import (
	"context"
	"io"
	"io/fs"
	"time"

	"github.com/ktask/ktask/engine/plan"
)

// Engine runs containers, one attempt per call.
//
// Call order: Prepare before the first Run of a container; both may be called again, and by several
// goroutines at once. After an error the engine is still usable and nothing of the failed call is left on it.
// An engine that holds connections is also an io.Closer; who makes it closes it after the last call.
type Engine interface {
	// Prepare makes the container's image available according to its pull policy, and returns at once if it is. It is
	// called outside the task's timeout: a slow registry is not a slow task. It emits ImageProgress. The error is an
	// *Error, or the cause of ctx.
	Prepare(ctx context.Context, c plan.Container, sink Sink) error

	// Run runs one attempt. It blocks until the container has ended, all its output has been written to out and nothing
	// of the attempt is left on the engine, on any path.
	//
	// The end of ctx stops the container: with the stop signal, and c.Grace later with SIGKILL; Exit.Stopped is then set.
	// An error means that the engine could not do its job: it is an *Error, or the cause of ctx if ctx ended before the
	// container started. A process that fails, even one that cannot be executed, is an Exit.
	Run(ctx context.Context, c plan.Container, labels Labels, out Output) (Exit, error)
}

// Describer is an engine that can describe itself. Describe is called once per run, at the same time as the first
// Prepare, which does not wait for it. After an error the report has no description; the run continues.
type Describer interface {
	Describe(ctx context.Context) (Info, error)
}

// Checker is an engine that can find out in advance whether a plan can be carried out on it. Check is called once, before the tasks
// of a run: what they would all fail of is reported once. The error is an *Error, or the cause of ctx.
type Checker interface {
	Check(ctx context.Context, p plan.Plan) error
}

// Killer is an engine that can end a run at once, for the user who interrupts a second time. Kill kills all containers of
// the run and does not wait for them; the calls of Run in progress then return as usual. It is safe for concurrent use
// and may be called again. A run of which nothing is left is no error. After an error, an *Error, containers may still
// run.
type Killer interface {
	Kill(ctx context.Context, run string) error
}

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
	// Kind is "container", "volume" or "job".
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

// ImageFinder is an engine that reports which images it has.
type ImageFinder interface {
	// FindImage returns an image that the engine has for a platform; "" is any. ok is false if it has none. The error is an
	// *Error.
	FindImage(ctx context.Context, ref, platform string) (image Image, ok bool, err error)
}

// Image describes an image that an engine has.
type Image struct {
	// Digest is that of the manifest in the registry of the image's name, or "" if the engine has none. OwnDigest reports whether
	// the engine may have made it itself, for an image that no registry has.
	Digest    string
	OwnDigest bool
	// ID identifies the image on the engine.
	ID       string
	Platform string
	Bytes    int64
}

// ImageBuilder is an engine that builds images. The error is an *Error, or the cause of ctx.
type ImageBuilder interface {
	BuildImage(ctx context.Context, b ImageBuild) error
}

// ImageBuild is what an image is built from.
type ImageBuild struct {
	// Tag is the name of the image.
	Tag string
	// Context has the Dockerfile, and the files that it copies.
	Context fs.FS
	// Args are the build arguments. Bases are the images among them: the engine gets the user's credentials for their
	// registries.
	Args  map[string]string
	Bases []string
	// Network and Platform are as in plan.Container.
	Network, Platform string
	// Output receives the progress in whole lines.
	Output io.Writer
}

// ImageArchiver is an engine that writes images to an archive, and reads such archives. Errors of the engine are an *Error.
type ImageArchiver interface {
	// SaveImages writes the images. After an error the archive is incomplete.
	SaveImages(ctx context.Context, refs []string, to io.Writer) error
	// LoadImages adds the images of an archive to the engine and returns their names.
	LoadImages(ctx context.Context, from io.Reader) ([]string, error)
}

// Info describes an engine for the report.
type Info struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	Host    string `json:"host"`
}

// Labels identify an attempt on the engine, so that what a crash has left can be found and nothing else is removed.
type Labels struct {
	Run     string
	Task    string
	Attempt int
	// Owner is the process that runs the attempt, its pid and start time, for people to read. Programs do not use it.
	Owner string
	// Lifetime is how long after its creation something with the labels can be in use. What is older can be removed,
	// whatever machine it came from. Zero is no bound.
	Lifetime time.Duration
	// Version is ktask's.
	Version string
}

// Exit is how an attempt ended.
type Exit struct {
	// Code is the exit status of the process, or 128 plus the number of the signal that ended it.
	Code int
	// Signal is the name of the signal that ended the process ("SIGKILL"), or "".
	Signal    string
	OOMKilled bool
	// Stopped reports whether the engine ended the container because ctx had ended.
	Stopped bool
	// Reason is the cause if the engine knows it (CommandNotFound, …), and Message its explanation. If the engine leaves
	// Message empty, Attempt sets it to the container's termination message or, if the container failed without one and
	// asks for it, to the end of its output.
	Reason  Reason
	Message string
	// Started and Finished are the times of the process by the engine's clock.
	Started  time.Time
	Finished time.Time
	// ImageDigest is the digest, in its registry, of the image that ran, or "" if it has none.
	ImageDigest string
}

// Sink takes events. The Sink that an engine gets may be called by several goroutines at once; the Runner calls its own
// from one goroutine.
type Sink interface {
	Emit(Event)
}

// SinkFunc is a function as a Sink.
type SinkFunc func(Event)

// Emit calls f.
func (f SinkFunc) Emit(e Event) { f(e) }
