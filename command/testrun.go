package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"syscall"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/plan"
	"github.com/ktask/ktask/engine/report"
	"github.com/ktask/ktask/local"
)

// runCases runs cases, reports them and returns the exit code as an error.
func (app App) runCases(ctx context.Context, s settings, o testOptions, cases []testCase, p plan.Plan) error {
	junit, err := create(o.junit)
	if err != nil {
		return exitError{exitUsage, err}
	}
	defer (&reports{junit: junit}).close()
	if o.Engine, err = app.NewEngine(o.EngineOptions); err != nil {
		return exitError{exitEngine, err}
	}
	defer local.CloseEngine(o.Engine)
	active, capture := newActiveTasks(p), report.NewCapture()
	r := app.newCaseReport(s, o, cases)
	o.Sink, o.RunID = report.Tee(r, report.Tee(capture, active)), engine.NewRunID()
	ctx, abandoned, stop := app.interruptible(ctx, o.Engine, o.RunID, active)
	defer stop()
	o.Abandon = abandoned
	o.Warn = func(w local.Warning) { _, _ = fmt.Fprintf(app.Err, "ktask: %s\n", w) }
	result, err := local.Execute(ctx, p, o.Options)
	canceled, _ := errors.AsType[*local.CanceledError](err)
	switch {
	case errors.Is(err, local.ErrAbandoned):
		err = errAbandoned
	case canceled != nil:
		err = nil
	}
	r.explain(cases)
	code := r.total(result.Finished.Sub(result.Started))
	if failure := r.updateTests(cases); failure != nil {
		app.complain(failure)
		code = exitUsage
	}
	err = errors.Join(err, junit.write(func(w io.Writer) error { return report.WriteJUnit(w, r.result(result.Result), capture) }))
	if r.out.err != nil && !errors.Is(r.out.err, syscall.EPIPE) { // a reader that closes the output, like head, is not a failure
		err = errors.Join(err, fmt.Errorf("write output: %w", r.out.err))
	}
	by, interrupted := errors.AsType[interrupt](context.Cause(ctx))
	switch {
	case interrupted:
		return exitError{by.code(), err}
	case err != nil:
		return exitError{exitEngine, err}
	case code != exitOK:
		return exitError{code, nil}
	}
	return nil
}
