package command_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ktask/ktask/command"
	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/owner"
	"github.com/ktask/ktask/engine/plan"
	"github.com/ktask/ktask/local"
)

// littered is an engine that only has leftovers.
type littered struct {
	left    []engine.Leftover
	stuck   string
	removed []string
	swept   []string
}

func (e *littered) Prepare(context.Context, plan.Container, engine.Sink) error { return nil }

func (e *littered) Run(context.Context, plan.Container, engine.Labels, engine.Output) (engine.Exit, error) {
	return engine.Exit{}, nil
}

func (e *littered) Leftovers(context.Context, string) ([]engine.Leftover, error) { return e.left, nil }

func (e *littered) Remove(_ context.Context, left engine.Leftover) error {
	if left.Name == e.stuck {
		return errors.New("device or resource busy")
	}
	e.removed = append(e.removed, left.Name)
	return nil
}

func (e *littered) Sweep(_ context.Context, run string, _ time.Duration) error {
	e.swept = append(e.swept, run)
	return nil
}

// keeping is an engine that keeps the containers of its runs, as --keep wants.
type keeping struct{ littered }

func (e *keeping) Run(_ context.Context, _ plan.Container, labels engine.Labels, _ engine.Output) (engine.Exit, error) {
	e.left = append(e.left, engine.Leftover{Kind: "container", Name: labels.Task + "-kept", Labels: labels, Kept: true})
	return engine.Exit{}, nil
}

// TestKeptIsNamed: a user needs the name of a container that is kept, also with -q.
func TestKeptIsNamed(t *testing.T) {
	for _, form := range []string{"plain", "quiet"} {
		s := newShell(t, map[string]string{"a.yaml": hello})
		s.engine = &keeping{}
		s.ktask("run", "-o", form, "--keep", "always", "a.yaml").exits(0).says("kept: attempt 1 of hello: docker logs hello-kept\n", "`ktask clean ")
	}
}

// litter has something of a dead ktask, kept or not, of a living one, of another machine's that may be at work and that
// cannot be any longer, and of nobody's.
func litter(t *testing.T) *littered {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "ktask")
	t.Setenv("XDG_RUNTIME_DIR", filepath.Dir(dir))
	runs := owner.In(dir)
	for _, run := range []string{"run-dead", "run-kept", "run-alive"} {
		claim, err := runs.Claim(run)
		if err != nil {
			t.Fatal(err)
		}
		if run == "run-alive" {
			t.Cleanup(claim.Release)
			continue
		}
		abandon(t, claim, dir)
	}
	left := func(name, by string) engine.Leftover {
		return engine.Leftover{Kind: "container", Name: name, ID: "id-" + name, Labels: engine.Labels{Run: "run-" + name, Task: "t", Attempt: 1, Owner: by}}
	}
	kept, overdue, slow := left("kept", "7 then"), left("overdue", "7 then"), left("alive", "7 then")
	kept.Kept, overdue.Overdue, slow.Overdue = true, true, true
	return &littered{left: []engine.Leftover{
		left("dead", "7 then"), kept, slow, left("foreign", "4242 then"), overdue, left("odd", "host 1 2"),
	}}
}

// abandon leaves the file of a run as a killed process does: there, and not locked.
func abandon(t *testing.T, claim *owner.Claim, dir string) {
	t.Helper()
	files := func() map[string]bool {
		all := map[string]bool{}
		found, _ := filepath.Glob(filepath.Join(dir, "*", "*"))
		for _, f := range found {
			all[f] = true
		}
		return all
	}
	before := files()
	claim.Release()
	after := files()
	for f := range before {
		if !after[f] {
			if err := os.WriteFile(f, nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// on calls ktask with this engine.
func (e *littered) on(t *testing.T, terminal bool, stdin string, args ...string) outcome {
	t.Helper()
	var out, err bytes.Buffer
	app := command.App{
		In: strings.NewReader(stdin), Out: &out, Err: &err, ErrTerminal: terminal, Version: "v0-test",
		NewEngine: func(local.EngineOptions) (engine.Engine, error) { return e, nil },
	}
	t.Chdir(t.TempDir())
	code := command.Main(t.Context(), app, args)
	return outcome{t: t, code: code, out: out.String(), err: err.String()}
}

func (e *littered) lost(t *testing.T, want ...string) {
	t.Helper()
	if !slices.Equal(e.removed, want) {
		t.Errorf("removed %v, want %v", e.removed, want)
	}
}

func TestCleanRemovesTheDead(t *testing.T) {
	e := litter(t)
	e.on(t, false, "", "clean").exits(0).says(
		"removed container dead: run run-dead was killed", "removed container kept: run run-kept kept it",
		"left container alive: run run-alive is at work (pid", "left container foreign: run run-foreign may be at work on another machine",
		"pid 4242 there); --all removes it", "removed container overdue: run run-overdue has ended: its time is over", "left container odd: run run-odd may be at work")
	e.lost(t, "dead", "kept", "overdue")

	e = litter(t)
	e.on(t, false, "", "clean", "--dry-run", "--all").exits(0).says("would remove container dead", "would remove container odd", "left container alive").hides("removed")
	e.lost(t)

	e = litter(t)
	e.on(t, false, "", "clean", "run-kept", "run-alive").exits(0).says("removed container kept", "left container alive").hides("dead", "odd")
	e.lost(t, "kept")

	e = litter(t)
	e.stuck = "dead"
	e.on(t, false, "", "clean").exits(3).says("could not remove container dead: device or resource busy", "removed container kept")

	litter(t).on(t, false, "", "clean", "run-de").exits(0).says("nothing is left of run run-de", "--dry-run").hides("removed")
	(&littered{}).on(t, false, "", "clean").exits(0).says("nothing is left behind")
	(&littered{}).on(t, false, "", "clean", "-o", "json").exits(0).says(`"items": []`)
	litter(t).on(t, false, "", "clean", "-o", "json").exits(0).
		says(`"schema": "ktask.dev/clean/v1"`, `"action": "removed"`, `"owner": "unknown"`, `"owner": "dead"`, `"id": "id-dead"`, `"run": "run-dead"`, `"kept": true`)
	litter(t).on(t, false, "", "clean", "-o", "xml").exits(2).says("text or json")
}

// TestCleanAllAsks: what may be in use goes only where somebody says so, and the living stay.
func TestCleanAllAsks(t *testing.T) {
	everything, some := []string{"dead", "kept", "foreign", "overdue", "odd"}, []string{"dead", "kept", "overdue"}
	e := litter(t)
	e.on(t, false, "y\n", "clean", "--all").exits(2).says("--force")
	e.lost(t)
	e = litter(t)
	e.on(t, false, "", "clean", "--all", "--force").exits(0).says("left container alive")
	e.lost(t, everything...)
	for answer, want := range map[string][]string{"y\n": everything, "YES\n": everything, "n\n": some, "": some, "yellow\n": some} {
		e = litter(t)
		e.on(t, true, answer, "clean", "--all").exits(0).says("container foreign: run run-foreign may be", "Remove 2 that may be in use elsewhere? [y/N]")
		e.lost(t, want...)
	}
	e = &littered{left: litter(t).left[:1]}
	e.on(t, true, "", "clean", "--all").exits(0).hides("[y/N]")
	e.lost(t, "dead")
}

// TestRunRemovesTheDead: but not what the user kept.
func TestRunRemovesTheDead(t *testing.T) {
	e := litter(t)
	e.on(t, false, hello, "run", "-").exits(0).says("removed what killed runs had left (containers and volumes: 2)")
	e.lost(t, "dead", "overdue")
	e = litter(t)
	e.on(t, false, hello, "run", "-o", "quiet", "-").exits(0).hides("removed")
	e.lost(t, "dead", "overdue")
	e = litter(t)
	e.stuck = "dead"
	e.on(t, false, hello, "run", "-").exits(0).says("volumes: 1)").hides("busy")
	e.lost(t, "overdue")
}

// TestGuardian is its own side: what it reads decides whether it sweeps.
func TestGuardian(t *testing.T) {
	charge := `{"Run":"r1","Engine":{"Host":"unix:///x"}}` + "\n"
	for text, swept := range map[string][]string{
		"": nil, charge[:9]: nil, charge + "done\n": nil, charge: {"r1"}, charge + "don": {"r1"},
	} {
		e := &littered{}
		e.on(t, false, text, "guard", "r1").exits(0)
		if !slices.Equal(e.swept, swept) {
			t.Errorf("after reading %q it sweeps %v, want %v", text, e.swept, swept)
		}
	}
	e := &littered{}
	e.on(t, false, "hello\n", "guard").exits(2).says("started by ktask run only")
	e.on(t, false, "", "--help").exits(0).says("clean").hides("guard")
	e.on(t, false, "", "guart").exits(2).hides("did you mean")
}
