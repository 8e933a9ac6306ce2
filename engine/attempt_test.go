package engine_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/enginetest"
	"github.com/ktask/ktask/engine/plan"
)

const password = "correct horse battery"

// careless is an engine that puts the secret into all that it returns and writes.
type careless struct {
	enginetest.Fake
	fails string
}

func (c *careless) err(where string) error {
	if c.fails != where {
		return nil
	}
	return &engine.Error{Reason: engine.EngineRefused, Err: fmt.Errorf("%s: invalid value %q", where, password), Remedy: engine.Remedy{Text: "do not write " + password}}
}

func (c *careless) Prepare(_ context.Context, _ plan.Container, sink engine.Sink) error {
	return c.err("prepare")
}

func (c *careless) KeepVolumes(context.Context, plan.Container, engine.Labels) (func(context.Context) error, error) {
	return func(context.Context) error { return c.err("release") }, c.err("keep")
}

func (c *careless) Run(_ context.Context, _ plan.Container, _ engine.Labels, out engine.Output) (engine.Exit, error) {
	_, _ = io.WriteString(out.Stdout, "it is "+password[:9])
	_, _ = io.WriteString(out.Stdout, password[9:])
	_, _ = io.WriteString(out.Stderr, password+"\n")
	exit := engine.Exit{Code: 1}
	switch c.fails {
	case "message":
		if err := out.Message(strings.NewReader("a first try: " + password)); err != nil {
			return exit, err
		}
		return exit, out.Message(strings.NewReader(strings.Repeat("x", 5000) + password))
	case "explanation":
		exit.Reason, exit.Message = engine.CommandNotFound, password+" is not in the image"
	case "release":
		exit.Code = 0
	}
	return exit, errors.Join(c.err("run"), c.err("joined"))
}

// TestCarelessEngine holds that no event and no result shows a secret, whatever the engine does.
func TestCarelessEngine(t *testing.T) {
	for _, fails := range []string{"", "prepare", "keep", "release", "run", "joined", "message", "explanation"} {
		t.Run("fails "+fails, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				task := task("t")
				task.Retry.Limit = 1
				task.Container.Tmpfs = []plan.Tmpfs{{Name: "v", Path: "/v"}}
				task.Container.TerminationMessage = plan.TerminationMessage{Path: "/m", FallbackToLogs: true}
				task.Container.Args = []plan.Text{plan.Hidden(plan.NewSecret("s/k", password))}
				var all strings.Builder
				r := engine.Runner{Engine: &careless{fails: fails}, Sink: engine.SinkFunc(func(e engine.Event) { fmt.Fprintf(&all, "%+v\n", e) })}
				result, err := r.Run(t.Context(), plan.Plan{Tasks: []plan.Task{task}})
				fmt.Fprintf(&all, "%+v %v\n", result, err)
				if strings.Contains(all.String(), "horse") || strings.Contains(all.String(), "first try") {
					t.Errorf("it shows the secret:\n%s", all.String())
				}
				if !strings.Contains(all.String(), plan.Mask) {
					t.Errorf("it says nothing:\n%s", all.String())
				}
			})
		})
	}
}
