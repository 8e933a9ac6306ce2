package command

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/plan"
	"github.com/ktask/ktask/local"
)

// explain prints what ktask does and why, if --verbose is given.
func (app App) explain(s settings, format string, args ...any) {
	if s.yes("verbose") {
		_, _ = fmt.Fprintf(app.Err, "ktask: %s\n", plan.OneLine(fmt.Sprintf(format, args...)))
	}
}

// explainPlan prints which tasks run, and why these.
func (app App) explainPlan(s settings, p plan.Plan, o local.Options) {
	var names []string
	for _, t := range p.Tasks {
		names = append(names, t.Name)
	}
	why := "every KeptnTask, or if there is none, every definition that no other one calls"
	for _, flag := range []string{"task", "app", "workload", "stage"} {
		if v, ok := s.one(flag); ok {
			why = v.said
			break
		}
	}
	app.explain(s, "runs %s (%s): %s", counted(len(p.Tasks), "task"), why, strings.Join(names, ", "))
	app.explain(s, "%d at a time", cmp.Or(o.Parallel, local.Parallel(p, o.EngineOptions)))
}

// explainEngine prints which engine a run uses and why, which images it has, and which containers are prepared.
func (app App) explainEngine(ctx context.Context, s settings, e engine.Engine, p plan.Plan) {
	if !s.yes("verbose") {
		return
	}
	tried := local.Tried(e)
	for i, t := range tried {
		if i < len(tried)-1 {
			app.explain(s, "engine: not %s (%s): %s", t.Host, t.Of, t.Answer())
			continue
		}
		app.explain(s, "engine: %s (%s)", t.Host, s.chosenBy(t.Of))
	}
	if d, ok := e.(engine.Describer); ok && len(tried) == 0 {
		if info, err := d.Describe(ctx); err == nil { // otherwise the run reports it
			app.explain(s, "engine: %s %s at %s", info.Name, info.Version, info.Host)
		}
	}
	finder, _ := e.(engine.ImageFinder)
	var seen []string
	for _, t := range p.Tasks {
		c := t.Container
		if slices.Contains(seen, c.Image) {
			continue
		}
		seen = append(seen, c.Image)
		state := ""
		if finder != nil {
			switch _, ok, err := finder.FindImage(ctx, c.Image, c.Platform); {
			case err != nil: // the run reports it
			case ok:
				state = ", on the engine"
			default:
				state = ", not on the engine"
			}
		}
		app.explain(s, "image %s (%s): pull policy %s%s", c.Image, c.ImageOrigin, c.PullPolicy, state)
	}
	if s.text("engine", "docker") == "kubernetes" {
		return // which prepares none
	}
	for _, t := range p.Tasks {
		if why := t.Container.Unprepared(); why != "" {
			app.explain(s, "task %s: its container is not prepared: %s", t.Name, why)
		} else {
			app.explain(s, "task %s: its container may be prepared while others run", t.Name)
		}
	}
}

// chosenBy returns why an engine is used: what has named it, or that it is the first one that has answered.
func (s settings) chosenBy(by string) string {
	switch namer := s.namer(by); namer {
	case "--host", "--docker-context", "DOCKER_HOST", "DOCKER_CONTEXT", configFile:
		return "named by " + namer
	case "the current context":
		return "the current Docker context"
	default:
		return namer + ", the first of the usual sockets that answers"
	}
}
