package command

import (
	"fmt"
	"os"
	"strings"
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
	// 128 plus the number of the signal that interrupted ktask: 129, 130, 143.
	exitSignal = 128
)

// exitError is an error with an exit code. err is nil if the error has been printed already.
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
	name, flags := "ktask", c.App.Flags
	if c.Command != nil && c.Command.Name != "" && c.Command.Name != "ktask" {
		name, flags = name+" "+nameOf(c.Command), c.Command.Flags
	}
	if flag, unknown := strings.CutPrefix(err.Error(), "flag provided but not defined: "); unknown {
		err = unknownFlag(strings.TrimLeft(flag, "-"), flags)
	}
	return exitError{exitUsage, fmt.Errorf("%w\nrun %s --help for usage", err, name)}
}

// elsewhere maps flags of kubectl, docker and act to what ktask has in their place.
var elsewhere = map[string]string{
	"f": "a manifest is an argument: ktask run task.yaml", "file": "a manifest is an argument: ktask run task.yaml",
	"filename": "a manifest is an argument: ktask run task.yaml", "dry-run": "ktask plan shows what run would do", "dryrun": "ktask plan shows what run would do",
	"v": "--mount SRC:DST mounts a path", "volume": "--mount SRC:DST mounts a path", "env-file": "--env K=V sets a variable, --secret-file gives secrets",
	"rm": "containers are always removed, except with --keep", "name": "--task NAME picks a task", "set": "--param K=V sets a parameter",
	"verbose": "ktask run --verbose says what is done and why", "debug": "ktask run --verbose says what is done and why",
}

func unknownFlag(name string, flags []cli.Flag) error {
	shown := "-" + name
	var known []string
	if len(name) > 1 {
		shown = "-" + shown
		for _, f := range flags {
			known = append(known, "--"+f.Names()[0])
		}
	}
	hint := didYouMean(shown, known)
	if there, ok := elsewhere[name]; ok {
		hint = " (" + there + ")"
	}
	return fmt.Errorf("unknown flag %s%s", shown, hint)
}

func didYouMean(name string, candidates []string) string {
	if hint := spec.DidYouMean(name, candidates); hint != "" {
		return " (" + hint + ")"
	}
	return ""
}

// interrupt is the cause of a context that ended because of a signal.
type interrupt struct{ signal os.Signal }

// Error returns the name of the signal in a sentence.
func (i interrupt) Error() string { return "stopped by " + i.name() }

// name returns the signal's name as kill has it: Go's names, "interrupt" and "hangup", would read like a cause.
func (i interrupt) name() string {
	switch i.signal {
	case os.Interrupt:
		return "SIGINT"
	case syscall.SIGTERM:
		return "SIGTERM"
	case syscall.SIGHUP:
		return "SIGHUP"
	}
	return i.signal.String()
}

// title returns the beginning of a message about the signal.
func (i interrupt) title() string {
	if i.signal == os.Interrupt {
		return "Interrupted"
	}
	return i.name()
}

func (i interrupt) code() int {
	if s, ok := i.signal.(syscall.Signal); ok {
		return exitSignal + int(s)
	}
	return exitSignal + int(syscall.SIGINT)
}

// resultCode returns the exit code of a run. If several tasks ended badly, an engine that failed takes precedence over a
// timeout, and that over a failed task.
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

// canceledCode returns the exit code for tasks that were canceled without a signal: with --fail-fast the failed task
// decides.
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
