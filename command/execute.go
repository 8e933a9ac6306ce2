package command

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/plan"
	"github.com/ktask/ktask/engine/report"
	"github.com/ktask/ktask/local"
)

// execute runs the plan, writes the reports and returns the exit code as an error.
func (app App) execute(ctx context.Context, s settings, o runOptions, p plan.Plan) error {
	reports, err := app.reports(s, o, p)
	if err != nil {
		return err
	}
	defer reports.close()
	e, err := app.NewEngine(o.engine)
	if err != nil {
		return exitError{exitEngine, err}
	}
	defer closeEngine(e)
	id := engine.NewRunID()
	active := newActiveTasks(p)
	ctx, interruption := app.interruptible(ctx, e, id, active)
	defer interruption.stop()
	result, err := app.guarded(ctx, e, o, engine.Runner{
		Engine: e, Sink: report.Tee(reports.sink, active), Parallel: o.parallel, FailFast: o.failFast,
		RunID: id, Version: app.Version,
	}, p, interruption.abandoned)

	by, interrupted := errors.AsType[interrupt](context.Cause(ctx))
	if err == nil {
		err = reports.write(result)
	}
	switch {
	case interrupted:
		return exitError{by.code(), err}
	case err != nil:
		return exitError{exitEngine, err}
	}
	if code := resultCode(result); code != exitOK {
		return exitError{code, nil}
	}
	return nil
}

// guarded runs the plan under a guardian, and at the same time removes what dead runs have left.
func (app App) guarded(ctx context.Context, e engine.Engine, o runOptions, r engine.Runner, p plan.Plan, abandoned <-chan struct{}) (engine.Result, error) {
	guardian, err := app.guard(e, o.engine, r.RunID)
	if err != nil {
		_, _ = fmt.Fprintf(app.Err, "ktask: warning: %v: if ktask is killed, remove what it leaves with `ktask clean`\n", err)
	}
	attendance, err := local.Attend(ctx, e, app.runs(), r.RunID)
	if err != nil {
		_, _ = fmt.Fprintf(app.Err, "ktask: warning: %v: if ktask is killed, what it leaves is removed only when it is older than the tasks' timeouts\n", err)
	}
	r.Owner = local.Owner()
	result, err := carryOut(ctx, r, p, abandoned)
	over := !errors.Is(err, errAbandoned) && !mayRemain(result)
	if over {
		guardian.dismiss()
	}
	kept := 0
	if o.engine.Keep != "never" && !errors.Is(err, errAbandoned) {
		kept = app.tellKept(ctx, e, r.RunID, o.output == "quiet")
	}
	if removed := attendance.End(!over || kept > 0); removed > 0 && o.output != "quiet" {
		_, _ = fmt.Fprintf(app.Err, "ktask: removed what killed runs had left (containers and volumes: %d)\n", removed)
	}
	return result, err
}

// tellKept prints what --keep has kept, and how to look at it, unless quiet is true. It returns the number of kept things.
func (app App) tellKept(ctx context.Context, e engine.Engine, run string, quiet bool) (kept int) {
	cleaner, ok := e.(engine.Cleaner)
	if !ok {
		return 0
	}
	left, err := cleaner.Leftovers(context.WithoutCancel(ctx), run)
	if err != nil {
		_, _ = fmt.Fprintf(app.Err, "ktask: warning: list what --keep has kept: %v\n", err)
		return 1 // there may be something
	}
	slices.SortStableFunc(left, func(a, b engine.Leftover) int {
		return cmp.Or(strings.Compare(a.Labels.Task, b.Labels.Task), a.Labels.Attempt-b.Labels.Attempt)
	})
	for _, l := range left {
		if !l.Kept {
			continue
		}
		kept++
		if l.Kind == "container" && !quiet {
			_, _ = fmt.Fprintf(app.Err, "kept: attempt %d of %s: docker logs %s\n", l.Labels.Attempt, l.Labels.Task, l.Name)
		}
	}
	if kept > 0 && !quiet {
		_, _ = fmt.Fprintf(app.Err, "`ktask clean %s` removes what is kept (containers and volumes: %d)\n", run, kept)
	}
	return kept
}

// errAbandoned is the error of a run that the user has abandoned.
var errAbandoned = errors.New("gave up waiting for the engine: what is left of this run is removed when the engine answers, or by `ktask clean`")

// carryOut runs the plan to its end, or until the user abandons it. An abandoned run continues until the process ends,
// shortly after.
func carryOut(ctx context.Context, r engine.Runner, p plan.Plan, abandoned <-chan struct{}) (engine.Result, error) {
	type outcome struct {
		result engine.Result
		err    error
	}
	over := make(chan outcome, 1)
	go func() {
		result, err := r.Run(ctx, p)
		over <- outcome{result, err}
	}()
	select {
	case o := <-over:
		return o.result, o.err
	case <-abandoned:
		return engine.Result{}, errAbandoned
	}
}

// mayRemain reports whether the engine may still have something of a run that is over.
func mayRemain(r engine.Result) bool {
	return slices.ContainsFunc(r.Tasks, func(t engine.TaskResult) bool { return t.MayRemain })
}
