package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/plan"
)

// mostCause is how many characters of a line become the cause of a failure.
const mostCause = 200

// Causes is a sink that finds out why tasks failed, by task, if nothing but their exit code is known: from their last line on stderr.
// What people read has that cause. Results for programs have only what is certain.
type Causes map[string]*complaint

// complaint is the last line on stderr of an attempt that is not blank.
type complaint struct {
	runtime plan.Runtime
	line    string
}

// Emit takes the output of the last attempt of a task.
func (c Causes) Emit(e engine.Event) {
	switch e := e.(type) {
	case engine.TaskStarted:
		c[e.Task] = &complaint{runtime: e.Runtime}
	case engine.AttemptStarted:
		if last := c[e.Task]; last != nil {
			last.line = ""
		}
	case engine.OutputLine:
		if last := c[e.Task]; last != nil && e.Stream == engine.Stderr && strings.TrimSpace(e.Line) != "" {
			last.line = e.Line
		}
	case engine.TaskFinished:
		if e.Result.Status == engine.Passed {
			delete(c, e.Task)
		}
	}
}

// Explain returns a result with the causes.
func (c Causes) Explain(r engine.Result) engine.Result {
	r.Tasks = slices.Clone(r.Tasks)
	for i, t := range r.Tasks {
		r.Tasks[i] = c.explained(t)
	}
	return r
}

// explained returns the result of a task. If nothing but the exit code is known of a task that has failed, the cause follows that.
func (c Causes) explained(t engine.TaskResult) engine.TaskResult {
	if t.Status != engine.Failed {
		return t
	}
	t.Attempts = slices.Clone(t.Attempts)
	for i := len(t.Attempts) - 1; i >= 0; i-- {
		if a := &t.Attempts[i]; !a.Killed {
			before := a.Message
			a.Message = c.cause(t.Name, *a)
			if t.Message == before {
				t.Message = a.Message
			}
			break
		}
	}
	return t
}

// cause returns why the last attempt of a task failed.
func (c Causes) cause(task string, a engine.AttemptResult) string {
	last := c[task]
	// Deno writes there what it does.
	if last == nil || last.runtime == plan.RuntimeDeno || last.line == "" || a.Message != fmt.Sprintf("exit code %d", a.ExitCode) {
		return a.Message
	}
	return a.Message + ": " + cut(strings.TrimSpace(unpainted(last.line)), mostCause)
}

func cut(text string, most int) string {
	if r := []rune(text); len(r) > most {
		return string(r[:most]) + "…"
	}
	return text
}
