package enginetest

import (
	"context"
	"io"
	"time"

	"github.com/ktask/ktask/engine"
)

// Attempt is the script of one container.
type Attempt struct {
	Output []Line
	// StartTakes is how long the engine takes to start the process, which nothing interrupts.
	StartTakes time.Duration
	// Takes is how long the process runs if it is not stopped.
	Takes time.Duration
	// Exit is how it then ends; Run sets times that are zero.
	Exit engine.Exit
	// Err is returned instead of Exit: the engine fails.
	Err error
	// StopTakes is how long the process takes to end after the stop signal; after the container's Grace it is killed. If
	// IgnoresStop is set, only the kill ends it.
	StopTakes   time.Duration
	IgnoresStop bool
	// LastWords are written after the stop signal.
	LastWords []Line
	// Lists prints the names of the files in the container's volume, one per line, before any other output. Leaves is the
	// name of the file that it then writes there.
	Lists  bool
	Leaves string
}

// Line is a line of output.
type Line struct {
	// After is when it is written, from the start of the process.
	After  time.Duration
	Stream engine.Stream
	Text   string
}

// Out returns a line on stdout, written at once.
func Out(text string) Line { return Line{Stream: engine.Stdout, Text: text} }

// Err returns a line on stderr, written at once.
func Err(text string) Line { return Line{Stream: engine.Stderr, Text: text} }

// Exits returns an attempt that prints lines and ends with code after d.
func Exits(code int, d time.Duration, lines ...Line) Attempt {
	return Attempt{Output: lines, Takes: d, Exit: engine.Exit{Code: code}}
}

// play runs the process until it or ctx ends, and reports whether ctx ended it.
func (a Attempt) play(ctx context.Context, out engine.Output) bool {
	var now time.Duration
	for _, line := range a.Output {
		if line.After > now {
			if wait(ctx, line.After-now) != nil {
				return true
			}
			now = line.After
		}
		print(out, line)
	}
	return a.Takes > now && wait(ctx, a.Takes-now) != nil // a process that takes no time is not stopped
}

// stop runs the process after the stop signal.
func (a Attempt) stop(grace time.Duration, out engine.Output) engine.Exit {
	for _, line := range a.LastWords {
		print(out, line)
	}
	if a.IgnoresStop || a.StopTakes > grace {
		time.Sleep(grace)
		return engine.Exit{Code: 137, Signal: "SIGKILL", Stopped: true}
	}
	time.Sleep(a.StopTakes)
	return engine.Exit{Code: 143, Signal: "SIGTERM", Stopped: true}
}

// print writes a line to its stream.
func print(out engine.Output, line Line) {
	to := out.Stdout
	if line.Stream == engine.Stderr {
		to = out.Stderr
	}
	_, _ = io.WriteString(to, line.Text+"\n")
}
