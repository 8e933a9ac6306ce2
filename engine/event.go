package engine

import (
	"time"

	"github.com/ktask/ktask/engine/plan"
)

// Event is something that happened in a run: one of the structs below. Engines leave Header empty; the Runner sets it.
//
// Order: for each task TaskStarted, then for each attempt AttemptStarted, its OutputLines, AttemptFinished, then
// TaskFinished; ImageProgress comes between TaskStarted and the first AttemptStarted. A task that never started, because
// the run or an earlier stage ended before, has only TaskFinished. RunFinished is the last event.
//
// StageStarted comes before all events of a stage's tasks and StageFinished after them; a stage that never started has
// only StageFinished. The stages that a stage needs have finished before it starts, unless one has failed under
// plan.NonBlocking: Keptn then continues at once, while the other tasks of that stage run to their end.
type Event interface {
	// Head returns the time, task and attempt of the event.
	Head() Header
	// withHeader returns the event with another header. It is unexported so that there are no other events.
	withHeader(Header) Event
}

// Header is common to all events. Task is "" and Attempt 0 if an event has none.
type Header struct {
	Time    time.Time
	Task    string
	Attempt int
}

// Head returns the header.
func (h Header) Head() Header { return h }

// TaskStarted is emitted before the image of a task is prepared.
type TaskStarted struct {
	Header
	Runtime plan.Runtime
	Image   string
}

// ImageProgress is emitted while an image is pulled.
type ImageProgress struct {
	Header
	Image string
	// Status is a short text for people: "pulling", "extracting", "pulled".
	Status string
	// Current and Total are bytes; Total is 0 if it is not known.
	Current, Total int64
}

// AttemptStarted is emitted before the container is created.
type AttemptStarted struct {
	Header
	// Of is the greatest number of attempts that the task can have.
	Of int
}

// Stream names an output stream of a process.
type Stream string

// The output streams.
const (
	Stdout Stream = "stdout"
	Stderr Stream = "stderr"
)

// OutputLine is a line of output without its line break, with secrets masked. A line longer than MaxLine comes in parts:
// all but the last are Partial.
type OutputLine struct {
	Header
	Stream  Stream
	Line    string
	Partial bool
	// Break is the line break; it has no meaning if the line is Partial.
	Break LineBreak
}

// OutputPart is the next part of a line of output that has not ended, with secrets masked: a prompt, or the bar of a program that
// writes carriage returns. It is emitted only if Runner.Parts is set. The OutputLine of the line has its parts, too.
type OutputPart struct {
	Header
	Stream Stream
	Text   string
}

// LineBreak is the end of a line of output.
type LineBreak uint8

// The line breaks. NoBreak means that the stream ended without one.
const (
	LF LineBreak = iota
	CRLF
	NoBreak
)

// String returns the bytes of the line break.
func (b LineBreak) String() string { return [...]string{"\n", "\r\n", ""}[b] }

// AttemptFinished is emitted when the output of an attempt is complete and nothing of it is left on the engine.
type AttemptFinished struct {
	Header
	Result AttemptResult
	// Retry reports whether another attempt follows, RetryIn is the wait before it.
	Retry   bool
	RetryIn time.Duration
}

// TaskFinished is emitted once for each task.
type TaskFinished struct {
	Header
	Result TaskResult
}

// StageStarted is emitted before the tasks of a stage start; its header names no task.
type StageStarted struct {
	Header
	Stage plan.Stage
	// Tasks are the names of the stage's tasks, in the order of the plan.
	Tasks []string
}

// StageFinished is emitted once for each stage, after its last task has finished; its header names no task.
type StageFinished struct {
	Header
	Result StageResult
}

// RunFinished is the last event of a run.
type RunFinished struct {
	Header
	Result Result
}

func (e TaskStarted) withHeader(h Header) Event     { e.Header = h; return e }
func (e ImageProgress) withHeader(h Header) Event   { e.Header = h; return e }
func (e AttemptStarted) withHeader(h Header) Event  { e.Header = h; return e }
func (e OutputLine) withHeader(h Header) Event      { e.Header = h; return e }
func (e OutputPart) withHeader(h Header) Event      { e.Header = h; return e }
func (e AttemptFinished) withHeader(h Header) Event { e.Header = h; return e }
func (e TaskFinished) withHeader(h Header) Event    { e.Header = h; return e }
func (e StageStarted) withHeader(h Header) Event    { e.Header = h; return e }
func (e StageFinished) withHeader(h Header) Event   { e.Header = h; return e }
func (e RunFinished) withHeader(h Header) Event     { e.Header = h; return e }
