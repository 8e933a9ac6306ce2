package report

import (
	"bufio"
	"fmt"
	"io"

	"github.com/ktask/ktask/engine"
)

// quietTail is how many bytes of a task's output Quiet keeps: some 500 lines, more than anyone reads in a hook.
const quietTail = 64 << 10

// Quiet says nothing of tasks that pass. At the end it says of each other task, in the order of the plan, how it
// ended and shows the end of its output, both streams as they came; then what that means for the deployment.
type Quiet struct {
	w     *bufio.Writer
	tails map[string]*tail
	// screen is for a terminal, nil if w is none.
	screen screen
	of     map[string]int
}

// NewQuiet gives a reporter that writes to w, which may be a terminal.
func NewQuiet(w io.Writer, terminal bool) *Quiet {
	return &Quiet{w: bufio.NewWriter(w), screen: newScreen(terminal), tails: map[string]*tail{}, of: map[string]int{}}
}

// Emit keeps output, forgets that of a task which passed, and writes at the end.
func (q *Quiet) Emit(e engine.Event) {
	switch e := e.(type) {
	case engine.TaskStarted:
		q.tails[e.Task] = &tail{limit: quietTail}
	case engine.AttemptStarted:
		q.of[e.Task] = e.Of
	case engine.OutputLine:
		q.tails[e.Task].add(kept{e.Stream, e.Line, e.Partial})
	case engine.AttemptFinished:
		if e.Retry {
			q.tails[e.Task].add(kept{text: "ktask: " + retrying(e, q.of[e.Task])})
		}
	case engine.TaskFinished:
		if e.Result.Status == engine.Passed {
			delete(q.tails, e.Task)
		}
	case engine.RunFinished:
		q.finish(e.Result)
	}
}

// Flush writes what is buffered.
func (q *Quiet) Flush() { _ = q.w.Flush() }

// Err is the first failure to write.
func (q *Quiet) Err() error { return q.w.Flush() }

func (q *Quiet) finish(r engine.Result) {
	separator := ""
	for _, t := range r.Tasks {
		if !telling(t) {
			continue
		}
		_, _ = q.w.WriteString(separator + explanation(t))
		if output := q.tails[t.Name]; output != nil {
			output.each(func(line string) {
				_, _ = fmt.Fprintf(q.w, "  | %s\n", q.screen.text(stream{}, line, false, true))
			})
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
