package report

import (
	"fmt"
	"strings"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/plan"
)

// stageHeadline says in one line how a stage ended.
func stageHeadline(s engine.StageResult) string {
	switch {
	case s.Started.IsZero():
		return plan.OneLine(s.Message)
	case s.Status == engine.Passed:
		return "passed in " + short(s.Finished.Sub(s.Started))
	case s.Warning && s.Status != engine.Canceled:
		return wording[s.Status] + ", which does not stop the deployment"
	default:
		return wording[s.Status] + " after " + short(s.Finished.Sub(s.Started))
	}
}

// wording is a status within a sentence.
var wording = map[engine.Status]string{
	engine.Failed: "failed", engine.TimedOut: "timed out", engine.Errored: "errored", engine.Canceled: "canceled",
}

// deploys is true for a stage before which Keptn would have rolled out the workload: one that comes after others.
func deploys(s plan.Stage) bool { return s.Name == plan.WorkloadPost && len(s.Needs) > 0 }

// deployment says what the run means for the deployment: a line for each stage that would have stopped it, or would
// have but for the plan. It is empty where there are no stages, and where the user stopped the run before that was known.
func deployment(r engine.Result) string {
	var b strings.Builder
	passed := len(r.Stages) > 0
	for _, s := range r.Stages {
		passed = passed && s.Status == engine.Passed
		failures := failures(r, s.Stage)
		switch {
		case failures == "":
		case s.Warning:
			fmt.Fprintf(&b, "deployment goes on after %v, as failures do not block it: %s\n", s.Stage, failures)
		default:
			fmt.Fprintf(&b, "deployment stopped at %v: %s\n", s.Stage, failures)
		}
	}
	if passed {
		return "nothing would have stopped the deployment\n"
	}
	return plan.Printable(b.String())
}

// failures are the tasks of a stage that did not pass by themselves: "task a failed, task b timed out".
func failures(r engine.Result, s plan.Stage) string {
	var tasks []string
	for _, t := range tasksOf(r, s) {
		if t.Status != engine.Passed && t.Status != engine.Canceled {
			tasks = append(tasks, fmt.Sprintf("task %s %s", t.Name, wording[t.Status]))
		}
	}
	return strings.Join(tasks, ", ")
}

// tasksOf are the results of a stage's tasks; those of tasks without a stage where its ID is "".
func tasksOf(r engine.Result, s plan.Stage) []engine.TaskResult {
	var tasks []engine.TaskResult
	for _, t := range r.Tasks {
		if t.Stage.ID == s.ID {
			tasks = append(tasks, t)
		}
	}
	return tasks
}

// warned is true for a task that failed and did not stop the deployment.
func warned(r engine.Result, t engine.TaskResult) bool {
	for _, s := range r.Stages {
		if s.ID == t.Stage.ID {
			return s.Warning
		}
	}
	return false
}

// count is a number and its noun.
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
