package command_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/enginetest"
	"github.com/ktask/ktask/engine/plan"
)

// tasks returns manifests of tasks without parameters.
func tasks(names ...string) string {
	var all []string
	for _, name := range names {
		all = append(all, header+"metadata: {name: "+name+"}\nspec: {python: {inline: {code: print(1)}}}\n")
	}
	return strings.Join(all, "---\n")
}

// outcomes returns an engine on which tasks end with exit codes. Other tasks pass.
func outcomes(codes map[string]int) *enginetest.Fake {
	return &enginetest.Fake{Play: func(_ plan.Container, l engine.Labels) enginetest.Attempt {
		return enginetest.Attempt{Output: []enginetest.Line{{Stream: engine.Stdout, Text: "ran " + l.Task}}, Exit: engine.Exit{Code: codes[l.Task]}}
	}}
}

// TestRunFailed runs tasks again that have failed, until all have passed.
func TestRunFailed(t *testing.T) {
	s := newShell(t, map[string]string{"a.yaml": tasks("a", "b", "c"), "other.yaml": tasks("d")})
	s.engine = outcomes(nil)
	if o := s.ktask("run", "a.yaml", "--failed").exits(2).says("--failed: no run of a.yaml in this directory is recorded (first: ktask run a.yaml)"); o.engineAsked {
		t.Error("the engine was asked")
	}
	s.engine = outcomes(map[string]int{"a": 1, "b": 2, "c": 0})
	s.ktask("run", "a.yaml").exits(1)
	s.engine = outcomes(map[string]int{"a": 0, "b": 2, "c": 0})
	s.ktask("run", "--failed", "a.yaml").exits(1).says("run again, of 3 tasks: a, b\n", "ran a", "ran b").hides("ran c")
	s.ktask("run", "--failed", "other.yaml").exits(2).says("no run of other.yaml")
	s.ktask("run", "-t", "c", "a.yaml").exits(0) // what is recorded of b stays
	s.ktask("run", "--failed", "-t", "a", "a.yaml").exits(2).says("none of the tasks that failed is selected (they are b)")
	s.engine = outcomes(map[string]int{"a": 0, "b": 0, "c": 0})
	s.ktask("run", "--failed", "a.yaml").exits(0).says("run again, of 3 tasks: b\n", "ran b").hides("ran a")
	if o := s.ktask("run", "--failed", "a.yaml").exits(0).says("nothing to run again: no task of 3 failed when it last ran"); o.engineAsked {
		t.Error("the engine was asked")
	}
	s.ktask("run", "--failed", "--watch", "a.yaml").exits(2).says("exclude each other")
}

// TestRecordOfFailures checks what is recorded, where, and that a run goes on without it.
func TestRecordOfFailures(t *testing.T) {
	s := newShell(t, map[string]string{"a.yaml": tasks("a", "b"), "sub/a.yaml": tasks("a", "b")})
	s.engine = outcomes(map[string]int{"a": 1, "b": 0})
	s.ktask("run", "a.yaml").exits(1)
	files, err := filepath.Glob(filepath.Join(s.state, "failed", "*"))
	if err != nil || len(files) != 1 {
		t.Fatalf("%v %v", files, err)
	}
	if info, err := os.Stat(files[0]); err != nil || info.Mode() != 0o600 {
		t.Errorf("%v %v", info, err)
	}
	if dir, err := os.Stat(filepath.Dir(files[0])); err != nil || dir.Mode().Perm() != 0o700 {
		t.Errorf("%v %v", dir, err)
	}
	if text, err := os.ReadFile(files[0]); err != nil || string(text) != `{"schema":"ktask.dev/failed/v1","failed":["a"]}` {
		t.Errorf("%s %v", text, err)
	}
	s.engine = unusable{} // tells nothing about the tasks
	s.ktask("run", "a.yaml").exits(3)
	s.engine = outcomes(map[string]int{"a": 0, "b": 0})
	s.ktask("run", "--failed", "a.yaml").exits(0).says("of 2 tasks: a\n").hides("ran b")
	if err := os.WriteFile(files[0], []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	s.ktask("run", "--failed", "a.yaml").exits(2).says(files[0] + " is not a record of ktask (remove it)")
	s.ktask("run", "a.yaml").exits(0)
	s.ktask("run", "--failed", "a.yaml").exits(0).says("nothing to run again")
	t.Chdir("sub")
	s.ktask("run", "--failed", "a.yaml").exits(2).says("no run of a.yaml")
	s.state = filepath.Join(files[0], "no")
	s.ktask("run", "-q", "a.yaml").exits(0).hides("record")
	s.ktask("run", "a.yaml").exits(0).says("record the result for --failed")
	s.term = true
	s.ktask("run", "-q", "a.yaml").exits(0).says("record the result for --failed")
	s.state = ""
	s.ktask("run", "a.yaml").exits(0).hides("record")
	s.ktask("run", "--failed", "a.yaml").exits(2).says("no run of a.yaml")
}

// unusable is an engine that cannot be used.
type unusable struct{ engine.Engine }

func (unusable) Check(context.Context, plan.Plan) error { return errors.New("no engine today") }
