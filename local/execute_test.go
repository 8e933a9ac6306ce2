package local_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/enginetest"
	"github.com/ktask/ktask/engine/owner"
	"github.com/ktask/ktask/engine/plan"
	"github.com/ktask/ktask/local"
	"github.com/ktask/ktask/resolve"
)

// cleanable is a fake engine that has leftovers.
type cleanable struct {
	*enginetest.Fake
	left    []engine.Leftover
	broken  error
	removed []string
	// swept is the file to which Sweep writes the run.
	swept string
}

func (e *cleanable) Leftovers(_ context.Context, run string) ([]engine.Leftover, error) {
	if e.broken != nil {
		return nil, e.broken
	}
	return slices.DeleteFunc(slices.Clone(e.left), func(l engine.Leftover) bool { return run != "" && run != l.Labels.Run }), nil
}

func (e *cleanable) Remove(_ context.Context, left engine.Leftover) error {
	e.removed = append(e.removed, left.Name)
	return nil
}

func (e *cleanable) Sweep(_ context.Context, run string, _ time.Duration) error {
	return os.WriteFile(e.swept, []byte(run), 0o600)
}

func codes(warnings []local.Warning) (all []local.WarningCode) {
	for _, w := range warnings {
		all = append(all, w.Code)
	}
	return all
}

// TestExecuteReturnsWhatItDid compares all that a run returns besides the results of its tasks.
func TestExecuteReturnsWhatItDid(t *testing.T) {
	leftover := func(run, task string, attempt int, kept bool) engine.Leftover {
		return engine.Leftover{Kind: "container", Name: fmt.Sprint(run, task, attempt), Labels: engine.Labels{Run: run, Task: task, Attempt: attempt}, Kept: kept, Overdue: run != "now"}
	}
	passes := func(plan.Container, engine.Labels) enginetest.Attempt { return enginetest.Exits(0, 0) }
	e := &cleanable{Fake: &enginetest.Fake{Play: passes}, left: []engine.Leftover{
		leftover("old", "a", 1, false), leftover("old", "a", 2, true), leftover("now", "b", 1, true), leftover("now", "a", 2, true), leftover("now", "a", 1, true), leftover("now", "c", 1, false),
	}}
	var warned []local.Warning
	o := local.Options{
		Paths: []string{write(t, manifest)}, Secrets: map[string]string{"db/password": "x"}, Engine: e, RunID: "now",
		Guardian: filepath.Join(t.TempDir(), "missing"), Runs: owner.In(filepath.Join(write(t, ""), "no-directory", "runs")),
		Warn: func(w local.Warning) { warned = append(warned, w) },
	}
	o.EngineOptions.Keep = "always"
	result, err := local.Run(t.Context(), o)
	if err != nil || result.Status != engine.Passed {
		t.Fatalf("result %+v, error %v", result, err)
	}
	if want := []local.WarningCode{local.SecretTooShort, local.SecretKept, local.Unguarded, local.Unclaimed}; !slices.Equal(codes(result.Warnings), want) || !reflect.DeepEqual(warned, result.Warnings) {
		t.Fatalf("warnings %v, and %v at once", result.Warnings, warned)
	}
	if w := result.Warnings; w[0].Names[0] != "db/password" || w[1].Names[0] != "migrate" || !errors.Is(w[2].Err, os.ErrNotExist) || w[3].Err == nil {
		t.Errorf("warnings %+v", w)
	}
	if result.Removed != 1 || !slices.Equal(e.removed, []string{"olda1"}) {
		t.Errorf("%d removed: %v", result.Removed, e.removed)
	}
	if k := result.Kept; len(k) != 3 || k[0].Name != "nowa1" || k[1].Name != "nowa2" || k[2].Name != "nowb1" {
		t.Errorf("kept %v", k)
	}
	e.broken = errors.New("the engine does not answer")
	if result, err = local.Run(t.Context(), o); err != nil || !slices.Contains(codes(result.Warnings), local.KeptUnknown) {
		t.Errorf("what is kept cannot be listed: result %+v, error %v", result, err)
	}
}

// TestKeptOfADeadRunStaysKnown: a run of which something kept is on the engine is still known to be dead.
func TestKeptOfADeadRunStaysKnown(t *testing.T) {
	runs := owner.In(filepath.Join(t.TempDir(), "runs"))
	e := &cleanable{Fake: &enginetest.Fake{}}
	for _, run := range []string{"kept", "gone"} {
		claim, err := runs.Claim(run)
		if err != nil {
			t.Fatal(err)
		}
		claim.Leave()
		e.left = append(e.left, engine.Leftover{Name: run, Labels: engine.Labels{Run: run}})
	}
	e.left = append(e.left, engine.Leftover{Name: "log", Labels: engine.Labels{Run: "kept"}, Kept: true})
	if result, err := local.Execute(t.Context(), plan.Plan{}, local.Options{Engine: e, Runs: runs}); err != nil || result.Removed != 2 {
		t.Errorf("result %+v, error %v", result, err)
	}
	if kept, gone := runs.Fate("kept"), runs.Fate("gone"); kept != owner.Dead || gone != owner.Unknown {
		t.Errorf("the run of which something is kept is %v, the other one %v", kept, gone)
	}
}

// TestExecuteIsAbandoned while its engine does not answer.
func TestExecuteIsAbandoned(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	abandon := make(chan struct{})
	fake := &enginetest.Fake{Play: func(plan.Container, engine.Labels) enginetest.Attempt {
		close(abandon)
		return enginetest.Exits(0, enginetest.Forever)
	}}
	p := plan.Plan{Tasks: []plan.Task{{Name: "a", Timeout: time.Hour}}}
	if _, err := local.Execute(ctx, p, local.Options{Engine: fake, Abandon: abandon}); !errors.Is(err, local.ErrAbandoned) {
		t.Errorf("error %v", err)
	}
}

// TestStageStartsTogether: unless Parallel is set, a stage has no limit, since Keptn has none.
func TestStageStartsTogether(t *testing.T) {
	all := "apiVersion: lifecycle.keptn.sh/v1alpha3\nkind: KeptnApp\nmetadata: {name: shop}\nspec:\n  version: \"1\"\n  preDeploymentTasks: ["
	tasks := runtime.NumCPU() + 2
	for i := range tasks {
		all += fmt.Sprintf("t%d, ", i)
	}
	all += "]\n"
	for i := range tasks {
		all += fmt.Sprintf("---\napiVersion: lifecycle.keptn.sh/v1\nkind: KeptnTaskDefinition\nmetadata: {name: t%d}\nspec: {container: {name: c, image: \"app:1\"}}\n", i)
	}
	for parallel, want := range map[int]int{0: tasks, 1: 1} {
		fake := &enginetest.Fake{Play: func(plan.Container, engine.Labels) enginetest.Attempt {
			return enginetest.Exits(0, 50*time.Millisecond)
		}}
		_, err := local.Run(t.Context(), local.Options{Paths: []string{write(t, all)}, Engine: fake, Lifecycle: resolve.Lifecycle{App: "shop", Stage: "pre"}, Parallel: parallel})
		if err != nil || fake.Peak() != want {
			t.Errorf("Parallel %d: %d of %d tasks at once, error %v", parallel, fake.Peak(), tasks, err)
		}
	}
}

// TestFromEnv: nothing is read from the environment unless it is asked for.
func TestFromEnv(t *testing.T) {
	t.Setenv("PYTHON_RUNNER_IMAGE", "python:of-the-environment")
	t.Setenv("DOCKER_HOST", "tcp://192.0.2.7:2375")
	task := write(t, "apiVersion: lifecycle.keptn.sh/v1\nkind: KeptnTaskDefinition\nmetadata: {name: p}\nspec: {python: {inline: {code: x}}}\n---\n"+
		"apiVersion: lifecycle.keptn.sh/v1\nkind: KeptnTaskDefinition\nmetadata: {name: c}\nspec: {container: {name: c, image: \"app:1\", env: [{name: NODE, valueFrom: {fieldRef: {fieldPath: spec.nodeName}}}]}}\n")
	for name, from := range map[string]local.Options{"": {}, "192.0.2.7": local.FromEnv()} {
		var images, nodes []string
		from.Paths, from.Parallel, from.Runs = []string{task}, 1, owner.Runs{}
		from.Engine = &enginetest.Fake{Play: func(c plan.Container, _ engine.Labels) enginetest.Attempt {
			images, nodes = append(images, c.Image), append(nodes, c.Env[0].Value.String())
			return enginetest.Exits(0, 0)
		}}
		result, err := local.Run(t.Context(), from)
		if err != nil || result.Status != engine.Passed {
			t.Fatalf("result %+v, error %v", result, err)
		}
		if asked := name != ""; slices.Contains(images, "python:of-the-environment") != asked || slices.Contains(nodes, "192.0.2.7") != asked {
			t.Errorf("environment asked for: %v; images %v, nodes %v", asked, images, nodes)
		}
	}
}

func TestUnknownEngine(t *testing.T) {
	_, err := local.Run(t.Context(), local.Options{Paths: []string{write(t, manifest)}, Secrets: map[string]string{"db/password": "x"}, EngineOptions: local.EngineOptions{Name: "moon"}})
	if err == nil || !strings.Contains(err.Error(), `unknown engine "moon"`) {
		t.Errorf("error %v", err)
	}
}

// flushing counts the output lines that it has when it is flushed.
type flushing struct {
	mu             sync.Mutex
	lines, flushed int
}

func (f *flushing) Emit(e engine.Event) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, ok := e.(engine.OutputLine); ok {
		f.lines++
	}
}

func (f *flushing) Flush() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.flushed = max(f.flushed, f.lines)
}

// TestOutputIsFlushed: a line of a task that goes on is shown when nothing else comes.
func TestOutputIsFlushed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		fake := &enginetest.Fake{Play: func(plan.Container, engine.Labels) enginetest.Attempt {
			return enginetest.Exits(0, enginetest.Forever, enginetest.Out("one"))
		}}
		sink := &flushing{}
		go func() {
			time.Sleep(30 * time.Second)
			synctest.Wait()
			sink.mu.Lock()
			defer sink.mu.Unlock()
			if sink.flushed != 1 {
				t.Errorf("%d lines are flushed", sink.flushed)
			}
		}()
		p := plan.Plan{Tasks: []plan.Task{{Name: "a", Timeout: time.Hour}}}
		_, _ = local.Execute(ctx, p, local.Options{Engine: fake, Sink: sink})
	})
}
