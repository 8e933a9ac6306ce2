package command_test

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ktask/ktask/command"
	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/owner"
	"github.com/ktask/ktask/engine/plan"
)

// littered is an engine that only has leftovers.
type littered struct {
	left    []engine.Leftover
	stuck   string
	removed []string
	swept   []string
}

func (e *littered) Prepare(context.Context, plan.Container, engine.Sink) error { return nil }

func (e *littered) Run(context.Context, plan.Container, engine.Labels, engine.Sink) (engine.Exit, error) {
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

// litter has something of a dead ktask, kept or not, of this one, of another machine's, and of nobody's.
func litter() *littered {
	self := owner.Self()
	dead, foreign := self, self
	dead.Start, foreign.Machine, foreign.Boot, foreign.PID = "1", "another", "another", 4242
	left := func(name, by string) engine.Leftover {
		return engine.Leftover{Kind: "container", Name: name, ID: "id-" + name, Labels: engine.Labels{Run: "run-" + name, Task: "t", Attempt: 1, Owner: by}}
	}
	kept := left("kept", dead.String())
	kept.Kept = true
	return &littered{left: []engine.Leftover{
		left("dead", dead.String()), kept, left("alive", self.String()), left("foreign", foreign.String()), left("odd", "host 1 2"),
	}}
}

// on calls ktask with this engine.
func (e *littered) on(t *testing.T, terminal bool, stdin string, args ...string) outcome {
	t.Helper()
	var out, err bytes.Buffer
	app := command.App{
		In: strings.NewReader(stdin), Out: &out, Err: &err, ErrTerminal: terminal, Version: "v0-test",
		NewEngine: func(command.EngineOptions) (engine.Engine, error) { return e, nil },
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
	e := litter()
	e.on(t, false, "", "clean").exits(0).says(
		"removed container dead: run run-dead was killed", "removed container kept: run run-kept kept it",
		"left container alive: run run-alive is at work (pid", "left container foreign: run run-foreign may be at work on another machine",
		"pid 4242 there); --all removes it", "left container odd: run run-odd has an owner that cannot be read; --all removes it")
	e.lost(t, "dead", "kept")

	e = litter()
	e.on(t, false, "", "clean", "--dry-run", "--all").exits(0).says("would remove container dead", "would remove container odd", "left container alive").hides("removed")
	e.lost(t)

	e = litter()
	e.on(t, false, "", "clean", "run-kept", "run-alive").exits(0).says("removed container kept", "left container alive").hides("dead", "odd")
	e.lost(t, "kept")

	e = litter()
	e.stuck = "dead"
	e.on(t, false, "", "clean").exits(3).says("could not remove container dead: device or resource busy", "removed container kept")

	litter().on(t, false, "", "clean", "run-de").exits(0).says("nothing is left of run run-de", "--dry-run").hides("removed")
	(&littered{}).on(t, false, "", "clean").exits(0).says("nothing is left behind")
	(&littered{}).on(t, false, "", "clean", "-o", "json").exits(0).says(`"items": []`)
	litter().on(t, false, "", "clean", "-o", "json").exits(0).
		says(`"schema": "ktask.dev/clean/v1"`, `"action": "removed"`, `"owner": "unknown"`, `"owner": "dead"`, `"id": "id-dead"`, `"run": "run-dead"`, `"kept": true`)
	litter().on(t, false, "", "clean", "-o", "xml").exits(2).says("text or json")
}

// TestCleanAllAsks: what may be in use goes only where somebody says so, and the living stay.
func TestCleanAllAsks(t *testing.T) {
	everything := []string{"dead", "kept", "foreign", "odd"}
	e := litter()
	e.on(t, false, "y\n", "clean", "--all").exits(2).says("--force")
	e.lost(t)
	e = litter()
	e.on(t, false, "", "clean", "--all", "--force").exits(0).says("left container alive")
	e.lost(t, everything...)
	for answer, want := range map[string][]string{"y\n": everything, "YES\n": everything, "n\n": everything[:2], "": everything[:2], "yellow\n": everything[:2]} {
		e = litter()
		e.on(t, true, answer, "clean", "--all").exits(0).says("container foreign: run run-foreign may be", "Remove 2 that may be in use elsewhere? [y/N]")
		e.lost(t, want...)
	}
	e = &littered{left: litter().left[:1]}
	e.on(t, true, "", "clean", "--all").exits(0).hides("[y/N]")
	e.lost(t, "dead")
}

// TestRunRemovesTheDead: but not what the user kept.
func TestRunRemovesTheDead(t *testing.T) {
	e := litter()
	e.on(t, false, hello, "run", "-").exits(0).says("removed what killed runs had left: containers, volumes and networks, 1 in all")
	e.lost(t, "dead")
	e = litter()
	e.on(t, false, hello, "run", "-o", "quiet", "-").exits(0).hides("removed")
	e.lost(t, "dead")
	e = litter()
	e.stuck = "dead"
	e.on(t, false, hello, "run", "-").exits(0).hides("removed", "busy")
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
	e.on(t, false, "hello\n", "guard").exits(2).says("not a command for people")
	e.on(t, false, "", "--help").exits(0).says("clean").hides("guard")
	e.on(t, false, "", "guart").exits(2).hides("did you mean")
}
