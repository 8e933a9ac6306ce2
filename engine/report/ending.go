package report

import (
	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/plan"
)

const (
	// endingTail is how many bytes of the output of a task are kept for the end of a run, and endingLines how many lines of that
	// are shown.
	endingTail  = 8 << 10
	endingLines = 10
)

// endings are the last lines of the outputs of tasks that have not passed, by task.
type endings map[string]*ending

type ending struct{ tail tail }

// note takes the output of the last attempt of a task.
func (m endings) note(e engine.Event) {
	end := m[e.Head().Task]
	if end == nil {
		end = &ending{}
	}
	switch e := e.(type) {
	case engine.TaskStarted:
		m[e.Task] = &ending{tail{limit: endingTail}}
	case engine.AttemptStarted:
		end.tail = tail{limit: endingTail}
	case engine.OutputLine:
		end.tail.add(tailLine{e.Stream, e.Line, e.Partial})
	case engine.TaskFinished:
		if e.Result.Status == engine.Passed {
			delete(m, e.Task)
		}
	}
}

// lines returns the last lines of output of a task that failed or timed out, unless its explanation has all of them.
func (m endings) lines(t engine.TaskResult, explanation string) []string {
	end := m[t.Name]
	if end == nil || t.Status != engine.Failed && t.Status != engine.TimedOut {
		return nil
	}
	all := end.tail.beside(explanation)
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
func verdicts(r engine.Result) []*verdict {
	var all []*verdict
	of := map[string]*verdict{}
	for _, t := range r.Tasks {
		if !needsExplanation(t) {
			continue
		}
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
