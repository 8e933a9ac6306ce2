// Package report shows a run to people and to machines.
//
// In come the events of package engine, in one order and from one goroutine; out go bytes to the io.Writers that a
// reporter was given. Plain and Live are for people at a terminal, Quiet for hooks, GitHub for its log viewer, JSON
// for scripts; WriteResult and WriteJUnit write the files that outlive a run. The package never opens a stream,
// reads no environment and never prints what a plan holds: output was masked before it came here, an environment
// variable was not.
package report

import (
	"fmt"
	"strings"
	"time"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/plan"
)

// Reporter is a sink that writes. The Runner calls Flush whenever it has no further event at hand.
type Reporter interface {
	engine.Sink
	engine.Flusher
	// Err gives the first failure to write, also one before: a reporter goes on without writing, so that a reader
	// that went away does not change what the run does.
	Err() error
}

// Tee sends each event to all sinks, in their order; it flushes those that buffer.
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

// timeFormat is RFC 3339 in UTC with milliseconds: one width, so that times sort as text.
const timeFormat = "2006-01-02T15:04:05.000Z"

func timestamp(t time.Time) string { return t.UTC().Format(timeFormat) }

// short rounds a duration to what a person reads: 412ms, 7.4s, 1m30s.
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

// took is the time from the start of a task to its end, 0 where it never started.
func took(t engine.TaskResult) time.Duration { return t.Finished.Sub(t.Started) }

// headline says in one line how a task ended: "passed in 412ms", "failed: exit code 3".
func headline(t engine.TaskResult) string {
	why := plan.OneLine(firstLine(verdict(t)))
	switch t.Status {
	case engine.Passed:
		return "passed in " + short(took(t))
	case engine.Failed:
		return "failed: " + why
	case engine.Errored:
		return "error: " + why
	default:
		return why
	}
}

// verdict is the most telling message of a task. For a failed one that is what its last attempt says, with the exit
// code; the task itself may hold the words of Keptn, which do not name one.
func verdict(t engine.TaskResult) string {
	last := lastMessage(t)
	if t.Status == engine.Failed && last != "" {
		return last
	}
	return t.Message
}

// details are the lines that explain a task which did not pass, below its headline.
func details(t engine.TaskResult) []string {
	var lines []string
	shown := verdict(t)
	lines = append(lines, strings.Split(shown, "\n")[1:]...)
	if !strings.Contains(shown, t.Message) {
		lines = append(lines, strings.Split(t.Message, "\n")...)
	}
	if last := lastMessage(t); !strings.Contains(shown, last) {
		lines = append(lines, strings.Split("last attempt: "+last, "\n")...)
	}
	if t.Stage.ID != "" {
		lines = append(lines, "in "+t.Stage.String())
	}
	if t.Origin != "" {
		lines = append(lines, "at "+string(t.Origin))
	}
	if t.Remedy != "" {
		lines = append(lines, "fix: "+t.Remedy)
	}
	return lines
}

func lastMessage(t engine.TaskResult) string {
	if len(t.Attempts) == 0 {
		return ""
	}
	return t.Attempts[len(t.Attempts)-1].Message
}

// telling is true for a task whose end has to be explained: one that did not pass, unless it never had its turn
// because the run was over, of which the table says enough.
func telling(t engine.TaskResult) bool {
	return t.Status != engine.Passed && !(t.Status == engine.Canceled && t.Started.IsZero())
}

// explanation is headline, reason and details of a task which did not pass, one below the other.
func explanation(t engine.TaskResult) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s", plan.OneLine(t.Name), headline(t))
	if t.Reason != "" {
		fmt.Fprintf(&b, " [%s]", plan.OneLine(string(t.Reason)))
	}
	b.WriteByte('\n')
	for _, line := range details(t) {
		b.WriteString("  " + plan.OneLine(line) + "\n")
	}
	return b.String()
}

// retrying says that an attempt failed and when the next one starts.
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
