package report

import (
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/plan"
)

// resultSchema identifies the format of the result document. It changes if a key is renamed or removed.
const resultSchema = "ktask.dev/result/v1"

// WriteResult writes r as one line of JSON, the document ktask.dev/result/v1, which `run --report` writes to a file and
// `run -o json` to its last line.
func WriteResult(w io.Writer, r engine.Result) error {
	if err := newEncoder(w).Encode(newDocument(r)); err != nil {
		return fmt.Errorf("write result document: %w", err)
	}
	return nil
}

// newEncoder returns an encoder that does not escape <, > and &, as the reader is not a browser. It escapes control
// sequences of terminals, see plan.EscapeJSON.
func newEncoder(w io.Writer) *json.Encoder {
	encoder := json.NewEncoder(escapingWriter{w})
	encoder.SetEscapeHTML(false)
	return encoder
}

// escapingWriter passes each Write, which has to be a whole JSON document, through plan.EscapeJSON.
type escapingWriter struct{ w io.Writer }

func (h escapingWriter) Write(document []byte) (int, error) {
	if _, err := h.w.Write(plan.EscapeJSON(document)); err != nil {
		return 0, err
	}
	return len(document), nil
}

// The order of the fields is the order of the keys.
type document struct {
	Schema     string         `json:"schema"`
	RunID      string         `json:"runId"`
	Status     engine.Status  `json:"status"`
	StartedAt  string         `json:"startedAt"`
	FinishedAt string         `json:"finishedAt"`
	DurationMS int64          `json:"durationMs"`
	Engine     engine.Info    `json:"engine"`
	Tasks      []taskDocument `json:"tasks"`
	// Stages is omitted if the plan has none.
	Stages []stageDocument `json:"stages,omitempty"`
}

// jsonStage is the stage of a task or an event, with the keys that it has in a plan. It is empty if there is none.
type jsonStage struct {
	Stage    string `json:"stage,omitempty"`
	App      string `json:"app,omitempty"`
	Workload string `json:"workload,omitempty"`
}

func newJSONStage(s plan.Stage) jsonStage { return jsonStage{s.Name, s.App, s.Workload} }

type stageDocument struct {
	Name     string        `json:"name"`
	App      string        `json:"app"`
	Workload string        `json:"workload"`
	Status   engine.Status `json:"status"`
	Warning  bool          `json:"warning,omitempty"`
	Message  string        `json:"message,omitempty"`
	Tasks    []string      `json:"tasks"`
}

type taskDocument struct {
	Name        string        `json:"name"`
	Definition  string        `json:"definition"`
	Status      engine.Status `json:"status"`
	KeptnStatus string        `json:"keptnStatus"`
	Reason      engine.Reason `json:"reason"`
	Message     string        `json:"message"`
	Origin      string        `json:"origin"`
	jsonStage
	Image       string            `json:"image"`
	ImageDigest string            `json:"imageDigest"`
	ExitCode    int               `json:"exitCode"`
	DurationMS  int64             `json:"durationMs"`
	Attempts    []attemptDocument `json:"attempts"`
}

type attemptDocument struct {
	Number     int           `json:"number"`
	Status     engine.Status `json:"status"`
	ExitCode   int           `json:"exitCode"`
	Signal     string        `json:"signal"`
	OOMKilled  bool          `json:"oomKilled"`
	StartedAt  string        `json:"startedAt"`
	FinishedAt string        `json:"finishedAt"`
	Message    string        `json:"message"`
}

func newDocument(r engine.Result) document {
	d := document{
		Schema:     resultSchema,
		RunID:      r.RunID,
		Status:     r.Status,
		StartedAt:  timestamp(r.Started),
		FinishedAt: timestamp(r.Finished),
		DurationMS: milliseconds(r.Finished.Sub(r.Started)),
		Engine:     r.Engine,
		Tasks:      make([]taskDocument, 0, len(r.Tasks)),
	}
	for _, t := range r.Tasks {
		d.Tasks = append(d.Tasks, newTaskDocument(t))
	}
	for _, s := range r.Stages {
		d.Stages = append(d.Stages, newStageDocument(s))
	}
	return d
}

func newStageDocument(s engine.StageResult) stageDocument {
	return stageDocument{s.Name, s.App, s.Workload, s.Status, s.Warning, s.Message, append([]string{}, s.Tasks...)}
}

func newTaskDocument(t engine.TaskResult) taskDocument {
	d := taskDocument{
		Name:        t.Name,
		Definition:  t.Definition,
		Status:      t.Status,
		KeptnStatus: t.Status.KeptnStatus(),
		Reason:      t.Reason,
		Message:     t.Message,
		Origin:      t.Origin.String(),
		jsonStage:   newJSONStage(t.Stage),
		Image:       t.Image,
		ImageDigest: t.ImageDigest,
		ExitCode:    t.ExitCode,
		DurationMS:  milliseconds(duration(t)),
		Attempts:    make([]attemptDocument, 0, len(t.Attempts)),
	}
	for _, a := range t.Attempts {
		d.Attempts = append(d.Attempts, newAttemptDocument(a))
	}
	return d
}

func newAttemptDocument(a engine.AttemptResult) attemptDocument {
	return attemptDocument{
		Number:     a.Number,
		Status:     a.Status,
		ExitCode:   a.ExitCode,
		Signal:     a.Signal,
		OOMKilled:  a.OOMKilled,
		StartedAt:  timestamp(a.Started),
		FinishedAt: timestamp(a.Finished),
		Message:    a.Message,
	}
}

func milliseconds(d time.Duration) int64 { return d.Round(time.Millisecond).Milliseconds() }
