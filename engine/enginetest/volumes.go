package enginetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/ktask/ktask/engine"
)

// VolumeConformance tests the contract of engine.VolumeKeeper, which the engine of the fixture has to be.
func VolumeConformance(t *testing.T, newFixture func(testing.TB) Fixture) {
	conform(t, newFixture, []conformanceCase{
		{"a volume that is kept has what the attempts before left", volumeKept},
		{"volumes are kept apart by their tasks", volumesKeptApart},
		{"a ctx that has ended keeps no volume, and stops no release", keptAfterTheEnd},
	})
}

// touches returns an attempt that lists the files in its volume and writes one.
func touches(name string) Attempt {
	return Attempt{Lists: true, Leaves: name, Exit: engine.Exit{Code: 1}}
}

// volumeRun runs one attempt of a task with a volume.
func (s *suite) volumeRun(t *testing.T, task string, attempt int, want ...string) {
	t.Helper()
	labels := engine.Labels{Run: s.run, Task: task, Attempt: attempt, Owner: "conformance", Version: "test"}
	var heard Recorder
	exit, err := engine.Attempt(t.Context(), s.Engine, s.Container(touches(fmt.Sprint(task, attempt))), labels, &heard)
	if err != nil {
		t.Errorf("run: %v", err)
	}
	wantExit(t, exit, engine.Exit{Code: 1})
	wantLines(t, &heard, engine.Stdout, want...)
}

// keeper is the engine as a VolumeKeeper.
type keeper struct {
	*suite
	engine.VolumeKeeper
}

func (s *suite) keeper(t *testing.T) keeper {
	t.Helper()
	k, ok := s.Engine.(engine.VolumeKeeper)
	if !ok {
		t.Fatalf("%T is not an engine.VolumeKeeper", s.Engine)
	}
	return keeper{s, k}
}

// keep calls KeepVolumes for a task.
func (k keeper) keep(ctx context.Context, task string) (release func(context.Context) error, err error) {
	labels := engine.Labels{Run: k.run, Task: task, Owner: "conformance", Version: "test"}
	return k.KeepVolumes(ctx, k.Container(touches("")), labels)
}

func volumeOfItsOwn(t *testing.T, s *suite) {
	s.volumeRun(t, "a", 1)
	s.volumeRun(t, "a", 2)
}

func volumeKept(t *testing.T, s *suite) {
	keeper := s.keeper(t)
	for range 2 { // the same task finds an empty volume again
		release, err := keeper.keep(t.Context(), "a")
		if err != nil {
			t.Fatalf("keep volumes: %v", err)
		}
		s.volumeRun(t, "a", 1)
		s.volumeRun(t, "a", 2, "a1")
		s.volumeRun(t, "a", 3, "a1", "a2")
		if err := release(t.Context()); err != nil {
			t.Errorf("release: %v", err)
		}
		s.nothingLeft(t)
	}
	s.volumeRun(t, "a", 4)
}

func volumesKeptApart(t *testing.T, s *suite) {
	keeper := s.keeper(t)
	var together sync.WaitGroup
	for _, task := range []string{"a", "b", "c"} {
		together.Go(func() {
			release, err := keeper.keep(t.Context(), task)
			if err != nil {
				t.Errorf("keep volumes: %v", err)
				return
			}
			s.volumeRun(t, task, 1)
			s.volumeRun(t, task, 2, task+"1")
			if err := release(t.Context()); err != nil {
				t.Errorf("release: %v", err)
			}
		})
	}
	together.Wait()
}

func keptAfterTheEnd(t *testing.T, s *suite) {
	keeper := s.keeper(t)
	cause := errors.New("the cause")
	ctx, cancel := context.WithCancelCause(t.Context())
	release, err := keeper.keep(ctx, "a")
	if err != nil {
		t.Fatalf("keep volumes: %v", err)
	}
	cancel(cause)
	if err := release(ctx); err != nil {
		t.Errorf("release: %v", err)
	}
	if release, err := keeper.keep(ctx, "a"); !errors.Is(err, cause) || release != nil {
		t.Errorf("keep volumes gave error %v, want the cause of ctx, and no release", err)
	}
}
