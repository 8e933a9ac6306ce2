package command

import (
	"errors"
	"fmt"
	"os"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/plan"
	"github.com/ktask/ktask/engine/report"
)

// reports are what a run prints and the files that it leaves. The files are made before anything runs, so that a
// path that cannot be written is no news at the end.
type reports struct {
	sink    engine.Sink
	capture *report.Capture
	junit   *os.File
	result  *os.File
}

func (app App) reports(s settings, o runOptions, p plan.Plan) (*reports, error) {
	printer, err := app.reporter(s, o, p)
	if err != nil {
		return nil, err
	}
	r := &reports{sink: printer}
	if r.junit, err = create(o.junit); err == nil {
		r.result, err = create(o.report)
	}
	if err != nil {
		r.close()
		return nil, exitError{exitUsage, err}
	}
	if r.junit != nil {
		r.capture = report.NewCapture()
		r.sink = report.Tee(printer, r.capture)
	}
	return r, nil
}

func create(name string) (*os.File, error) {
	if name == "" {
		return nil, nil
	}
	f, err := os.Create(name)
	if err != nil {
		return nil, fmt.Errorf("write report: %w", err)
	}
	return f, nil
}

func (r *reports) close() {
	for _, f := range []*os.File{r.junit, r.result} {
		if f != nil {
			_ = f.Close() // a second time after write, which told of errors
		}
	}
}

func (r *reports) write(result engine.Result) error {
	var failures []error
	if r.junit != nil {
		failures = append(failures, report.WriteJUnit(r.junit, result, r.capture), r.junit.Close())
	}
	if r.result != nil {
		failures = append(failures, report.WriteResult(r.result, result), r.result.Close())
	}
	return errors.Join(failures...)
}

// reporter chooses what prints the run: on a terminal live, else plain, unless the user says otherwise.
func (app App) reporter(s settings, o runOptions, p plan.Plan) (engine.Sink, error) {
	var names []string
	for _, t := range p.Tasks {
		names = append(names, t.Name)
	}
	options := report.Options{Tasks: names, Timestamps: o.timestamps, Color: app.color(s, app.ErrTerminal), Width: app.Width}
	output := o.output
	if output == "auto" {
		switch {
		case os.Getenv("GITHUB_ACTIONS") == "true":
			output = "github"
		case app.ErrTerminal:
			output = "live"
		default:
			output = "plain"
		}
	}
	switch output {
	case "live":
		return report.NewLive(app.Out, app.Err, options), nil
	case "plain":
		return report.NewPlain(app.Out, app.Err, options), nil
	case "json":
		return report.NewJSON(app.Out), nil
	case "quiet":
		return report.NewQuiet(app.Err), nil
	case "github":
		return report.NewGitHub(app.Out), nil
	}
	return nil, usagef("--output takes auto, live, plain, json, quiet or github, not %q", o.output)
}

// color tells whether to paint what a terminal shows: see https://no-color.org.
func (app App) color(s settings, terminal bool) bool {
	return terminal && !s.yes("no-color") && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
}
