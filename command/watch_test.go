package command

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"

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
	if err := os.WriteFile(in("stdout.json"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	stdout, err := os.Stat(in("stdout.json"))
	if err != nil {
		t.Fatal(err)
	}
	w.streams = []os.FileInfo{stdout}
	moved := in("moved") + string(filepath.Separator)
	changed := []string{in("a.yaml"), in("notes.txt"), in("report.json"), in("stdout.json"), in("secrets"), in("source/data"), in("source/logs/a-1.log"), in("made"), moved}
	want := []string{in("a.yaml"), in("secrets"), in("source/data"), moved}
	if got := w.counted(changed); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestWatchInterrupted: an interrupt ends ktask also if a change is canceling the run.
func TestWatchInterrupted(t *testing.T) {
	file := filepath.Join(t.TempDir(), "a.yaml")
	signals, runs := make(chan os.Signal, 1), 0
	w := &watch{inputs: []string{file}, app: App{Err: io.Discard, screen: io.Discard, Signals: func() <-chan os.Signal { return signals }}}
	w.once = func(ctx context.Context, _ func(plan.Plan) plan.Plan) error {
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

// TestWatchRemembersChanges: a change of a mounted source counts until the tasks can be chosen, which they cannot while a manifest
// has errors.
func TestWatchRemembersChanges(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	source, manifest := filepath.Join(dir, "source"), filepath.Join(dir, "a.yaml")
	task := plan.Task{Name: "a", Container: plan.Container{Mounts: []plan.Mount{{Source: source, ReadOnly: true}}}}
	writes := func(file string) {
		if err := os.WriteFile(file, nil, 0o644); err != nil {
			t.Error(err)
		}
	}
	var ran [][]plan.Task
	w := &watch{inputs: []string{manifest}, app: App{Err: io.Discard, screen: io.Discard}}
	rounds := 0
	w.once = func(ctx context.Context, choose func(plan.Plan) plan.Plan) error {
		rounds++
		if rounds == 2 {
			writes(manifest)
			<-ctx.Done()
			return exitError{exitUsage, errors.New("invalid")}
		}
		ran = append(ran, choose(plan.Plan{Tasks: []plan.Task{task}}).Tasks)
		if rounds == 1 {
			w.tasks.unfinished = nil
			writes(source)
			<-ctx.Done()
			return nil
		}
		return exitError{exitSignal + 2, nil}
	}
	if code, _ := errors.AsType[exitError](w.run(t.Context())); code.code != exitSignal+2 {
		t.Errorf("it ends with %d: %v", code.code, code.err)
	}
	if len(ran) != 2 || len(ran[1]) != 1 {
		t.Errorf("the runs have %v", ran)
	}
}
