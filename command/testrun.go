package command

import (
	"context"
	"errors"
	"io"

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
	capture := report.NewCapture()
	sinks := []engine.Sink{capture}
	if app.showsLive() {
		live := app.liveCases(s, cases)
		defer func() { _ = live.Close() }() // returns nil
		sinks = append(sinks, live)
		app.Out, app.screen, app.Err = live.Out(), live, printable{live}
	}
	r := app.newCaseReport(s, o, cases)
	o.Sink = report.Tee(append(sinks, r)...)
	result, stopped, err := app.carryOut(ctx, p, o.Options)
	r.explain(cases)
	code := r.total(result.Finished.Sub(result.Started))
	if failure := r.updateTests(cases); failure != nil {
		app.complain(failure)
		code = exitUsage
	}
	return runError(stopped, code, errors.Join(err, outputError(r.out.err),
		junit.write(func(w io.Writer) error { return report.WriteJUnit(w, r.result(result.Result), capture) })))
}

// liveCases returns a started reporter that shows which cases run. The rows of those that have ended are written above.
func (app App) liveCases(s settings, cases []testCase) *report.Live {
	var names []string
	for _, c := range cases {
		names = append(names, c.name)
	}
	live := report.NewLive(app.Out, app.screen, report.Options{Tasks: names, DiagColor: app.colorErr(s), Size: app.Size, NoOutput: true})
	live.Start()
	return live
}
