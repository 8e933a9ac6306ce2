package report

import (
	"fmt"
	"strings"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/plan"
)

// stageHeadline returns how a stage ended in one line.
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

// wording is how a status reads in a sentence.
var wording = map[engine.Status]string{
	engine.Failed: "failed", engine.TimedOut: "timed out", engine.Errored: "errored", engine.Canceled: "canceled",
}

// deploys reports whether Keptn would roll out the workload before this stage: it comes after other stages.
func deploys(s plan.Stage) bool { return s.Name == plan.WorkloadPost && len(s.Needs) > 0 }

// deployment returns what the run means for the deployment: a line for each stage that would stop it, or would if
// failures blocked. It returns "" if there are no stages, or if the run was canceled before that was known.
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
	gaps := strings.Join(r.NotChecked, "; ")
	switch {
	case passed && gaps != "":
		return plan.Printable("The tasks passed, but Keptn might still stop this deployment: "+gaps) + ".\n"
	case passed:
		return conclusion(r.Stages)
	case gaps != "" && b.Len() > 0:
		b.WriteString("Keptn might still stop it: " + gaps + ".\n")
	}
	return plan.Printable(b.String())
}

// conclusion returns what it means that the tasks of all stages passed. Some stages of a deployment are not the whole of it.
func conclusion(stages []engine.StageResult) string {
	names := map[string]bool{}
	for _, s := range stages {
		names[s.Name] = true
	}
	if names[plan.AppPre] && names[plan.AppPost] {
		return "All checks passed: Keptn would let this deployment proceed.\n"
	}
	var all []string
	for _, s := range stages {
		if len(s.Tasks) > 0 {
			all = append(all, s.String())
		}
	}
	return plan.Printable("All checks passed at "+listed(all, "stages")) + ".\n"
}

// listed returns a list of names for a sentence, shortened if there are many.
func listed(names []string, what string) string {
	const most = 4
	if len(names) > most {
		return fmt.Sprintf("%s and %d other %s", strings.Join(names[:most], ", "), len(names)-most, what)
	}
	return strings.Join(names, ", ")
}

// failures returns the tasks of a stage that did not pass and were not canceled: "task a failed, task b timed out".
func failures(r engine.Result, s plan.Stage) string {
	var tasks []string
	for _, t := range tasksOf(r, s) {
		if t.Status != engine.Passed && t.Status != engine.Canceled {
			tasks = append(tasks, fmt.Sprintf("task %s %s", t.Name, wording[t.Status]))
		}
	}
	return strings.Join(tasks, ", ")
}

// tasksOf returns the results of a stage's tasks or, if its ID is "", those of tasks without a stage.
func tasksOf(r engine.Result, s plan.Stage) []engine.TaskResult {
	var tasks []engine.TaskResult
	for _, t := range r.Tasks {
		if t.Stage.ID == s.ID {
			tasks = append(tasks, t)
		}
	}
	return tasks
}

// warned reports whether a task belongs to a stage whose failures do not stop the deployment.
func warned(r engine.Result, t engine.TaskResult) bool {
	for _, s := range r.Stages {
		if s.ID == t.Stage.ID {
			return s.Warning
		}
	}
	return false
}

// count returns a number with its noun.
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
