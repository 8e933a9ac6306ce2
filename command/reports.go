package command

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/plan"
	"github.com/ktask/ktask/engine/report"
	"github.com/ktask/ktask/local"
)

// reports holds what prints a run and the files that it writes. The files are opened before anything runs, so that a path
// that cannot be written is reported at the beginning. Their content stays until there is something new to write.
type reports struct {
	sink    engine.Sink
	printer report.Reporter
	causes  report.Causes
	capture *report.Capture
	junit   *reportFile
	result  *reportFile
	page    *report.HTML
	html    *reportFile
	logs    *attemptLogs
	// summary is the summary of a step of GitHub Actions.
	summary *os.File
}

// reportFile is an existing or new file for a report.
type reportFile struct {
	*os.File
	// unused is true if the file was created and nothing has been written to it.
	unused bool
}

func (app App) reports(s settings, o runOptions, p plan.Plan) (*reports, error) {
	printer := app.reporter(s, o, p)
	var err error
	r := &reports{printer: printer, causes: report.Causes{}}
	r.sink = report.Tee(printer, r.causes)
	if r.junit, err = create(o.junit); err == nil {
		r.result, err = create(o.report)
	}
	if err == nil {
		r.html, err = create(o.html)
	}
	if err == nil {
		r.logs, err = newAttemptLogs(o.logDir)
	}
	if err == nil {
		err = r.distinct()
	}
	if name := os.Getenv("GITHUB_STEP_SUMMARY"); err == nil && name != "" && app.form(o) == "github" {
		if r.summary, err = os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o666); err != nil {
			err = fmt.Errorf("write the step summary: %w", err)
		}
	}
	if err != nil {
		r.close()
		return nil, exitError{exitUsage, err}
	}
	if r.junit != nil {
		r.capture = report.NewCapture()
		r.sink = report.Tee(r.sink, r.capture)
	}
	if r.html != nil {
		r.page = report.NewHTML()
		r.sink = report.Tee(r.sink, r.page)
	}
	if r.logs != nil {
		r.sink = report.Tee(r.sink, r.logs)
	}
	return r, nil
}

// written reports whether the run is also reported in files.
func (r *reports) written() bool {
	return r.junit != nil || r.result != nil || r.html != nil || r.logs != nil || r.summary != nil
}

// distinct returns an error if two reports have the same file.
func (r *reports) distinct() error {
	named := []struct {
		flag string
		file *reportFile
	}{{"--junit", r.junit}, {"--report", r.result}, {"--html", r.html}}
	for i, a := range named {
		for _, b := range named[i+1:] {
			if a.file == nil || b.file == nil {
				continue
			}
			first, _ := a.file.Stat() // a file that cannot be asked is not the same
			second, _ := b.file.Stat()
			if os.SameFile(first, second) && first.Mode().IsRegular() {
				return fmt.Errorf("%s and %s name the same file %q: give each its own", a.flag, b.flag, b.file.Name())
			}
		}
	}
	return nil
}

func create(name string) (*reportFile, error) {
	if name == "" {
		return nil, nil
	}
	_, err := os.Lstat(name)
	f := &reportFile{unused: errors.Is(err, fs.ErrNotExist)}
	if f.File, err = os.OpenFile(name, os.O_WRONLY|os.O_CREATE|local.NonBlock, 0o666); err != nil { // does not wait for the reader of a pipe
		return nil, fmt.Errorf("write report: %w", err)
	}
	return f, nil
}

// write replaces the content of the file with a document.
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
	if live, ok := r.printer.(io.Closer); ok {
		_ = live.Close() // returns nil
	}
	if r.summary != nil {
		_ = r.summary.Close() // write has reported that it cannot write
	}
	if r.logs != nil {
		_ = r.logs.dir.Close() // nothing is written to a directory
	}
	for _, f := range []*reportFile{r.junit, r.result, r.html} {
		if f == nil {
			continue
		}
		_ = f.Close() // write has closed it already and returned its errors
		if f.unused {
			_ = os.Remove(f.Name())
		}
	}
}

func (r *reports) write(result engine.Result) error {
	failures, explained := []error{outputError(r.printer.Err())}, r.causes.Explain(result)
	if r.summary != nil {
		failures = append(failures, report.WriteStepSummary(r.summary, explained))
	}
	return errors.Join(append(failures, r.logs.Err(),
		r.junit.write(func(w io.Writer) error { return report.WriteJUnit(w, explained, r.capture) }),
		r.html.write(func(w io.Writer) error { return r.page.Write(w, explained) }),
		r.result.write(func(w io.Writer) error { return report.WriteResult(w, result) }))...)
}

// outputError returns the failure that an error of the output is. A reader that closes the output, like head, is none.
func outputError(err error) error {
	if err == nil || errors.Is(err, syscall.EPIPE) {
		return nil
	}
	return fmt.Errorf("write output: %w", err)
}

// writeUnused writes the reports of a run that the engine has prevented. People read the reason once, so only a program that reads
// the output gets the tasks.
func (r *reports) writeUnused(result engine.Result, output string) error {
	if output == "json" {
		r.sink.Emit(engine.RunFinished{Result: result})
	}
	return r.write(result)
}

// reporter returns the reporter of the run: live on a terminal, else plain, unless the user chooses another.
func (app App) reporter(s settings, o runOptions, p plan.Plan) report.Reporter {
	var names []string
	for _, t := range p.Tasks {
		names = append(names, t.Name)
	}
	options := report.Options{Tasks: names, Timestamps: o.timestamps, OutColor: app.colorOut(s), DiagColor: app.colorErr(s), OutTerminal: app.OutTerminal, DiagTerminal: app.ErrTerminal, Size: app.Size}
	switch app.form(o) {
	case "live":
		live := report.NewLive(app.Out, app.screen, options)
		live.Start()
		return live
	case "json":
		return report.NewJSON(app.Out)
	case "quiet":
		return report.NewQuiet(app.screen, app.ErrTerminal)
	case "github":
		return report.NewGitHub(app.Out, app.OutTerminal, inRepository())
	}
	return report.NewPlain(app.Out, app.screen, options)
}

// inRepository returns the current directory in the repository of a job of GitHub Actions, with slashes, or "".
func inRepository() string {
	root, _ := filepath.EvalSymlinks(os.Getenv("GITHUB_WORKSPACE"))
	dir, err := os.Getwd()
	if dir, _ = filepath.EvalSymlinks(dir); err != nil || root == "" {
		return ""
	}
	if rel, ok := local.Within(root, dir); ok && rel != "." {
		return filepath.ToSlash(rel)
	}
	return ""
}

// form returns the form of the output.
func (app App) form(o runOptions) string {
	switch {
	case o.output != "auto":
		return o.output
	case os.Getenv("GITHUB_ACTIONS") == "true":
		return "github"
	case app.showsLive():
		return "live"
	}
	return "plain"
}

// showsLive reports whether Err is a terminal on which lines can be drawn anew: nobody else writes to it.
func (app App) showsLive() bool {
	return app.ErrTerminal && !app.OutPiped && !app.NoEscapes && os.Getenv("TERM") != "dumb"
}
