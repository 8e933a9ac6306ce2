package engine

import (
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/ktask/ktask/engine/mask"
	"github.com/ktask/ktask/engine/plan"
)

// Output takes what an attempt hands on, as the container wrote it: the engine masks nothing, so it cannot forget to.
type Output struct {
	// Stdout and Stderr take the streams. They never fail. Each is used by one goroutine at a time, and not after Run
	// has returned.
	Stdout, Stderr io.Writer
	// Message reads the container's termination message to its end. An engine that has to begin anew calls it again: the
	// last call counts. The error is the reader's.
	Message func(io.Reader) error
}

// messageBytes is what the kubelet takes from the end of a termination message. tailLines and tailBytes are what it takes
// from the output in its place, see
// https://kubernetes.io/docs/tasks/debug/debug-application/determine-reason-pod-failure/.
const (
	messageBytes = 4096
	tailLines    = 80
	tailBytes    = 2048
)

// Attempt runs one attempt of a container on an engine, and hides the container's secrets in all that comes of it: in the
// OutputLine events that sink gets, and in the message of the Exit. An error may still show them; the Runner masks what
// it says of errors. The sink may be called by several goroutines at once.
func Attempt(ctx context.Context, e Engine, c plan.Container, labels Labels, sink Sink) (Exit, error) {
	m := mask.New(c.Secrets())
	end := &outputEnd{Sink: sink, keep: c.TerminationMessage.FallbackToLogs}
	stdout, stderr := newOutput(end, Stdout, m), newOutput(end, Stderr, m)
	var message tailWriter
	exit, err := e.Run(ctx, c, labels, Output{
		Stdout: stdout, Stderr: stderr,
		Message: func(r io.Reader) error {
			message = tailWriter{limit: messageBytes}
			w := m.Writer(&message) // before it is cut: half of a secret would not be found
			_, err := io.Copy(w, r)
			return errors.Join(err, w.Close())
		},
	})
	_ = stdout.Close()
	_ = stderr.Close()
	if err != nil {
		return exit, err
	}
	exit.Message = m.String(exit.Message)
	if exit.Message == "" {
		exit.Message = message.String()
	}
	if exit.Message == "" && exit.Code != 0 {
		exit.Message = end.text()
	}
	return exit, nil
}

// outputEnd passes the events of an attempt on and keeps the last lines of its output if they may become its
// termination message.
type outputEnd struct {
	Sink
	keep  bool
	mu    sync.Mutex
	lines []string
}

// Emit passes an event on.
func (o *outputEnd) Emit(event Event) {
	if line, ok := event.(OutputLine); ok && o.keep {
		o.mu.Lock()
		if len(o.lines) == tailLines {
			o.lines = o.lines[:copy(o.lines, o.lines[1:])]
		}
		// A copy, since a short end must not hold on to a long line.
		o.lines = append(o.lines, strings.Clone(last(line.Line, tailBytes)))
		o.mu.Unlock()
	}
	o.Sink.Emit(event)
}

func (o *outputEnd) text() string { return last(strings.Join(o.lines, "\n"), tailBytes) }

func last(s string, n int) string { return s[max(0, len(s)-n):] }

// tailWriter remembers the last bytes of what is written to it.
type tailWriter struct {
	limit int
	bytes []byte
	total int64
}

// Write never fails.
func (t *tailWriter) Write(p []byte) (int, error) {
	t.bytes = append(t.bytes, p[max(0, len(p)-t.limit):]...)
	if over := len(t.bytes) - t.limit; over > 0 {
		t.bytes = t.bytes[:copy(t.bytes, t.bytes[over:])]
	}
	t.total += int64(len(p))
	return len(p), nil
}

// String begins with a whole character.
func (t *tailWriter) String() string {
	b := t.bytes
	for t.total > int64(t.limit) && len(b) > 0 && !utf8.RuneStart(b[0]) {
		b = b[1:]
	}
	return string(b)
}
