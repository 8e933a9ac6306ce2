package docker_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/docker"
	"github.com/ktask/ktask/engine/enginetest"
	"github.com/ktask/ktask/engine/plan"
)

// announced tells when the task has written something.
type announced struct {
	once  sync.Once
	ready chan struct{}
}

func (a *announced) Emit(e engine.Event) {
	if _, ok := e.(engine.OutputLine); ok {
		a.once.Do(func() { close(a.ready) })
	}
}

// lasting is a container with a volume that ends when somebody ends it.
func lasting() plan.Container {
	c := shell("echo ready; sleep 600")
	c.Tmpfs = []plan.Tmpfs{{Name: "v", Path: "/a"}, {Name: "v", Path: "/b"}}
	return c
}

// begin runs a lasting container, and returns when it runs. ended is closed behind it.
func begin(t *testing.T, e *docker.Engine, l engine.Labels) (ended chan struct{}) {
	t.Helper()
	sink := &announced{ready: make(chan struct{})}
	ended = make(chan struct{})
	ctx := context.WithoutCancel(t.Context())
	go func() {
		defer close(ended)
		_, _ = engine.Attempt(ctx, e, lasting(), l, sink) // an engine from which the container vanishes may say so in many ways
	}()
	select {
	case <-sink.ready:
	case <-ended:
		t.Fatal("the container did not start")
	case <-time.After(soon):
		t.Fatalf("the container does not start within %v", soon)
	}
	return ended
}

// TestSweep: all of the run goes, also what appears while it goes, and nothing of another run.
func TestSweep(t *testing.T) { sweeps(t, docker.Options{}) }

func sweeps(t *testing.T, o docker.Options) {
	e := connect(t, o)
	other := labels(t, 1)
	other.Run += "-other"
	stays := begin(t, e, other)
	first := begin(t, e, labels(t, 1))

	// A busy engine can be silent for any time before it makes the second container, so the sweeper waits for ever.
	ctx, cancel := context.WithCancelCause(t.Context())
	swept := make(chan error, 1)
	go func() { swept <- e.Sweep(ctx, runOf(t), time.Hour) }()
	receive(t, first, "the first container goes")
	second := make(chan struct{})
	go func() { // made when the sweeper has been at work, and perhaps gone before it says that it is ready
		defer close(second)
		_, _ = engine.Attempt(context.WithoutCancel(t.Context()), e, lasting(), labels(t, 2), &enginetest.Recorder{})
	}()
	receive(t, second, "the second container goes")
	over := errors.New("that was all")
	cancel(over)
	if err := receive(t, swept, "Sweep ends"); !errors.Is(err, over) {
		t.Errorf("Sweep: %v", err)
	}
	if err := e.Sweep(t.Context(), runOf(t), time.Millisecond); err != nil {
		t.Errorf("Sweep of nothing: %v", err)
	}
	if left, err := e.Leftovers(t.Context(), runOf(t)); err != nil || len(left) > 0 {
		t.Errorf("left: %+v, %v", left, err)
	}
	left, err := e.Leftovers(t.Context(), other.Run)
	if err != nil || len(left) != 2 || left[0].Kind != "container" || !left[0].Running || left[1].Kind != "volume" {
		t.Errorf("the other run has %+v, %v; want its container and its volume", left, err)
	}
	if err := e.Kill(t.Context(), other.Run); err != nil {
		t.Fatal(err)
	}
	receive(t, stays, "the other run ends")
}

// TestSweepLeavesWhatIsKept: but a container that still runs is nothing that the user asked to keep.
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
	receive(t, ended, "the container goes")
	left, err := e.Leftovers(t.Context(), runOf(t))
	if err != nil || len(left) != 2 || !left[0].Kept || left[0].Labels.Attempt != 1 || !left[1].Kept {
		t.Errorf("left: %+v, %v; want the container that has ended and its volume", left, err)
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

// TestRemoveTogether: several remove the same thing, as a guardian and the next run may, and others list it meanwhile.
func TestRemoveTogether(t *testing.T) { removesTogether(t, docker.Options{}) }

func removesTogether(t *testing.T, o docker.Options) {
	e := connect(t, o)
	for attempt := range 8 { // the moment at which two meet is theirs
		ended := begin(t, e, labels(t, attempt+1))
		left, err := e.Leftovers(t.Context(), runOf(t))
		if err != nil || len(left) != 2 {
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
		receive(t, ended, "the container goes")
	}
}

// TestSweepOfNoEngine gives up with its context, and says why.
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
