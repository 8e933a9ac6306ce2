package engine

import (
	"context"
	"errors"
	"io"

	"github.com/ktask/ktask/engine/mask"
	"github.com/ktask/ktask/engine/plan"
)

// Output takes what the container of an attempt writes, unchanged: Attempt masks it, not the engine.
type Output struct {
	// Stdout and Stderr take the streams. They never fail. Each is used by one goroutine at a time, and not after Run
	// has returned.
	Stdout, Stderr io.Writer
	// Message reads the container's termination message to its end. An engine that has to start over calls it again: the
	// last call counts. The error is that of the reader.
	Message func(io.Reader) error
}

// The kubelet takes messageBytes from the end of a termination message or, if that is empty, tailLines and tailBytes from
// the end of the output, see
// https://kubernetes.io/docs/tasks/debug/debug-application/determine-reason-pod-failure/.
const (
	messageBytes = 4096
	tailLines    = 80
	tailBytes    = 2048
)

// Attempt runs one attempt of a container on an engine and masks the container's secrets in the OutputLine events that
// sink gets and in the message of the Exit. It does not mask errors; the Runner masks the messages that it makes of them.
// The sink may be called by several goroutines at once.
func Attempt(ctx context.Context, e Engine, c plan.Container, labels Labels, sink Sink) (Exit, error) {
	return attempt(ctx, e, c, labels, sink, false)
}

// attempt is Attempt, which also emits OutputParts if parts is set.
func attempt(ctx context.Context, e Engine, c plan.Container, labels Labels, sink Sink, parts bool) (Exit, error) {
	m := mask.New(c.Secrets())
	tail := &messageTail{Sink: sink, enabled: c.TerminationMessage.FallbackToLogs}
	stdout, stderr := newOutput(tail, Stdout, m, parts), newOutput(tail, Stderr, m, parts)
	var message byteTail
	exit, err := e.Run(ctx, c, labels, Output{
		Stdout: stdout, Stderr: stderr,
		Message: func(r io.Reader) error {
			message = byteTail{limit: messageBytes}
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
		exit.Message = tail.text()
	}
	return exit, nil
}
