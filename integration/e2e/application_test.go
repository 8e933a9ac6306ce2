package e2e

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
)

// event is the part of an event of `ktask run -o json` that these tests read.
type event struct {
	Event string `json:"event"`
	Task  string `json:"task"`
	Line  string `json:"line"`
}

// events reads the lines of `run -o json` up to the closing document, and that.
func events(t *testing.T, stdout string) (all []event, result struct {
	Status string `json:"status"`
	Stages []struct {
		Name, Workload, Status string
		Tasks                  []string
	} `json:"stages"`
}) {
	t.Helper()
	for line := range strings.Lines(stdout) {
		if strings.HasPrefix(line, `{"schema":`) {
			if err := json.Unmarshal([]byte(line), &result); err != nil {
				t.Fatalf("result %q: %v", line, err)
			}
			continue
		}
		var e event
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatalf("event %q: %v", line, err)
		}
		all = append(all, e)
	}
	return all, result
}

// TestApplication walks the example through a whole deployment, and holds the events against Keptn's order.
func TestApplication(t *testing.T) {
	o := ktask(t, "", "run", "--app", "podtato-head", "--promotion", "--image", anyBusybox, "-o", "json", "examples/application").expect(t, 0)
	all, result := events(t, o.stdout)
	at := func(kind, task string) int {
		i := slices.IndexFunc(all, func(e event) bool { return e.Event == kind && e.Task == task })
		if i < 0 {
			t.Fatalf("no %s of %s:\n%s", kind, task, o.stdout)
		}
		return i
	}
	const app, server, hats = "podtato-head/", "podtato-head-server/", "podtato-head-hats/"
	for _, order := range [][2]string{
		{app + "pre/announce", server + "pre/database-ready"},
		{server + "pre/database-ready", server + "post/smoke-test"},
		{app + "pre/announce", hats + "post/smoke-test"},
		{server + "post/smoke-test", app + "post/announce"},
		{hats + "post/smoke-test", app + "post/announce"},
		{app + "post/announce", app + "promotion/promote"},
	} {
		if at("TaskFinished", order[0]) > at("TaskStarted", order[1]) {
			t.Errorf("%s started before %s had ended", order[1], order[0])
		}
	}
	var lines []string
	for _, e := range all {
		if e.Event == "OutputLine" {
			lines = append(lines, e.Line)
		}
	}
	slices.Sort(lines)
	want := []string{
		"podtato-head 1.3.0: post deployment to dev",
		"podtato-head 1.3.0: pre deployment to dev",
		"podtato-head-hats 0.3.2 answers, metadata {'color': 'green', 'stage': 'dev'}",
		"podtato-head-server 0.3.1 answers, metadata {'stage': 'dev'}",
		"promoted",
		"the database is ready",
	}
	if !slices.Equal(lines, want) {
		t.Errorf("the tasks print\n%s\nwant\n%s", strings.Join(lines, "\n"), strings.Join(want, "\n"))
	}
	if result.Status != "passed" || len(result.Stages) == 0 {
		t.Errorf("result: status %q, stages %v", result.Status, result.Stages)
	}
	readme := readFile(t, examples+"/application/README.md")
	tree := ktask(t, "", "list", "examples/application").expect(t, 0).stdout
	if _, tree, _ = strings.Cut(tree, "\n\n"); !strings.Contains(readme, "    "+strings.ReplaceAll(strings.TrimSpace(tree), "\n", "\n    ")) {
		t.Errorf("README.md does not show the tree:\n%s", tree)
	}
}

// meeting is a deployment with two pre tasks that each wait for the other, over a directory of the host.
const meeting = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  annotations: {keptn.sh/workload: web, keptn.sh/version: "1", keptn.sh/pre-deployment-tasks: "one,two", keptn.sh/post-deployment-tasks: after}
spec: {template: {metadata: {labels: {app: web}}, spec: {containers: [{name: web, image: web:1}]}}}
---
apiVersion: lifecycle.keptn.sh/v1
kind: KeptnTaskDefinition
metadata: {name: one}
spec: {container: {name: c, image: "busybox:1.36.1", command: [sh, -c, "touch /meet/one; until [ -e /meet/two ]; do sleep 0.1; done; echo met"]}, timeout: 4m}
---
apiVersion: lifecycle.keptn.sh/v1
kind: KeptnTaskDefinition
metadata: {name: two}
spec: {container: {name: c, image: "busybox:1.36.1", command: [sh, -c, "touch /meet/two; until [ -e /meet/one ]; do sleep 0.1; done; echo met"]}, timeout: 4m}
---
apiVersion: lifecycle.keptn.sh/v1
kind: KeptnTaskDefinition
metadata: {name: after}
spec: {container: {name: c, image: "busybox:1.36.1", command: [echo, after]}}
`

func TestTasksOfAStageRunTogether(t *testing.T) {
	place := t.TempDir()
	o := ktask(t, meeting, "run", "--app", "web", "--image", anyBusybox, "--mount", place+":/meet", "-").expect(t, 0)
	if strings.Count(o.stdout, "met") != 2 || !strings.Contains(o.stdout, "after") {
		t.Errorf("stdout:\n%s", o.stdout)
	}
}

// TestFailedStageStopsTheDeployment runs the same tasks one at a time, without waiting for each other: the first one fails and
// so its stage, the second one still runs to its end, and the next stage never starts.
func TestFailedStageStopsTheDeployment(t *testing.T) {
	passing := strings.NewReplacer("until ", "", "; do sleep 0.1; done;", " &&").Replace(meeting)
	place := t.TempDir()
	o := ktask(t, passing, "run", "--app", "web", "-j", "1", "--image", anyBusybox, "--mount", place+":/meet", "-").expect(t, 1)
	if strings.Count(o.stdout, "met") != 1 || strings.Contains(o.stdout, "after") {
		t.Errorf("the second task did not run, or the stage behind the failed one did:\n%s", o.stdout)
	}
	if !strings.Contains(o.stderr, "deployment stopped at workload-pre web-web: task web-web/pre/one failed") {
		t.Errorf("stderr does not say what stopped the deployment:\n%s", o.stderr)
	}
	if err := os.Remove(place + "/one"); err != nil {
		t.Errorf("the first task did not run: %v", err)
	}
	again := ktask(t, passing, "run", "--app", "web", "-j", "1", "--non-blocking", "--image", anyBusybox, "--mount", t.TempDir()+":/meet", "-").expect(t, 0)
	if !strings.Contains(again.stdout, "after") {
		t.Errorf("--non-blocking stopped behind the failed stage:\n%s\n%s", again.stdout, again.stderr)
	}
}
