package engine

import (
	"time"

	"github.com/ktask/ktask/engine/plan"
)

// Event is something that happened in a run: one of the structs below. Engines leave Header empty, the Runner fills it.
//
// Order: for each task TaskStarted, then for each attempt AttemptStarted, its OutputLines, AttemptFinished, then
// TaskFinished; ImageProgress comes between TaskStarted and the first AttemptStarted. A task that never started, since
// the run was over before its turn or its stage never came, has TaskFinished alone. RunFinished is the last.
//
// StageStarted comes before all events of a stage's tasks and StageFinished behind them; a stage that never started has
// StageFinished alone. The stages that a stage needs have finished before it starts, unless one has failed under
// plan.NonBlocking: Keptn then goes on at once, while the rest of that stage's tasks run to their end.
type Event interface {
	// Head gives the time, task and attempt of the event.
	Head() Header
	// stamped gives the event with its header; it also closes the set of events.
	stamped(Header) Event
}

// Header is common to all events. Task is "" and Attempt 0 where an event has none.
type Header struct {
	Time    time.Time
	Task    string
	Attempt int
}

// Head gives the header itself.
func (h Header) Head() Header { return h }

// TaskStarted is told before a task's image is looked for.
type TaskStarted struct {
	Header
	Runtime plan.Runtime
	Image   string
}

// ImageProgress is told while an image is being made available.
type ImageProgress struct {
	Header
	Image string
	// Status is a short text for people: "pulling", "extracting", "pulled".
	Status string
	// Current and Total are bytes; Total is 0 where it is not known.
	Current, Total int64
}

// AttemptStarted is told before the container is created.
type AttemptStarted struct {
	Header
	// Of is the number of attempts that the task has at most.
	Of int
}

// Stream names an output stream of a process.
type Stream string

// The output streams.
const (
	Stdout Stream = "stdout"
	Stderr Stream = "stderr"
)

// OutputLine is a line of output without its line break, secrets masked. A line longer than MaxLine comes in
// parts: all but the last are Partial.
type OutputLine struct {
	Header
	Stream  Stream
	Line    string
	Partial bool
	// Break is what ended the line; of a Partial one it says nothing.
	Break LineBreak
}

// LineBreak is the end of a line of output.
type LineBreak uint8

// The line breaks. NoBreak is the end of a stream that ends in the middle of a line.
const (
	LF LineBreak = iota
	CRLF
	NoBreak
)

// String gives the bytes of it.
func (b LineBreak) String() string { return [...]string{"\n", "\r\n", ""}[b] }

// AttemptFinished is told when the attempt's output is complete and nothing of it is left on the engine.
type AttemptFinished struct {
	Header
	Result AttemptResult
	// RetryIn is the wait before the next attempt; Retry is false where there is none.
	Retry   bool
	RetryIn time.Duration
}

// TaskFinished is told once a task.
type TaskFinished struct {
	Header
	Result TaskResult
}

// StageStarted is told before the tasks of a stage start; its header names no task.
type StageStarted struct {
	Header
	Stage plan.Stage
	// Tasks are the names of the stage's tasks, in the order of the plan.
	Tasks []string
}

// StageFinished is told once a stage, after its last task has finished; its header names no task.
type StageFinished struct {
	Header
	Result StageResult
}

// RunFinished is the last event of a run.
type RunFinished struct {
	Header
	Result Result
}

func (e TaskStarted) stamped(h Header) Event     { e.Header = h; return e }
func (e ImageProgress) stamped(h Header) Event   { e.Header = h; return e }
func (e AttemptStarted) stamped(h Header) Event  { e.Header = h; return e }
func (e OutputLine) stamped(h Header) Event      { e.Header = h; return e }
func (e AttemptFinished) stamped(h Header) Event { e.Header = h; return e }
func (e TaskFinished) stamped(h Header) Event    { e.Header = h; return e }
func (e StageStarted) stamped(h Header) Event    { e.Header = h; return e }
func (e StageFinished) stamped(h Header) Event   { e.Header = h; return e }
func (e RunFinished) stamped(h Header) Event     { e.Header = h; return e }
