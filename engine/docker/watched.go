package docker

import (
	"strings"

	"github.com/ktask/ktask/engine"
)

// watched passes the output of a container on and remembers what an Exit may need of it. One goroutine uses it at a
// time: that which drains the stream, then that which reads the end.
type watched struct {
	sink engine.Sink
	// keep says that the end of the output is wanted.
	keep  bool
	count int
	first string
	lines []string
}

// tailLines and tailBytes are what the kubelet takes from a log as the termination message, see
// https://kubernetes.io/docs/tasks/debug/debug-application/determine-reason-pod-failure/.
const (
	tailLines = 80
	tailBytes = 2048
)

// Emit passes an event on.
func (w *watched) Emit(event engine.Event) {
	if line, ok := event.(engine.OutputLine); ok {
		if w.count++; w.count == 1 {
			w.first = strings.Clone(line.Line[:min(len(line.Line), tailBytes)])
		}
		if w.keep {
			if len(w.lines) == tailLines {
				w.lines = w.lines[:copy(w.lines, w.lines[1:])]
			}
			// A copy, since a short end must not hold on to a long line.
			w.lines = append(w.lines, strings.Clone(last(line.Line, tailBytes)))
		}
	}
	w.sink.Emit(event)
}

// only is the line of an output that has but one, else "".
func (w *watched) only() string {
	if w.count != 1 {
		return ""
	}
	return w.first
}

// tail is the end of the output, where it was to be kept.
func (w *watched) tail() string { return last(strings.Join(w.lines, "\n"), tailBytes) }

func last(s string, n int) string { return s[max(0, len(s)-n):] }
