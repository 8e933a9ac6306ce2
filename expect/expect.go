// Package expect compares what a run of a task has shown with what a case of a TaskTest expects.
//
// In come the expectations of a case and what a Recorder has seen of its run; out come differences, or a test file with other
// expectations. The package runs nothing and opens no file.
package expect

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/spec"
)

// Seen is what a run of a task has shown. Secrets are masked in it.
type Seen struct {
	Result engine.TaskResult
	Lines  []Line
	// Truncated means that the output is longer than what a Recorder keeps.
	Truncated bool
}

// Line is a line of output.
type Line struct {
	Stream engine.Stream
	Text   string
}

// Difference is a field that differs from what is expected. Lines are those of a diff: "- " is expected, "+ " was seen.
type Difference struct {
	Field string
	Pos   spec.Pos
	Lines []string
}

// The fields that are compared in their own way.
const (
	under  = "under"
	output = "output"
)

// Compare returns how a run differs from what its case expects. hide masks secrets of the case, in which Seen has none.
func Compare(e spec.Expect, s Seen, hide func(string) string) []Difference {
	var all []Difference
	add := func(field string, at spec.Pos, want, got string) {
		if want != got {
			all = append(all, Difference{field, at, []string{"- " + hide(want), "+ " + got}})
		}
	}
	if want, ok := statusOf(e); ok && want != string(s.Result.Status) {
		got := string(s.Result.Status)
		if s.Result.Message != "" && s.Result.Status != engine.Passed {
			got += ": " + s.Result.Message
		}
		add("status", cmp.Or(e.Status.Pos, e.OutputPos), want, got)
	}
	if e.Reason.Given {
		add("reason", e.Reason.Pos, e.Reason.Value, string(s.Result.Reason))
	}
	if e.ExitCode.Given {
		add("exitCode", e.ExitCode.Pos, strconv.Itoa(int(e.ExitCode.Value)), strconv.Itoa(s.Result.ExitCode))
	}
	if e.Attempts.Given {
		add("attempts", e.Attempts.Pos, strconv.Itoa(int(e.Attempts.Value)), strconv.Itoa(len(s.Result.Attempts)))
	}
	if took := Took(s.Result); e.Under.Given && took >= e.Under.Value {
		add(under, e.Under.Pos, "under "+e.Under.Value.String(), took.Round(time.Millisecond).String())
	}
	if d, ok := compareOutput(e, s, hide); ok {
		all = append(all, d)
	}
	return all
}

// Outdated reports whether Update would change what a case expects.
func Outdated(e spec.Expect, s Seen, differences []Difference) bool {
	return slices.ContainsFunc(differences, func(d Difference) bool { return d.Field != under }) || !e.Given && len(s.Lines) > 0
}

// statusOf returns the status that is expected. If only a reason or an exit code is, any status may come with it.
func statusOf(e spec.Expect) (status string, ok bool) {
	if e.Status.Given {
		return e.Status.Value, true
	}
	return string(engine.Passed), !e.Reason.Given && !e.ExitCode.Given
}

// Took returns the time from the start of the first attempt to the end of the task, without that of a pull.
func Took(r engine.TaskResult) time.Duration {
	if len(r.Attempts) == 0 {
		return 0
	}
	return r.Finished.Sub(r.Attempts[0].Started)
}

// mostShown is the number of lines of output that a difference has.
const mostShown = 20

// compareOutput returns the difference between the lines of the output and the conditions on them, if there is one.
func compareOutput(e spec.Expect, s Seen, hide func(string) string) (Difference, bool) {
	d := Difference{Field: output, Pos: e.OutputPos}
	if len(e.Output) == 0 {
		return d, false
	}
	if s.Truncated {
		d.Lines = []string{fmt.Sprintf("+ more than %d MiB of output, of which no more is compared", mostOutput>>20)}
		return d, true
	}
	matched, different := map[int]bool{}, false
	for _, m := range e.Output {
		found := matches(m, s.Lines, hide)
		for _, i := range found {
			matched[i] = m.Not == nil
		}
		if (len(found) > 0) == (m.Not != nil) {
			if !different {
				d.Pos = m.Pos
			}
			different = true
			d.Lines = append(d.Lines, "- "+hide(text(m)))
		}
	}
	if !different {
		return d, false
	}
	first := max(0, len(s.Lines)-mostShown)
	if first > 0 {
		d.Lines = append(d.Lines, fmt.Sprintf("  ... (%d lines)", first))
	}
	for i, line := range s.Lines[first:] {
		mark := "+ "
		if matched[first+i] {
			mark = "  "
		}
		d.Lines = append(d.Lines, mark+line.Text)
	}
	if len(s.Lines) == 0 {
		d.Lines = append(d.Lines, "+ (no output)")
	}
	return d, true
}
