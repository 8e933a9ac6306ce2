package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/plan"
)

const (
	// endingTail is how many bytes of the output of a task are kept for the end of a run, and endingLines how many lines of that
	// are shown.
	endingTail  = 8 << 10
	endingLines = 10
	// mostCause is how many characters of a line become the cause of a failure.
	mostCause = 200
)

// endings are the last lines of the outputs of tasks that have not passed, by task.
type endings map[string]*ending

type ending struct {
	runtime plan.Runtime
	tail    tail
	// complaint is the last line on stderr that is not blank.
	complaint string
}

// note takes the output of the last attempt of a task.
func (m endings) note(e engine.Event) {
	end := m[e.Head().Task]
	if end == nil {
		end = &ending{}
	}
	switch e := e.(type) {
	case engine.TaskStarted:
		m[e.Task] = &ending{runtime: e.Runtime, tail: tail{limit: endingTail}}
	case engine.AttemptStarted:
		end.tail, end.complaint = tail{limit: endingTail}, ""
	case engine.OutputLine:
		end.tail.add(tailLine{e.Stream, e.Line, e.Partial})
		if e.Stream == engine.Stderr && strings.TrimSpace(e.Line) != "" {
			end.complaint = e.Line
		}
	case engine.TaskFinished:
		if e.Result.Status == engine.Passed {
			delete(m, e.Task)
		}
	}
}

// explained returns the result of a task. If nothing but the exit code is known of a task that has failed, the last line on its
// stderr follows that, as the cause.
func (m endings) explained(t engine.TaskResult) engine.TaskResult {
	if t.Status != engine.Failed {
		return t
	}
	t.Attempts = slices.Clone(t.Attempts)
	for i := len(t.Attempts) - 1; i >= 0; i-- {
		if a := &t.Attempts[i]; !a.Killed {
			before := a.Message
			a.Message = m.cause(t.Name, *a)
			if t.Message == before {
				t.Message = a.Message
			}
			break
		}
	}
	return t
}

// cause returns why the last attempt of a task failed.
func (m endings) cause(task string, a engine.AttemptResult) string {
	end := m[task]
	// Deno writes there what it does.
	if end == nil || end.runtime == plan.RuntimeDeno || end.complaint == "" || a.Message != fmt.Sprintf("exit code %d", a.ExitCode) {
		return a.Message
	}
	return a.Message + ": " + cut(strings.TrimSpace(unpainted(end.complaint)), mostCause)
}

func cut(text string, most int) string {
	if r := []rune(text); len(r) > most {
		return string(r[:most]) + "…"
	}
	return text
}

// lines returns the last lines of output of a task that failed or timed out, unless its explanation has all of them.
func (m endings) lines(t engine.TaskResult, explanation string) []string {
	end := m[t.Name]
	if end == nil || t.Status != engine.Failed && t.Status != engine.TimedOut {
		return nil
	}
	var all []string
	end.tail.each(func(line string) { all = append(all, line) })
	if len(all) == 1 && strings.Contains(explanation, strings.TrimSpace(unpainted(all[0]))) {
		return nil
	}
	if more := len(all) - endingLines; more > 0 {
		all = append([]string{"(earlier lines are above)"}, all[more:]...)
	}
	return all
}

// verdict is why some tasks did not pass. Tasks with the same error or cancelation share one.
type verdict struct {
	task engine.TaskResult
	all  []string
}

// verdicts returns the tasks whose end needs an explanation. Those that failed by themselves have each their own.
func verdicts(r engine.Result, ends endings) []*verdict {
	var all []*verdict
	of := map[string]*verdict{}
	for _, t := range r.Tasks {
		if !needsExplanation(t) {
			continue
		}
		t = ends.explained(t)
		v := &verdict{task: t, all: []string{plan.OneLine(t.Name)}}
		if t.Status == engine.Errored || t.Status == engine.Canceled {
			key := why(t, false)
			if same := of[key]; same != nil {
				same.all = append(same.all, v.all...)
				continue
			}
			of[key] = v
		}
		all = append(all, v)
	}
	return all
}

func (v *verdict) explanation() string {
	if len(v.all) == 1 {
		return explanation(v.task)
	}
	return count(len(v.all), "task") + ": " + why(v.task, false) + "  tasks: " + listed(v.all, "tasks") + "\n"
}
