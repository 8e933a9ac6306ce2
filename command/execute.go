package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"syscall"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/plan"
	"github.com/ktask/ktask/engine/report"
	"github.com/ktask/ktask/local"
)

// errAbandoned is the error of a run that the user has abandoned.
var errAbandoned = errors.New("gave up waiting for the engine: what is left of this run is removed when the engine answers, or by `ktask clean`")

// execute runs the plan, writes the reports and returns the exit code as an error.
func (app App) execute(ctx context.Context, s settings, o runOptions, l locked) error {
	reports, err := app.reports(s, o, l.plan)
	if err != nil {
		return err
	}
	defer reports.close()
	if screen, ok := reports.printer.(io.Writer); ok {
		app.screen, app.Err = screen, printable{screen}
	}
	if len(l.plan.Tasks) > 0 { // otherwise no engine is needed
		if o.Engine, err = app.NewEngine(o.EngineOptions); err != nil {
			return exitError{exitEngine, err}
		}
		defer local.CloseEngine(o.Engine)
		if err := app.settle(ctx, s, &l, o.Engine); err != nil {
			return err
		}
	}
	app.explainEngine(ctx, s, o.Engine, l.plan)
	o.Sink = reports.sink
	if !reports.written() {
		var cancel context.CancelCauseFunc
		ctx, cancel = context.WithCancelCause(ctx)
		defer cancel(nil)
		o.Sink = report.Tee(o.Sink, unreadOutput{reports.printer, cancel})
	}
	o.Parts = len(l.plan.Tasks) == 1 && slices.Contains([]string{"live", "plain"}, app.form(o))
	result, stopped, err := app.carryOut(ctx, l.plan, o.Options)
	if o.after != nil {
		o.after(result.Result)
	}
	app.printRemains(result, o.output == "quiet")
	switch {
	case errors.Is(err, errAbandoned):
	case err == nil:
		if err := o.record.add(result.Tasks); err != nil && (app.ErrTerminal || o.output != "quiet") { // a hook does not run it again
			_, _ = fmt.Fprintf(app.Err, "ktask: %v\n", err)
		}
		err = reports.write(result.Result)
	case len(result.Tasks) > 0: // the engine cannot be used
		err = errors.Join(err, reports.writeUnused(result.Result, o.output))
	}
	return runError(stopped, resultCode(result.Result), err)
}

// carryOut executes a plan until a signal stops it. It returns why it was stopped, or nil, and what went wrong beside the tasks.
func (app App) carryOut(ctx context.Context, p plan.Plan, o local.Options) (result local.Result, stopped, err error) {
	active := newActiveTasks(p)
	o.Sink, o.RunID = report.Tee(o.Sink, active), engine.NewRunID()
	ctx, abandoned, stop := app.interruptible(ctx, o.Engine, o.RunID, active)
	defer stop()
	o.Abandon = abandoned
	o.Warn = func(w local.Warning) { // even if quiet, which somebody else's .ktask.yaml may set
		_, _ = fmt.Fprintf(app.Err, "ktask: %s\n", w)
	}
	result, err = local.Execute(ctx, p, o)
	if errors.Is(err, local.ErrAbandoned) {
		err = errAbandoned
	} else if _, canceled := errors.AsType[*local.CanceledError](err); canceled {
		err = nil
	}
	return result, context.Cause(ctx), err
}

// runError returns the exit code of a run as an error. code is that of its tasks, stopped is why it was stopped before its end, and
// err what went wrong beside the tasks.
func runError(stopped error, code int, err error) error {
	by, interrupted := errors.AsType[interrupt](stopped)
	switch {
	case errors.Is(stopped, syscall.EPIPE):
		return exitError{exitSignal + int(syscall.SIGPIPE), err}
	case interrupted:
		return exitError{by.code(), err}
	case err != nil:
		return exitError{exitEngine, err}
	case code != exitOK:
		return exitError{code, nil}
	}
	return nil
}

// unreadOutput is a sink that cancels a run whose output nobody reads any more, or cannot be written.
type unreadOutput struct {
	printer report.Reporter
	cancel  context.CancelCauseFunc
}

// Emit does nothing: output is written later.
func (unreadOutput) Emit(engine.Event) {}

// Flush cancels the run if what was written has failed.
func (u unreadOutput) Flush() {
	if err := u.printer.Err(); err != nil {
		u.cancel(err)
	}
}

// printRemains prints what --keep has kept, how to look at it, and unless quiet is set, what was removed of other runs.
func (app App) printRemains(r local.Result, quiet bool) {
	for _, l := range r.Kept {
		if l.Kind == "container" {
			_, _ = fmt.Fprintf(app.Err, "kept: attempt %d of %s: docker logs %s\n", l.Labels.Attempt, l.Labels.Task, l.Name)
		}
	}
	if len(r.Kept) > 0 {
		_, _ = fmt.Fprintf(app.Err, "`ktask clean %s` removes what is kept (containers and volumes: %d)\n", r.RunID, len(r.Kept))
	}
	if r.Removed > 0 && !quiet {
		_, _ = fmt.Fprintf(app.Err, "ktask: removed what killed runs had left (containers and volumes: %d)\n", r.Removed)
	}
}
