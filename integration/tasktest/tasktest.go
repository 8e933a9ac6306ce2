// Package tasktest runs Keptn tasks in Go tests, beside the containers that testcontainers-go starts.
//
// Its input are manifests and options; its output is the Result of the run, or a failed test. It uses the engine that
// testcontainers-go uses, and all that it creates has the labels of the testcontainers session: Ryuk removes it if the test
// process is killed. Without Ryuk, the next run on this machine or `ktask clean` does. The package prints only to the test's
// log.
//
//	func TestMigration(t *testing.T) {
//		nw, err := network.New(t.Context())
//		testcontainers.CleanupNetwork(t, nw)
//		... // start a database in the network, as "db"
//		res := tasktest.Run(t, "testdata/migrate.yaml", tasktest.Network(nw.Name),
//			tasktest.Param("host", "db"), tasktest.Secret("db", password))
//		... // look at res.Output(), and into the database
//	}
//
// Tasks resolve host.testcontainers.internal, host.docker.internal and host.containers.internal as the machine of the test, unless
// they have no network, that of the host (where it is localhost), or that of another container. See also HostPortAccess.
package tasktest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/plan"
	"github.com/ktask/ktask/engine/report"
	"github.com/ktask/ktask/local"
)

// The statuses of a run, see Expect.
const (
	Passed   = engine.Passed
	Failed   = engine.Failed
	TimedOut = engine.TimedOut
	Errored  = engine.Errored
	Canceled = engine.Canceled
)

// Result is the outcome of a run: its Status, and its Tasks with their attempts and exit codes.
type Result struct {
	local.Result
	lines []line
}

type line struct{ task, text string }

// Output returns the lines that a task printed, stdout and stderr in order, with secrets masked. Without a name it returns
// those of all tasks.
func (r Result) Output(task ...string) string {
	var b strings.Builder
	for _, l := range r.lines {
		if len(task) == 0 || task[0] == l.task {
			b.WriteString(l.text)
		}
	}
	return b.String()
}

// Run runs the tasks of a manifest, or of a directory of manifests, to their end, and logs their output line by line. If the
// run does not end as expected, it fails the test with the cause, its place and the last lines of output. The run is stopped
// when the context of the test ends, or shortly before the deadline of `go test -timeout`; the test then waits until
// nothing of it is left on the engine. Run must be called from the goroutine of the test.
func Run(t testing.TB, path string, opts ...Option) Result {
	t.Helper()
	over := make(chan struct{})
	defer close(over)
	t.Cleanup(func() { <-over }) // if Run was called from another goroutine: it must not log after the end of the test
	ctx, cancel := contextOf(t)
	defer cancel()

	o := options{Options: local.FromEnv(), expect: Passed}
	o.Paths, o.Version = []string{path}, "tasktest"
	s, err := join(ctx)
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	defer s.leave()
	if err := s.configure(ctx, &o.Options); err != nil {
		t.Fatalf("%s", failure(path, err))
	}
	for _, opt := range opts {
		opt(&o)
	}
	if keep := o.EngineOptions.Keep; keep != "" && keep != "never" {
		o.EngineOptions.Labels = nil // Ryuk would not keep it
	}
	stop, err := s.forward(ctx, t, o.Network, o.hostPorts)
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	defer stop()

	var r Result
	var explained bytes.Buffer
	o.Warn = func(w local.Warning) { t.Logf("ktask: %s", warning(w)) }
	o.Sink = report.Tee(sink{t, &r}, withRemedies(report.NewQuiet(&explained, true)), optional(o.Sink))
	r.Result, err = local.Run(ctx, o.Options)
	for _, kept := range r.Kept {
		t.Logf("ktask: kept %s %s", kept.Kind, kept.Name)
	}
	_, canceled := errors.AsType[*local.CanceledError](err)
	switch {
	case canceled && o.expect == Canceled:
	case canceled:
		t.Fatalf("%s", strings.TrimSpace(fmt.Sprintf("%s: %v\n%s", path, err, &explained)))
	case err != nil:
		t.Fatalf("%s", failure(path, err))
	case r.Status != o.expect:
		t.Fatalf("%s", strings.TrimSpace(fmt.Sprintf("%s: %s, expected %s\n%s", path, r.Status, o.expect, &explained)))
	}
	return r
}

// errDeadline is the cause of a run that is stopped because the test's time is nearly over.
var errDeadline = errors.New("the deadline of `go test -timeout` is near")

// contextOf returns the context of the test. It ends early enough before the test's deadline for what the run has on the
// engine to be removed.
func contextOf(t testing.TB) (context.Context, context.CancelFunc) {
	limited, ok := t.(interface{ Deadline() (time.Time, bool) })
	if !ok {
		return context.WithCancel(t.Context())
	}
	deadline, ok := limited.Deadline()
	if !ok {
		return context.WithCancel(t.Context())
	}
	reserve := min(15*time.Second, time.Until(deadline)/5)
	return context.WithDeadlineCause(t.Context(), deadline.Add(-reserve), errDeadline)
}

// sink logs and keeps what tasks print.
type sink struct {
	t testing.TB
	r *Result
}

// Emit logs a line of output, and why an attempt is not the last one.
func (s sink) Emit(e engine.Event) {
	switch e := e.(type) {
	case engine.OutputLine:
		text := e.Line
		if !e.Partial {
			text += "\n"
		}
		s.r.lines = append(s.r.lines, line{e.Task, text})
		s.t.Logf("%s | %s", plan.OneLine(e.Task), plan.OneLine(e.Line))
	case engine.AttemptFinished:
		if e.Retry {
			s.t.Logf("ktask: %s: attempt %d %s: %s, next attempt in %v", plan.OneLine(e.Task), e.Attempt, e.Result.Status, plan.OneLine(e.Result.Message), e.RetryIn)
		}
	}
}

// optional returns a sink, if there is none one that ignores events.
func optional(s engine.Sink) engine.Sink {
	if s == nil {
		return engine.SinkFunc(func(engine.Event) {})
	}
	return s
}
