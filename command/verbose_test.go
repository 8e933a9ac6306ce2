package command_test

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/enginetest"
	"github.com/ktask/ktask/engine/plan"
)

// foundEngine is an engine that has images.
type foundEngine struct{ *enginetest.Fake }

func (foundEngine) FindImage(_ context.Context, ref, _ string) (engine.Image, bool, error) {
	return engine.Image{}, strings.Contains(ref, "python"), nil
}

func passing() foundEngine {
	return foundEngine{&enginetest.Fake{Play: func(plan.Container, engine.Labels) enginetest.Attempt {
		return enginetest.Exits(0, time.Millisecond, enginetest.Out("printed"))
	}}}
}

func TestQuiet(t *testing.T) {
	s := newShell(t, map[string]string{"a.yaml": hello, "json/.ktask.yaml": "output: json\n", "quiet/.ktask.yaml": "quiet: true\n"})
	s.engine = passing()
	if o := s.ktask("run", "-q", "a.yaml").exits(0); o.out+o.err != "" {
		t.Errorf("a quiet run that passes prints %q", o.out+o.err)
	}
	s.ktask("run", "-q", "-o", "quiet", "a.yaml").exits(0).hides("printed")
	s.ktask("run", "-q", "-o", "json", "a.yaml").exits(2).says("--quiet and --output json exclude each other")
	s.ktask("run", "-q", "-v", "a.yaml").exits(2).says("--quiet and --verbose exclude each other")
	t.Chdir("json")
	s.ktask("run", "-q", "../a.yaml").exits(0).hides("printed")
	t.Chdir("../quiet")
	s.ktask("run", "../a.yaml").exits(0).hides("printed")
	s.ktask("run", "-o", "plain", "../a.yaml").exits(0).says("printed")
	s.ktask("list", "../a.yaml").exits(0).says("KIND")
}

func TestVerbose(t *testing.T) {
	s := newShell(t, map[string]string{"a.yaml": hello, "b.yaml": secret, ".ktask.yaml": "parallel: 3\n"})
	s.engine = passing()
	o := s.ktask("run", "-v", "--secret", "token=hunter2hunter2", "a.yaml", "b.yaml").exits(0)
	o.says("printed", ".ktask.yaml\n", "ktask: read 2 files from a.yaml, b.yaml\n", "ktask: runs 2 tasks (every KeptnTask, or if there is none, every definition that no other one calls): hello, secret\n",
		"ktask: 3 at a time\n", "ktask: image ghcr.io/keptn/python-runtime:v1.0.8 (default): pull policy IfNotPresent, on the engine\n",
		"ktask: task hello: its container may be prepared while others run\n").hides("hunter2")
	if strings.Contains(o.out, "ktask:") {
		t.Errorf("stdout: %s", o.out)
	}
	s.ktask("run", "-v", "-t", "hello", "--mount", "/x:/y", "a.yaml").exits(0).says("runs 1 task (--task): hello", "not prepared: it mounts files")
	s.ktask("run", "-v", "/a:/b", "a.yaml").exits(2).says("/a:/b: no such file or directory (-v prints more and takes no value; to mount a path: --mount SRC:DST)")
	s.ktask("run", "a.yaml").exits(0).hides("ktask: read")
}

// TestPassedVariable: -e NAME takes the value from ktask's environment, as docker's does; a file may not.
func TestPassedVariable(t *testing.T) {
	s := newShell(t, map[string]string{"a.yaml": hello, "d/.ktask.yaml": "env: [HAVE_IT]\n"})
	t.Setenv("HAVE_IT", "from outside")
	s.ktask("plan", "a.yaml", "-e", "HAVE_IT", "-e", "HAVE_NOT", "--env", "X=").exits(0).says("HAVE_IT", "from outside", "X").hides("HAVE_NOT")
	t.Chdir("d")
	s.ktask("plan", "../a.yaml").exits(2).says(".ktask.yaml:1:1: env, number 1: expected KEY=VALUE").hides("outside")
}

func TestNamedTask(t *testing.T) {
	app := "apiVersion: lifecycle.keptn.sh/v1\nkind: KeptnApp\nmetadata: {name: shop}\nspec: {version: \"1\"}\n"
	s := newShell(t, map[string]string{"k8s/a.yaml": hello, "k8s/app.yaml": app, "set/.ktask.yaml": "paths: [tasks]\n", "set/tasks/c.yaml": caller, "set/b.yaml": hello})
	s.ktask("run", "hello").exits(2).says("hello is not a file but a task: ktask run -t hello .\n")
	s.ktask("plan", "hello", "k8s").exits(2).says("hello is not a file but a task: ktask plan -t hello k8s\n")
	s.ktask("run", "shop").exits(2).says("shop is not a file but an app: ktask run --app shop .\n")
	s.ktask("run", "helo").exits(2).says("helo: no such file or directory").hides("-t")
	s.ktask("validate", "hello").exits(2).says("hello: no such file or directory").hides("-t")
	t.Chdir("set")
	s.ktask("run", "caller").exits(2).says("ktask run -t caller tasks\n")
	s.ktask("run", "hello").exits(2).says("hello: no such file or directory").hides("-t")
}

func TestListForPrograms(t *testing.T) {
	s := newShell(t, map[string]string{"a.yaml": hello, "b.yaml": caller, "task.yaml": "apiVersion: lifecycle.keptn.sh/v1\nkind: KeptnTask\nmetadata: {name: hello}\nspec: {taskDefinition: hello}\n"})
	var doc struct {
		Schema string
		Tasks  []struct {
			Kind, Name, Namespace, Runs, Origin string
			Labels                              map[string]string
		}
		Apps []any
	}
	o := s.ktask("list", "-o", "json", ".").exits(0)
	if err := json.Unmarshal([]byte(o.out), &doc); err != nil || doc.Schema != "ktask.dev/list/v1" || len(doc.Tasks) != 3 || doc.Apps == nil {
		t.Fatalf("error %v, document:\n%s", err, o.out)
	}
	first := doc.Tasks[1]
	if first.Kind != "KeptnTaskDefinition" || first.Name != "hello" || first.Origin != "a.yaml:1" || first.Runs != "python" || first.Labels["team"] != "a" || first.Namespace != "default" {
		t.Errorf("the definition is %+v", first)
	}
	if o := s.ktask("list", "-q", ".").exits(0); !slices.Equal(strings.Fields(o.out), []string{"hello", "caller"}) {
		t.Errorf("names: %q", o.out)
	}
	s.ktask("list", "-t", "call*", ".").exits(0).says("caller").hides("a.yaml")
	s.ktask("list", "-t", "default/hello", ".").exits(0).says("KeptnTask ", "a.yaml:1").hides("caller")
	s.ktask("list", "-l", "team=a", ".").exits(0).says("a.yaml:1").hides("task.yaml", "caller")
	s.ktask("list", "-t", "helo", ".").exits(2).says(`there is no KeptnTask or KeptnTaskDefinition "helo" among the manifests (did you mean "hello"?)`)
	s.ktask("list", "-o", "yaml", ".").exits(2).says("--output takes text or json")
}
