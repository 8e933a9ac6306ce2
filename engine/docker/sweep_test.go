package docker_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/docker"
	"github.com/ktask/ktask/engine/enginetest"
	"github.com/ktask/ktask/engine/plan"
	"github.com/ktask/ktask/integration/engines"
)

// announced is a sink that closes ready when the task has written something.
type announced struct {
	once  sync.Once
	ready chan struct{}
}

func (a *announced) Emit(e engine.Event) {
	if _, ok := e.(engine.OutputLine); ok {
		a.once.Do(func() { close(a.ready) })
	}
}

// lasting returns a container with a volume that runs until it is removed.
func lasting() plan.Container {
	c := shell("echo ready; sleep 600")
	c.Tmpfs = []plan.Tmpfs{{Name: "v", Path: "/a"}, {Name: "v", Path: "/b"}}
	return c
}

// begin runs a lasting container and returns when it runs. ended is closed after its end.
func begin(t *testing.T, e *docker.Engine, l engine.Labels) (ended chan struct{}) {
	t.Helper()
	sink := &announced{ready: make(chan struct{})}
	ended = make(chan struct{})
	ctx := context.WithoutCancel(t.Context())
	go func() {
		defer close(ended)
		_, _ = engine.Attempt(ctx, e, lasting(), l, sink) // the error depends on who removes the container, and when
	}()
	select {
	case <-sink.ready:
	case <-ended:
		t.Fatal("the container did not start")
	case <-time.After(engines.Patience):
		t.Fatalf("the container does not start within %v", engines.Patience)
	}
	return ended
}

// TestSweep removes all of a run, also what is created meanwhile, and nothing of another run.
func TestSweep(t *testing.T) { sweeps(t, docker.Options{}) }

func sweeps(t *testing.T, o docker.Options) {
	e := connect(t, o)
	other := labels(t, 1)
	other.Run += "-other"
	stays := begin(t, e, other)
	first := begin(t, e, labels(t, 1))

	// A busy engine can take any time to create the second container, so Sweep does not end by itself.
	ctx, cancel := context.WithCancelCause(t.Context())
	swept := make(chan error, 1)
	go func() { swept <- e.Sweep(ctx, runOf(t), time.Hour) }()
	engines.Receive(t, first, "the first container goes")
	second := make(chan struct{})
	go func() { // created when Sweep is at work, and perhaps removed before it is ready
		defer close(second)
		_, _ = engine.Attempt(context.WithoutCancel(t.Context()), e, lasting(), labels(t, 2), &enginetest.Recorder{})
	}()
	engines.Receive(t, second, "the second container goes")
	over := errors.New("that was all")
	cancel(over)
	if err := engines.Receive(t, swept, "Sweep ends"); !errors.Is(err, over) {
		t.Errorf("Sweep: %v", err)
	}
	if err := e.Sweep(t.Context(), runOf(t), time.Millisecond); err != nil {
		t.Errorf("Sweep of nothing: %v", err)
	}
	if left, err := e.Leftovers(t.Context(), runOf(t)); err != nil || len(left) > 0 {
		t.Errorf("left: %+v, %v", left, err)
	}
	left, err := e.Leftovers(t.Context(), other.Run)
	running := func(l engine.Leftover) bool { return l.Running }
	if err != nil || !slices.ContainsFunc(left, running) || left[len(left)-1].Kind != "volume" {
		t.Errorf("the other run has %+v, %v; want its container and its volume", left, err)
	}
	if err := e.Kill(t.Context(), other.Run); err != nil {
		t.Fatal(err)
	}
	engines.Receive(t, stays, "the other run ends")
}

// TestSweepLeavesWhatIsKept sweeps a run with kept containers, and one with --keep whose container still runs: only that is
// removed.
func TestSweepLeavesWhatIsKept(t *testing.T) {
	e := connect(t, docker.Options{Keep: docker.KeepAlways})
	c := lasting()
	c.Command = plan.Texts([]string{"true"})
	if _, err := engine.Attempt(t.Context(), e, c, labels(t, 1), &enginetest.Recorder{}); err != nil {
		t.Fatal(err)
	}
	running := labels(t, 2)
	running.Task = "running"
	ended := begin(t, e, running)
	if err := e.Sweep(t.Context(), runOf(t), time.Millisecond); err != nil {
		t.Fatal(err)
	}
	engines.Receive(t, ended, "the container goes")
	left, err := e.Leftovers(t.Context(), runOf(t))
	if err != nil || len(left) != 3 || !left[0].Kept || left[0].Labels.Attempt != 1 || !left[1].Kept {
		t.Errorf("left: %+v, %v; want the container that has ended and its volumes", left, err)
	}
	for _, l := range left {
		if err := e.Remove(t.Context(), l); err != nil {
			t.Error(err)
		}
		if err := e.Remove(t.Context(), l); err != nil {
			t.Errorf("a second time: %v", err)
		}
	}
}

// TestRemoveTogether removes and lists the same things several times at once, as a guardian and the next run may.
func TestRemoveTogether(t *testing.T) { removesTogether(t, docker.Options{}) }

func removesTogether(t *testing.T, o docker.Options) {
	e := connect(t, o)
	for attempt := range 8 { // whether two removals overlap is up to chance
		ended := begin(t, e, labels(t, attempt+1))
		left, err := e.Leftovers(t.Context(), runOf(t))
		if err != nil || len(left) < 2 { // more if the message needs a volume
			t.Fatalf("left: %+v, %v", left, err)
		}
		var together sync.WaitGroup
		for range 4 {
			together.Go(func() {
				for _, l := range left {
					if err := e.Remove(t.Context(), l); err != nil {
						t.Error(err)
					}
					if _, err := e.Leftovers(t.Context(), ""); err != nil {
						t.Error(err)
					}
				}
			})
		}
		together.Wait()
		engines.Receive(t, ended, "the container goes")
	}
}

// TestSweepOfNoEngine sweeps without an engine: Sweep ends with its context, and the error names both causes.
func TestSweepOfNoEngine(t *testing.T) {
	e, err := docker.New(docker.Options{Host: "unix:///nonexistent/engine.sock"})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if err := e.Sweep(ctx, "run", time.Hour); err == nil {
		t.Error("Sweep is content")
	}
}
