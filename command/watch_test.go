package command

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/plan"
)

// TestWatchCounts checks which changes count.
func TestWatchCounts(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	in := func(name string) string { return filepath.Join(dir, name) }
	w := watch{inputs: []string{in("secrets")}, mounts: []string{in("source")}, outputs: []string{in("report.json"), in("source/logs")}}
	changed := []string{in("a.yaml"), in("notes.txt"), in("report.json"), in("secrets"), in("source/data"), in("source/logs/a-1.log")}
	want := []string{in("a.yaml"), in("secrets"), in("source/data")}
	if got := w.counted(changed); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestWatchInterrupted: an interrupt ends ktask also if a change is canceling the run.
func TestWatchInterrupted(t *testing.T) {
	file := filepath.Join(t.TempDir(), "a.yaml")
	signals, runs := make(chan os.Signal, 1), 0
	w := &watch{inputs: []string{file}, app: App{Err: io.Discard, screen: io.Discard, Signals: func() <-chan os.Signal { return signals }}}
	w.once = func(ctx context.Context, _ func(plan.Plan) plan.Plan, _ func(engine.Result)) error {
		if runs++; runs > 1 {
			return exitError{exitSignal + 15, errors.New("it runs again")}
		}
		if err := os.WriteFile(file, nil, 0o644); err != nil {
			return err
		}
		<-ctx.Done()
		signals <- os.Interrupt
		return exitError{exitEngine, context.Cause(ctx)}
	}
	if code, _ := errors.AsType[exitError](w.run(t.Context())); code.code != exitSignal+2 || runs != 1 {
		t.Errorf("after %d runs it ends with %d: %v", runs, code.code, code.err)
	}
}
