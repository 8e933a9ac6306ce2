package docker_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/plan"
	"github.com/ktask/ktask/integration/engines"
)

// preparedRuns is the end of the run ids of scenarios that are prepared.
const preparedRuns = "-prepared"

// preparedScenarios returns the scenarios whose containers can be prepared. Their tasks have an effect outside of the engine.
func preparedScenarios(t *testing.T) (all []scenario) {
	effects := newEffects(t)
	for _, s := range scenarios() {
		c := &s.task.Container
		if len(c.Tmpfs) > 0 {
			continue
		}
		s.name, s.effects = "prepared "+s.name, effects
		c.Network, c.User = "host", "nobody" // so that the users of the image are read; podman prepares only for those
		c.Files = []plan.File{{Path: "/new/file", Mode: 0o644, Content: []byte("content\n")}}
		c.Command[2] = plan.Plain(`wget -q -O /dev/null "$EFFECT" && grep -q content /new/file || exit 9; ` + c.Command[2].String())
		all = append(all, s)
	}
	for _, s := range slices.Clone(all) {
		s.name, s.waits = "waiting "+s.name, true
		all = append(all, s)
	}
	return all
}

// firstTask is the name of the task for which another one waits.
const firstTask = "first"

// nextEngine lets the scheduler prepare the task that waits for the first one. The first one needs nothing of the engine, so that the requests
// have one order.
type nextEngine struct {
	readyEngine
	begun, ready chan struct{}
}

func newNextEngine(e readyEngine) nextEngine {
	return nextEngine{e, make(chan struct{}), make(chan struct{})}
}

// Ready prepares the task when the first one runs.
func (e nextEngine) Ready(ctx context.Context, c plan.Container, labels engine.Labels) (func(context.Context) error, error) {
	defer close(e.ready)
	select {
	case <-e.begun:
	case <-ctx.Done():
		return func(context.Context) error { return nil }, nil
	}
	labels.Attempt++ // the first one is prepared only if the machine has time
	defer e.readied()
	return e.Engine.Ready(ctx, c, labels)
}

func (e nextEngine) Run(ctx context.Context, c plan.Container, labels engine.Labels, out engine.Output) (engine.Exit, error) {
	if labels.Task == firstTask {
		close(e.begun)
		engines.Receive(e.TB, e.ready, "the preparation of the task that waits")
		return engine.Exit{}, nil
	}
	labels.Attempt++
	return e.Engine.Run(ctx, c, labels, out)
}

// effects counts what tasks do: requests to a server.
type effects struct {
	server *httptest.Server
	mu     sync.Mutex
	count  map[string]int
}

func newEffects(t *testing.T) *effects {
	e := &effects{count: map[string]int{}}
	e.server = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		e.mu.Lock()
		defer e.mu.Unlock()
		e.count[r.URL.Path]++
	}))
	t.Cleanup(e.server.Close)
	return e
}

// url returns the address that a run requests.
func (e *effects) url(run string) string { return e.server.URL + "/" + run }

func (e *effects) of(run string) int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.count["/"+run]
}

// checkEffects checks that each attempt of a prepared scenario has had its effect once, and that its result is that of a
// container that is not prepared.
func (f *faultRun) checkEffects(t *testing.T, got engine.TaskResult, run string) {
	t.Helper()
	if f.effects == nil {
		return
	}
	n := f.effects.of(run)
	if n > len(got.Attempts) || got.Status != engine.Errored && n != len(got.Attempts) {
		t.Errorf("%s with %d effects in %d attempts", got.Status, n, len(got.Attempts))
	}
	if f.early && got.Status != f.status {
		t.Errorf("%s %s: %s", got.Status, got.Reason, got.Message)
	}
}
