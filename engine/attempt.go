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
	// Started is called when the process has started. An engine that has to start over calls it again. It may be nil.
	Started func()
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
	return attempt(ctx, e, c, labels, newAttemptOutput(c, sink, false), nil)
}

// attempt is Attempt with the output as it is set up, and a function for Output.Started.
func attempt(ctx context.Context, e Engine, c plan.Container, labels Labels, o *attemptOutput, started func()) (Exit, error) {
	to := o.output()
	to.Started = started
	exit, err := e.Run(ctx, c, labels, to)
	o.close()
	if err != nil {
		return exit, err
	}
	return o.explained(exit), nil
}

// attemptOutput turns what an engine hands on of an attempt into masked events, and into the message of its Exit.
type attemptOutput struct {
	mask           *mask.Mask
	tail           *messageTail
	stdout, stderr io.WriteCloser
	message        byteTail
}

// newAttemptOutput also emits OutputParts if parts is set.
func newAttemptOutput(c plan.Container, sink Sink, parts bool) *attemptOutput {
	o := &attemptOutput{mask: mask.New(c.Secrets()), tail: &messageTail{Sink: sink, enabled: c.TerminationMessage.FallbackToLogs}}
	o.stdout, o.stderr = newOutput(o.tail, Stdout, o.mask, parts), newOutput(o.tail, Stderr, o.mask, parts)
	return o
}

func (o *attemptOutput) output() Output {
	return Output{Stdout: o.stdout, Stderr: o.stderr, Message: o.message.masked(o.mask)}
}

// close emits what is left of the output.
func (o *attemptOutput) close() {
	_ = o.stdout.Close()
	_ = o.stderr.Close()
}

// explained returns the Exit with its message: the engine's or, if that is empty, the container's.
func (o *attemptOutput) explained(exit Exit) Exit {
	exit.Message = o.mask.String(exit.Message)
	if exit.Message == "" {
		exit.Message = o.message.String()
	}
	if exit.Message == "" && exit.Code != 0 {
		exit.Message = o.tail.text()
	}
	return exit
}

// masked returns a function that reads a termination message.
func (b *byteTail) masked(m *mask.Mask) func(io.Reader) error {
	return func(r io.Reader) error {
		*b = byteTail{limit: messageBytes}
		w := m.Writer(b) // before it is cut: half of a secret would not be found
		_, err := io.Copy(w, r)
		return errors.Join(err, w.Close())
	}
}

// Terminal is how a user sees and uses the container of an attempt.
type Terminal struct {
	// Output takes what the container's terminal shows, with secrets masked. It is used by one goroutine at a time.
	Output io.Writer
	// Open is called when the container has started, and returns what comes from the user from then on.
	Open func() (TerminalInput, error)
	// AfterFailure starts the task first, and the shell only if that fails.
	AfterFailure bool
}

// TerminalInput is what comes from the user.
type TerminalInput struct {
	// Keys are bytes as the terminal sends them, and Sizes the sizes that it has, beginning with the first.
	Keys  <-chan []byte
	Sizes <-chan TerminalSize
}

// TerminalSize is the size of a terminal in characters.
type TerminalSize struct{ Columns, Rows int }

// TerminalRunner is an engine whose containers can have a terminal.
type TerminalRunner interface {
	// RunTerminal is like Run, but starts a shell in place of the task, on a terminal. Before that it writes the command that Run
	// would start to out.Stdout. The Exit is that of the shell or, with AfterFailure, of a task that passes. If the image has no
	// shell, the error is an *Error.
	RunTerminal(ctx context.Context, c plan.Container, labels Labels, t Terminal, out Output) (Exit, error)
}

// terminalAttempt is an attempt with a terminal in place of the sink for its output.
func terminalAttempt(ctx context.Context, e Engine, c plan.Container, labels Labels, t Terminal) (Exit, error) {
	runner, ok := e.(TerminalRunner)
	if !ok {
		return Exit{}, &Error{Reason: EngineRefused, Err: errors.New("this engine has no terminals")}
	}
	m := mask.New(c.Secrets())
	out := newTerminalOutput(t.Output, m)
	var message byteTail
	exit, err := runner.RunTerminal(ctx, c, labels, t, Output{Stdout: out, Stderr: out, Message: message.masked(m)})
	_ = out.Close()
	exit.Message = m.String(exit.Message)
	return exit, err
}
