package enginetest

import (
	"context"
	"sync"
	"testing"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/plan"
)

// suite is a fixture with the run that its attempts are labelled with.
type suite struct {
	Fixture
	run      string
	mu       sync.Mutex
	attempts int
}

// attempt runs one attempt with labels of its own.
func (s *suite) attempt(ctx context.Context, c plan.Container, sink engine.Sink) (engine.Exit, error) {
	s.mu.Lock()
	s.attempts++
	labels := engine.Labels{Run: s.run, Task: "task", Attempt: s.attempts, Owner: "conformance", Version: "test"}
	s.mu.Unlock()
	return engine.Attempt(ctx, s.Engine, c, labels, sink)
}

// start prepares and runs a script; the engine must not fail.
func (s *suite) start(t *testing.T, ctx context.Context, script Attempt) (engine.Exit, *Recorder) {
	t.Helper()
	var heard Recorder
	c := s.Container(script)
	if err := s.Engine.Prepare(t.Context(), c, &heard); err != nil {
		t.Fatalf("prepare: %v", err)
	}
	exit, err := s.attempt(ctx, c, &heard)
	if err != nil {
		t.Fatalf("run: %v", err)
	}
	return exit, &heard
}

func (s *suite) nothingLeft(t *testing.T) {
	t.Helper()
	left, err := s.Left(context.WithoutCancel(t.Context()), s.run)
	if err != nil {
		t.Errorf("count what is left: %v", err)
	}
	if len(left) > 0 {
		t.Errorf("left on the engine: %q", left)
	}
}
