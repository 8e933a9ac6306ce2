// Package report shows a run to people and to machines.
//
// In come the events of package engine, in one order and from one goroutine; out go bytes to the io.Writers of a
// reporter. Plain and Live are for people at a terminal, Quiet for hooks, GitHub for its log viewer, JSON for scripts;
// WriteResult, WriteJUnit and HTML write files. The package opens no stream, reads no environment and never prints the values
// of a plan: events are masked, plans are not.
package report

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/plan"
)

// Reporter is a Sink that writes.
type Reporter interface {
	engine.Sink
	engine.Flusher
	// Err returns the first failure to write. After one, a reporter continues without writing, so that a closed pipe does
	// not change what the run does.
	Err() error
}

// Tee returns a Sink that sends each event to all sinks, in order, and flushes those that buffer.
func Tee(sinks ...engine.Sink) engine.Sink { return tee(sinks) }

type tee []engine.Sink

func (t tee) Emit(e engine.Event) {
	for _, s := range t {
		s.Emit(e)
	}
}

func (t tee) Flush() {
	for _, s := range t {
		if f, ok := s.(engine.Flusher); ok {
			f.Flush()
		}
	}
}

// timeFormat is RFC 3339 in UTC with milliseconds. All times have the same width, so they sort as text.
const timeFormat = "2006-01-02T15:04:05.000Z"

func timestamp(t time.Time) string { return t.UTC().Format(timeFormat) }

// short returns a rounded duration: 412ms, 7.4s, 1m30s.
func short(d time.Duration) string {
	switch {
	case d < time.Second:
		return d.Round(time.Millisecond).String()
	case d < time.Minute:
		return d.Round(100 * time.Millisecond).String()
	default:
		return d.Round(time.Second).String()
	}
}

// duration returns how long a task ran, or 0 if it never started.
func duration(t engine.TaskResult) time.Duration { return t.Finished.Sub(t.Started) }

// headline returns how a task ended in one line: "passed in 412ms", "failed: exit code 3".
func headline(t engine.TaskResult) string {
	why := plan.OneLine(firstLine(mainMessage(t)))
	switch t.Status {
	case engine.Passed:
		return "passed in " + short(duration(t))
	case engine.Failed:
		return "failed: " + why
	case engine.Errored:
		return "error: " + why
	default:
		return why
	}
}

// mainMessage returns the message that explains a task best. For a failed task that is the one of its last attempt that ended
// by itself, with the exit code: the message of the task may be Keptn's, which has none.
func mainMessage(t engine.TaskResult) string {
	last := lastMessage(t)
	if t.Status == engine.Failed && last != "" {
		return last
	}
	return t.Message
}

// details returns the lines below the headline of a task that did not pass: more about why, the place of the task if located is
// set, and what to do.
func details(t engine.TaskResult, located bool) []string {
	var lines []string
	shown := mainMessage(t)
	lines = append(lines, strings.Split(shown, "\n")[1:]...)
	if !strings.Contains(shown, t.Message) {
		lines = append(lines, strings.Split(t.Message, "\n")...)
	}
	if last := lastMessage(t); !strings.Contains(shown, last) {
		lines = append(lines, strings.Split("last attempt: "+last, "\n")...)
	}
	if located && t.Stage.ID != "" {
		lines = append(lines, "in "+t.Stage.String())
	}
	if located && t.Origin.Known() {
		lines = append(lines, "at "+t.Origin.String())
	}
	if t.Remedy.Known() {
		lines = append(lines, "fix: "+Remedy(t.Remedy))
	}
	return lines
}

// lastMessage returns the message of the last attempt that ended by itself, or "".
func lastMessage(t engine.TaskResult) string {
	for _, a := range slices.Backward(t.Attempts) {
		if !a.Killed {
			return a.Message
		}
	}
	return ""
}

// needsExplanation reports whether the end of a task is explained below the table: it did not pass, and was not merely
// canceled before it started.
func needsExplanation(t engine.TaskResult) bool {
	return t.Status != engine.Passed && !(t.Status == engine.Canceled && t.Started.IsZero())
}

// explanation returns the headline, the reason and the details of a task that did not pass.
func explanation(t engine.TaskResult) string { return plan.OneLine(t.Name) + ": " + why(t, true) }

// why is explanation without the name of the task.
func why(t engine.TaskResult, located bool) string {
	var b strings.Builder
	b.WriteString(headline(t))
	// After one attempt the limit of retries explains nothing.
	if t.Reason != "" && (t.Reason != engine.BackoffLimitExceeded || len(t.Attempts) > 1) {
		fmt.Fprintf(&b, " [%s]", plan.OneLine(string(t.Reason)))
	}
	b.WriteByte('\n')
	for _, line := range details(t, located) {
		b.WriteString("  " + plan.OneLine(line) + "\n")
	}
	return b.String()
}

// retrying returns a line for an attempt that failed, with the wait before the next one.
func retrying(e engine.AttemptFinished, of int) string {
	text := fmt.Sprintf("attempt %d of %d failed: %s", e.Attempt, of, plan.OneLine(firstLine(e.Result.Message)))
	if e.RetryIn == 0 {
		return text + ", next attempt now"
	}
	return text + ", next attempt in " + short(e.RetryIn)
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}
