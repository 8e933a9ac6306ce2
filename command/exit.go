package command

import (
	"fmt"
	"os"
	"syscall"

	"github.com/urfave/cli/v2"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/spec"
)

// The exit codes, which scripts rely on.
const (
	exitOK       = 0
	exitFailed   = 1 // a task failed
	exitUsage    = 2 // wrong usage, an invalid manifest, an unresolved reference
	exitEngine   = 3 // the engine or an image could not be used
	exitTimedOut = 4 // a task timed out
	// 128 plus the number of the signal that interrupted ktask: 130, 143.
	exitSignal = 128
)

// exitError ends ktask with a code; err is nil where everything has been said already.
type exitError struct {
	code int
	err  error
}

func (e exitError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit code %d", e.code)
	}
	return e.err.Error()
}

func (e exitError) Unwrap() error { return e.err }

func usagef(format string, args ...any) error {
	return exitError{exitUsage, fmt.Errorf(format+"\nrun ktask --help for usage", args...)}
}

func usageError(c *cli.Context, err error, _ bool) error {
	name := "ktask"
	if c.Command != nil && c.Command.Name != "" && c.Command.Name != "ktask" {
		name += " " + c.Command.Name
	}
	return exitError{exitUsage, fmt.Errorf("%w\nrun %s --help for usage", err, name)}
}

func didYouMean(name string, candidates []string) string {
	if hint := spec.DidYouMean(name, candidates); hint != "" {
		return " (" + hint + ")"
	}
	return ""
}

// interrupt is the cause of a context that a signal has ended.
type interrupt struct{ signal os.Signal }

func (i interrupt) Error() string { return "stopped by " + i.signal.String() }

func (i interrupt) code() int {
	if s, ok := i.signal.(syscall.Signal); ok {
		return exitSignal + int(s)
	}
	return exitSignal + int(syscall.SIGINT)
}

// resultCode is the exit code of a run. Where several tasks ended badly, an engine that failed counts before a
// deadline, and that before a failed task.
func resultCode(r engine.Result) int {
	switch r.Status {
	case engine.Errored:
		return exitEngine
	case engine.TimedOut:
		return exitTimedOut
	case engine.Failed:
		return exitFailed
	case engine.Canceled:
		return canceledCode(r)
	}
	return exitOK
}

// canceledCode is for tasks that were canceled without a signal: under --fail-fast the one that failed decides.
func canceledCode(r engine.Result) int {
	code := exitFailed
	for _, t := range r.Tasks {
		switch t.Status {
		case engine.Errored:
			return exitEngine
		case engine.TimedOut:
			code = exitTimedOut
		}
	}
	return code
}
