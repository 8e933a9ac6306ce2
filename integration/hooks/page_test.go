package hooks

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// slackToken is the secret of docs/ci.md.
const slackToken = "xoxb-not-a-real-token"

// notifies is a task that needs the secret. EXIT is its exit code.
const notifies = `apiVersion: lifecycle.keptn.sh/v1
kind: KeptnTaskDefinition
metadata: {name: notify}
spec:
  container:
    name: c
    image: ktask.local/busybox:dev
    imagePullPolicy: IfNotPresent
    command: [sh, -c, 'echo "with $TOKEN"; exit EXIT']
    env:
    - name: TOKEN
      valueFrom: {secretKeyRef: {name: slack-token, key: SECURE_DATA}}
`

var (
	passes = strings.ReplaceAll(notifies, "EXIT", "0")
	fails  = strings.ReplaceAll(notifies, "EXIT", "3")
)

// onPage returns the file that docs/ci.md shows under a name.
func onPage(t *testing.T, name string) string {
	t.Helper()
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "ci.md"))
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile("(?s)\n```yaml " + regexp.QuoteMeta(name) + "\n(.*?)```\n").FindSubmatch(page)
	if found == nil {
		t.Fatalf("docs/ci.md has no block %s", name)
	}
	return string(found[1])
}

// decoded decodes a file of the page, which may have only the fields of the type. As for GitHub, "on" is a string and not a boolean.
func decoded[T any](t *testing.T, name string) (content T) {
	t.Helper()
	decoder := yaml.NewDecoder(strings.NewReader(onPage(t, name)))
	decoder.KnownFields(true)
	if err := decoder.Decode(&content); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return content
}

// TestPagePreCommit commits to a repository with the configuration of the page, which takes the hooks of the module as it is.
func TestPagePreCommit(t *testing.T) {
	config := onPage(t, ".pre-commit-config.yaml")
	here := regexp.MustCompile(`(?m)^- repo: https://github.com/ktask/ktask\n  rev: v.*$`).ReplaceAllLiteralString(config, "- repo: "+ktask+"\n  rev: "+ktaskCommit)
	if here == config {
		t.Fatalf("the page does not name the module's repository:\n%s", config)
	}
	r := configured(t, here)
	r.write("tasks/notify.yaml", passes)
	r.must("git", "add", ".")
	out, err := r.run("git", "commit", "-m", "x")
	if err != nil || strings.Count(out, "Passed") != 2 {
		t.Errorf("%v, want two hooks that have passed:\n%s", err, out)
	}
	r.write("tasks/notify.yaml", fails)
	r.must("git", "add", ".")
	r.refuses("notify: failed: exit code 3", "  at tasks/notify.yaml:1", "  | with •••")
}

// TestPageGitHub runs the action with the inputs of the page.
func TestPageGitHub(t *testing.T) {
	type workflow struct {
		On   string
		Jobs map[string]struct {
			RunsOn string `yaml:"runs-on"`
			Steps  []struct {
				Uses      string
				With, Env map[string]string
			}
		}
	}
	steps := decoded[workflow](t, ".github/workflows/tasks.yaml").Jobs["tasks"].Steps
	step := steps[len(steps)-1]
	if !strings.HasPrefix(step.Uses, "ktask/ktask@v") || step.Env["SLACK_TOKEN"] != "${{ secrets.SLACK_TOKEN }}" {
		t.Fatalf("the last step is %+v", step)
	}
	for name := range step.With {
		if _, known := theAction(t).Inputs[name]; !known {
			t.Errorf("action.yml has no input %q", name)
		}
	}
	t.Setenv("SLACK_TOKEN", slackToken)
	j := newJob(t, map[string]string{"tasks/notify.yaml": passes})
	if code, out := j.run(step.With); code != 0 || !strings.Contains(out, "with •••") {
		t.Errorf("exit code %d: %s", code, out)
	}
	if _, err := os.Stat(filepath.Join(j.workspace, "results.xml")); err != nil {
		t.Error(err)
	}
}

// TestPageGitLab runs the script of the page, except for the installation of a published version.
func TestPageGitLab(t *testing.T) {
	type job struct {
		Image     string
		Services  []string
		Variables map[string]string
		Script    []string
		Artifacts struct {
			When    string
			Reports struct{ JUnit string }
		}
	}
	j := decoded[map[string]job](t, ".gitlab-ci.yml")["tasks"]
	if len(j.Script) < 2 || j.Script[0] != "go install github.com/ktask/ktask@latest" {
		t.Fatalf("the script is %q", j.Script)
	}
	bin, r := t.TempDir(), repository{t, t.TempDir()}
	if out, err := exec.Command("go", "build", "-o", bin, "github.com/ktask/ktask").CombinedOutput(); err != nil {
		t.Fatalf("build ktask: %v: %s", err, out)
	}
	r.write("tasks/notify.yaml", strings.Replace(passes, "secretKeyRef: {", "secretKeyRef: {optional: true, ", 1))
	r.must("env", "PATH="+bin+":"+os.Getenv("PATH"), "sh", "-ec", strings.Join(j.Script[1:], "\n"))
	report, err := os.ReadFile(filepath.Join(r.dir, j.Artifacts.Reports.JUnit))
	if err != nil || !strings.Contains(string(report), `<testcase name="notify"`) {
		t.Errorf("%v: the report is\n%s", err, report)
	}
}
