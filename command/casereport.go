package command

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/mattn/go-runewidth"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/plan"
	"github.com/ktask/ktask/engine/report"
	"github.com/ktask/ktask/expect"
)

// caseReport is a sink that compares each case when it has finished, and prints a row of the table for it.
type caseReport struct {
	*expect.Recorder
	out    *firstError
	color  bool
	cases  map[string]testCase
	width  int
	update bool
	// ends are those of the finished cases, by name.
	ends map[string]ending
}

// ending is how a case has ended.
type ending struct {
	seen expect.Seen
	// status is updated or an engine.Status. A case with the status failed has differences.
	status      string
	differences []expect.Difference
	// outdated means that the case is updated.
	outdated bool
}

// firstError is a writer that keeps its first error.
type firstError struct {
	io.Writer
	err error
}

// Write writes, also after an error.
func (w *firstError) Write(text []byte) (int, error) {
	n, err := w.Writer.Write(text)
	if w.err == nil {
		w.err = err
	}
	return n, err
}

// updated is the status of a case that differs with --update.
const updated = "updated"

func (app App) newCaseReport(s settings, o testOptions, cases []testCase) *caseReport {
	r := &caseReport{
		Recorder: expect.NewRecorder(), out: &firstError{Writer: app.Out}, color: app.colorOut(s), update: o.update,
		cases: map[string]testCase{}, ends: map[string]ending{},
	}
	for _, c := range cases {
		r.cases[c.name] = c
		r.width = max(r.width, runewidth.StringWidth(plan.OneLine(c.name)))
	}
	r.row("CASE", "STATUS", "TIME", dim)
	return r
}

// dim is the color of a heading.
const dim = "2"

// row prints a row, with the status in a color, or all of it if that is dim.
func (r *caseReport) row(name, status, took, color string) {
	cells := []string{runewidth.FillRight(plan.OneLine(name), r.width), fmt.Sprintf("%-8s", status), took}
	for i, cell := range cells {
		if r.color && (i == 1 || color == dim) {
			cells[i] = "\x1b[" + color + "m" + cell + "\x1b[0m"
		}
	}
	_, _ = fmt.Fprintln(r.out, strings.Join(cells, "  "))
}

// Emit records, and prints a row at the end of a case.
func (r *caseReport) Emit(e engine.Event) {
	r.Recorder.Emit(e)
	finished, ok := e.(engine.TaskFinished)
	if !ok {
		return
	}
	name := finished.Result.Name
	c, seen := r.cases[name], r.Seen(finished.Result)
	end := ending{seen: seen, status: string(finished.Result.Status)}
	if end.status != string(engine.Errored) && end.status != string(engine.Canceled) {
		end.differences = expect.Compare(c.Expect, seen, c.hide)
		end.outdated = r.update && expect.Outdated(c.Expect, seen, end.differences)
		switch {
		case end.outdated:
			end.status = updated
		case len(end.differences) > 0:
			end.status = string(engine.Failed)
		default:
			end.status = string(engine.Passed)
		}
	}
	r.ends[name] = end
	color := map[string]string{string(engine.Passed): "32", string(engine.Failed): "31", string(engine.Errored): "31"}[end.status]
	r.row(name, end.status, expect.Took(finished.Result).Round(time.Millisecond).String(), cmp.Or(color, "33"))
}

// explain prints the differences of the cases that have some, and why cases could not be run. What explains several cases follows
// the last of them.
func (r *caseReport) explain(cases []testCase) {
	last := map[string]string{}
	for _, c := range cases {
		last[r.ends[c.name].explanation()] = c.name
	}
	begin := "\n"
	for _, c := range cases {
		end := r.ends[c.name]
		if end.status == string(engine.Passed) || end.status == "" {
			continue
		}
		_, _ = fmt.Fprintf(r.out, "%s%s: %s: %s\n", begin, plan.OneLine(c.Pos.String()), end.status, plan.OneLine(c.name))
		begin = ""
		if text := end.explanation(); last[text] == c.name || end.differences != nil {
			_, _ = io.WriteString(r.out, text)
			begin = "\n"
		}
	}
}

// mostContext is the number of lines of output after a status that differs.
const mostContext = 10

// explanation returns the differences as a diff, or why there is nothing to compare.
func (e ending) explanation() string {
	var b strings.Builder
	line := func(text string) { b.WriteString("    " + plan.OneLine(cutLine(text)) + "\n") }
	if e.differences == nil && e.seen.Result.Message != "" {
		line(e.seen.Result.Message)
		if e.seen.Result.Remedy.Known() {
			line("fix: " + report.Remedy(e.seen.Result.Remedy))
		}
	}
	shown := false
	for _, d := range e.differences {
		_, _ = fmt.Fprintf(&b, "  %s (line %d)\n", d.Field, d.Pos.Line)
		for _, text := range d.Lines {
			line(text)
		}
		shown = shown || d.Field == "output"
	}
	if len(e.differences) > 0 && e.differences[0].Field == "status" && !shown {
		for _, l := range e.seen.Lines[max(0, len(e.seen.Lines)-mostContext):] {
			line("| " + l.Text)
		}
	}
	return b.String()
}

// cutLine returns the beginning of a line that is too long to be read.
func cutLine(text string) string {
	const most = 500
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + fmt.Sprintf(" ... (%d bytes more)", len(text)-most)
}

// total prints how many cases ended how, and returns the exit code.
func (r *caseReport) total(took time.Duration) int {
	number := map[string]int{}
	for _, end := range r.ends {
		number[end.status]++
	}
	var parts []string
	for _, status := range []string{string(engine.Passed), updated, string(engine.Failed), string(engine.Errored), string(engine.Canceled)} {
		if n := number[status]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, status))
		}
	}
	_, _ = fmt.Fprintf(r.out, "\n%s: %s in %s\n", counted(len(r.ends), "case"), strings.Join(parts, ", "), took.Round(time.Millisecond))
	switch {
	case number[string(engine.Errored)] > 0:
		return exitEngine
	case number[string(engine.Failed)] > 0 || number[string(engine.Canceled)] > 0:
		return exitFailed
	}
	return exitOK
}

// result returns the result of a run with the cases in place of its tasks, for a JUnit report.
func (r *caseReport) result(run engine.Result) engine.Result {
	run.Tasks = slices.Clone(run.Tasks)
	for i, t := range run.Tasks {
		end := r.ends[t.Name]
		switch end.status {
		case string(engine.Passed), updated:
			t.Status, t.Reason, t.Message = engine.Passed, "", ""
		case string(engine.Failed):
			t.Status, t.Reason, t.Message, t.Remedy = engine.Failed, "", "the case differs\n"+strings.TrimRight(end.explanation(), "\n"), engine.Remedy{}
		}
		c := r.cases[t.Name]
		t.Definition, t.Attempts, t.Place = c.test.Name, nil, plan.Origin{}
		t.Origin = plan.Origin{File: c.Pos.File, Line: c.Pos.Line, Column: c.Pos.Column}
		run.Tasks[i] = t
	}
	return run
}
