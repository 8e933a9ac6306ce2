package command

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/plan"
	"github.com/ktask/ktask/engine/report"
	"github.com/ktask/ktask/local"
)

// reports are what a run prints and the files that it leaves. The files are opened before anything runs, so that a
// path that cannot be written is no news at the end; what was in them stays until there is something else to write.
type reports struct {
	sink    engine.Sink
	printer report.Reporter
	capture *report.Capture
	junit   *reportFile
	result  *reportFile
}

// reportFile is a file that is there or was made for a report.
type reportFile struct {
	*os.File
	// unused says that it was made and that nothing was written to it.
	unused bool
}

func (app App) reports(s settings, o runOptions, p plan.Plan) (*reports, error) {
	printer := app.reporter(s, o, p)
	var err error
	r := &reports{sink: printer, printer: printer}
	if r.junit, err = create(o.junit); err == nil {
		r.result, err = create(o.report)
	}
	if err == nil {
		err = r.distinct()
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

// distinct makes sure that no report takes the place of the other.
func (r *reports) distinct() error {
	if r.junit == nil || r.result == nil {
		return nil
	}
	junit, err := r.junit.Stat()
	if err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	result, err := r.result.Stat()
	if err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	if os.SameFile(junit, result) && junit.Mode().IsRegular() {
		return fmt.Errorf("--junit and --report name the same file %q: give each its own", r.result.Name())
	}
	return nil
}

func create(name string) (*reportFile, error) {
	if name == "" {
		return nil, nil
	}
	_, err := os.Lstat(name)
	f := &reportFile{unused: errors.Is(err, fs.ErrNotExist)}
	if f.File, err = os.OpenFile(name, os.O_WRONLY|os.O_CREATE|local.NonBlock, 0o666); err != nil { // no wait for the reader of a pipe
		return nil, fmt.Errorf("write report: %w", err)
	}
	return f, nil
}

// write puts a document in the place of what the file held.
func (f *reportFile) write(document func(io.Writer) error) error {
	if f == nil {
		return nil
	}
	f.unused = false
	if info, err := f.Stat(); err == nil && info.Mode().IsRegular() {
		if err := f.Truncate(0); err != nil {
			return fmt.Errorf("write report: %w", err)
		}
	}
	return errors.Join(document(f.File), f.Close())
}

func (r *reports) close() {
	for _, f := range []*reportFile{r.junit, r.result} {
		if f == nil {
			continue
		}
		_ = f.Close() // a second time after write, which told of errors
		if f.unused {
			_ = os.Remove(f.Name())
		}
	}
}

func (r *reports) write(result engine.Result) error {
	var failures []error
	// Who reads no further, like head, is no failure; a full disk is.
	if err := r.printer.Err(); err != nil && !errors.Is(err, syscall.EPIPE) {
		failures = append(failures, fmt.Errorf("write output: %w", err))
	}
	return errors.Join(append(failures,
		r.junit.write(func(w io.Writer) error { return report.WriteJUnit(w, result, r.capture) }),
		r.result.write(func(w io.Writer) error { return report.WriteResult(w, result) }))...)
}

// reporter chooses what prints the run: on a terminal live, else plain, unless the user says otherwise.
func (app App) reporter(s settings, o runOptions, p plan.Plan) report.Reporter {
	var names []string
	for _, t := range p.Tasks {
		names = append(names, t.Name)
	}
	options := report.Options{Tasks: names, Timestamps: o.timestamps, Color: app.color(s, app.ErrTerminal), OutTerminal: app.OutTerminal, DiagTerminal: app.ErrTerminal, Width: app.Width}
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
		return report.NewLive(app.Out, app.screen, options)
	case "json":
		return report.NewJSON(app.Out)
	case "quiet":
		return report.NewQuiet(app.screen, app.ErrTerminal)
	case "github":
		return report.NewGitHub(app.Out, app.OutTerminal)
	}
	return report.NewPlain(app.Out, app.screen, options)
}

// color tells whether to paint what a terminal shows: see https://no-color.org.
func (app App) color(s settings, terminal bool) bool {
	return terminal && !s.yes("no-color") && os.Getenv("TERM") != "dumb"
}
