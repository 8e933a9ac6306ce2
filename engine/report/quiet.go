package report

import (
	"bufio"
	"fmt"
	"io"

	"github.com/ktask/ktask/engine"
)

// quietTail is how many bytes of a task's output Quiet keeps, about 500 lines.
const quietTail = 64 << 10

// Quiet writes nothing about tasks that pass. At the end it writes for each other task, in the order of the plan, how it
// ended and the end of its output, both streams in order; then what that means for the deployment.
type Quiet struct {
	w      *bufio.Writer
	tails  map[string]*tail
	causes Causes
	// screen is nil unless w is a terminal.
	screen *screen
	of     map[string]int
}

// NewQuiet returns a reporter that writes to w, which may be a terminal.
func NewQuiet(w io.Writer, terminal bool) *Quiet {
	return &Quiet{w: bufio.NewWriter(w), screen: newScreen(terminal), tails: map[string]*tail{}, causes: Causes{}, of: map[string]int{}}
}

// Emit keeps output, drops that of tasks that pass, and writes at the end of the run.
func (q *Quiet) Emit(e engine.Event) {
	q.causes.Emit(e)
	switch e := e.(type) {
	case engine.TaskStarted:
		q.tails[e.Task] = &tail{limit: quietTail}
	case engine.AttemptStarted:
		q.of[e.Task] = e.Of
	case engine.OutputLine:
		q.tails[e.Task].add(tailLine{e.Stream, e.Line, e.Partial})
	case engine.AttemptFinished:
		if e.Retry {
			e.Result.Message = q.causes.cause(e.Task, e.Result)
			q.tails[e.Task].add(tailLine{text: "ktask: " + retrying(e, q.of[e.Task])})
		}
	case engine.TaskFinished:
		if e.Result.Status == engine.Passed {
			delete(q.tails, e.Task)
		}
	case engine.RunFinished:
		q.finish(q.causes.Explain(e.Result))
	}
}

// Flush writes what is buffered.
func (q *Quiet) Flush() { _ = q.w.Flush() }

// Err returns the first failure to write.
func (q *Quiet) Err() error { return q.w.Flush() }

func (q *Quiet) finish(r engine.Result) {
	separator := ""
	for _, t := range r.Tasks {
		if !needsExplanation(t) {
			continue
		}
		text := explanation(t)
		_, _ = q.w.WriteString(separator + text)
		if output := q.tails[t.Name]; output != nil {
			for _, line := range output.beside(text) {
				_, _ = fmt.Fprintf(q.w, "  | %s\n", q.screen.text(stream{}, line, false, true))
			}
		}
		separator = "\n"
	}
	if separator != "" {
		if text := deployment(r); text != "" {
			_, _ = q.w.WriteString(separator + text)
		}
	}
	q.Flush()
}
