package hooks

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

// action is the part of action.yml that its runner carries out.
type action struct {
	Inputs map[string]struct{ Default string }
	Runs   struct {
		Steps []struct {
			Uses, Run, Shell string
			WorkingDirectory string `json:"working-directory"`
			Env              map[string]string
		}
	}
}

// theAction returns what action.yml says.
func theAction(t *testing.T) (a action) {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("..", "..", "action.yml"))
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(content, &a); err != nil {
		t.Fatal(err)
	}
	return a
}

// job is where an action runs.
type job struct {
	t                  *testing.T
	workspace, summary string
}

func newJob(t *testing.T, files map[string]string) job {
	t.Helper()
	j := job{t, t.TempDir(), filepath.Join(t.TempDir(), "summary")}
	for name, content := range files {
		repository{t, j.workspace}.write(name, content)
	}
	return j
}

// run carries out the steps of action.yml as GitHub's runner does, and returns the exit code and the output of the last one.
func (j job) run(inputs map[string]string) (code int, output string) {
	j.t.Helper()
	root, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		j.t.Fatal(err)
	}
	a := theAction(j.t)
	values := []string{"${{ github.action_path }}", root}
	for _, name := range slices.Sorted(maps.Keys(a.Inputs)) {
		value, given := inputs[name]
		if !given {
			value = a.Inputs[name].Default
		}
		values = append(values, "${{ inputs."+name+" }}", value)
	}
	expressions := strings.NewReplacer(values...)
	temp := j.t.TempDir()
	for _, step := range a.Runs.Steps {
		if step.Uses != "" {
			continue // it installs Go, which is here
		}
		if strings.Contains(step.Run, "${{") {
			j.t.Errorf("an input becomes a part of the script:\n%s", step.Run)
		}
		script := filepath.Join(temp, "step.sh")
		if err := os.WriteFile(script, []byte(step.Run), 0o600); err != nil {
			j.t.Fatal(err)
		}
		cmd := exec.CommandContext(j.t.Context(), "bash", "--noprofile", "--norc", "-eo", "pipefail", script)
		cmd.Dir = filepath.Join(j.workspace, expressions.Replace(step.WorkingDirectory))
		cmd.Env = append(os.Environ(), "RUNNER_TEMP="+temp, "GITHUB_ACTIONS=true", "GITHUB_WORKSPACE="+j.workspace, "GITHUB_STEP_SUMMARY="+j.summary)
		for name, value := range step.Env {
			cmd.Env = append(cmd.Env, name+"="+expressions.Replace(value))
		}
		out, err := cmd.CombinedOutput()
		if failed, ok := errors.AsType[*exec.ExitError](err); ok {
			return failed.ExitCode(), string(out)
		} else if err != nil {
			j.t.Fatal(err)
		}
		output = string(out)
	}
	return 0, output
}

func TestActionRuns(t *testing.T) {
	j := newJob(t, map[string]string{"shop/tasks/good.yaml": fmt.Sprintf(task, "good", "true"), "shop/tasks/bad.yaml": fmt.Sprintf(task, "bad", "exit 3")})
	code, out := j.run(map[string]string{
		"working-directory": "shop", "paths": "tasks", "args": " --image \r\nbusybox:1.36.1=ktask.local/busybox:dev\r\n--task\ngood",
	})
	if code != 0 || !strings.Contains(out, "::endgroup::") {
		t.Errorf("exit code %d: %s", code, out)
	}
	j.has("| good | passed | 1 | 0 |")
	code, out = j.run(map[string]string{"working-directory": "shop", "paths": "tasks", "args": "--image\nbusybox:1.36.1=ktask.local/busybox:dev"})
	if code != 1 || !strings.Contains(out, "::error file=shop/tasks/bad.yaml,line=1,col=1,title=ktask%3A bad::") {
		t.Errorf("exit code %d: %s", code, out)
	}
	j.has("| good | passed | 1 | 0 |", "| bad | failed | 1 | 3 |", "```\nbad: failed: ")
}

func TestActionValidates(t *testing.T) {
	j := newJob(t, map[string]string{"bad.yaml": strings.Replace(fmt.Sprintf(task, "bad", "true"), "image:", "imag:", 1)})
	code, out := j.run(map[string]string{"command": "validate", "paths": "\n$(touch ran)\n`touch ran`\n; touch ran\n--lenient\n"})
	if _, err := os.Stat(filepath.Join(j.workspace, "ran")); err == nil || code != 2 {
		t.Errorf("exit code %d, a path was run: %v, %s", code, err == nil, out)
	}
	if code, out = j.run(map[string]string{"command": "validate", "paths": "--lenient\nbad.yaml"}); code != 2 || !strings.Contains(out, "--lenient: no such file") {
		t.Errorf("a path became a flag: exit code %d: %s", code, out)
	}
	if code, out = j.run(map[string]string{"command": "validate", "paths": "bad.yaml"}); code != 2 || !strings.Contains(out, "::error file=bad.yaml,line=7,col=5,title=unknown-field::") {
		t.Errorf("exit code %d: %s", code, out)
	}
}

// has fails the test unless the step's summary has the texts.
func (j job) has(texts ...string) {
	j.t.Helper()
	content, err := os.ReadFile(j.summary)
	if err != nil {
		j.t.Fatal(err)
	}
	for _, text := range texts {
		if !strings.Contains(string(content), text) {
			j.t.Errorf("the summary has no %q:\n%s", text, content)
		}
	}
}

// TestActionAnnotatesProblems runs what is not valid.
func TestActionAnnotatesProblems(t *testing.T) {
	j := newJob(t, map[string]string{"bad.yaml": strings.Replace(fmt.Sprintf(task, "bad", "true"), "image:", "imag:", 1)})
	if code, out := j.run(map[string]string{"paths": "bad.yaml"}); code != 2 || !strings.Contains(out, "::error file=bad.yaml,line=7,col=5,title=unknown-field::") {
		t.Errorf("exit code %d: %s", code, out)
	}
}
