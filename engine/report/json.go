package report

import (
	"bufio"
	"encoding/json"
	"io"
	"unicode/utf8"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/plan"
)

// JSON writes one event per line, and the result document as the last line instead of RunFinished.
type JSON struct {
	w       *bufio.Writer
	encoder *json.Encoder
}

// NewJSON returns a reporter that writes JSON lines to out.
func NewJSON(out io.Writer) *JSON {
	w := bufio.NewWriterSize(out, 32<<10)
	return &JSON{w: w, encoder: newEncoder(w)}
}

// Emit writes an event. Encoding cannot fail; the buffer keeps a failure to write for Err.
func (j *JSON) Emit(e engine.Event) {
	if line := jsonEvent(e); line != nil {
		_ = j.encoder.Encode(line)
	}
	if _, last := e.(engine.RunFinished); last {
		j.Flush()
	}
}

// Flush writes what is buffered.
func (j *JSON) Flush() { _ = j.w.Flush() }

// Err returns the first failure to write.
func (j *JSON) Err() error { return j.w.Flush() }

// jsonHead is the beginning of every event. Task and Attempt are omitted if an event has none.
type jsonHead struct {
	Event   string `json:"event"`
	Time    string `json:"time"`
	Task    string `json:"task,omitempty"`
	Attempt int    `json:"attempt,omitempty"`
}

type jsonStageStarted struct {
	jsonHead
	jsonStage
	Tasks []string `json:"tasks"`
}

type jsonStageFinished struct {
	jsonHead
	jsonStage
	Result stageDocument `json:"result"`
}

type jsonTaskStarted struct {
	jsonHead
	Runtime plan.Runtime `json:"runtime"`
	Image   string       `json:"image"`
}

type jsonImageProgress struct {
	jsonHead
	Image   string `json:"image"`
	Status  string `json:"status"`
	Current int64  `json:"current"`
	Total   int64  `json:"total"`
}

type jsonAttemptStarted struct {
	jsonHead
	Of int `json:"of"`
}

// jsonOutputLine is a line as text. A line that is not UTF-8, which JSON requires, has U+FFFD in place of invalid bytes, and
// all of its bytes in base64.
type jsonOutputLine struct {
	jsonHead
	Stream  engine.Stream `json:"stream"`
	Line    string        `json:"line"`
	Partial bool          `json:"partial,omitempty"`
	Base64  []byte        `json:"base64,omitempty"`
}

type jsonAttemptFinished struct {
	jsonHead
	Result    attemptDocument `json:"result"`
	Retry     bool            `json:"retry"`
	RetryInMS int64           `json:"retryInMs"`
}

type jsonTaskFinished struct {
	jsonHead
	Result taskDocument `json:"result"`
}

func jsonEvent(e engine.Event) any {
	h := e.Head()
	head := jsonHead{Time: timestamp(h.Time), Task: h.Task, Attempt: h.Attempt}
	switch e := e.(type) {
	case engine.TaskStarted:
		head.Event = "TaskStarted"
		return jsonTaskStarted{head, e.Runtime, e.Image}
	case engine.ImageProgress:
		head.Event = "ImageProgress"
		return jsonImageProgress{head, e.Image, e.Status, e.Current, e.Total}
	case engine.AttemptStarted:
		head.Event = "AttemptStarted"
		return jsonAttemptStarted{head, e.Of}
	case engine.OutputLine:
		head.Event = "OutputLine"
		line := jsonOutputLine{jsonHead: head, Stream: e.Stream, Line: e.Line, Partial: e.Partial}
		if !utf8.ValidString(e.Line) {
			line.Base64 = []byte(e.Line)
		}
		return line
	case engine.AttemptFinished:
		head.Event = "AttemptFinished"
		return jsonAttemptFinished{head, newAttemptDocument(e.Result), e.Retry, milliseconds(e.RetryIn)}
	case engine.TaskFinished:
		head.Event = "TaskFinished"
		return jsonTaskFinished{head, newTaskDocument(e.Result)}
	case engine.StageStarted:
		head.Event = "StageStarted"
		return jsonStageStarted{head, newJSONStage(e.Stage), append([]string{}, e.Tasks...)}
	case engine.StageFinished:
		head.Event = "StageFinished"
		return jsonStageFinished{head, newJSONStage(e.Result.Stage), newStageDocument(e.Result)}
	case engine.RunFinished:
		return newDocument(e.Result)
	}
	return nil
}
