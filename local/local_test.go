package local_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/enginetest"
	"github.com/ktask/ktask/engine/owner"
	"github.com/ktask/ktask/engine/plan"
	"github.com/ktask/ktask/local"
	"github.com/ktask/ktask/resolve"
	"github.com/ktask/ktask/spec"
)

const manifest = `apiVersion: lifecycle.keptn.sh/v1
kind: KeptnTaskDefinition
metadata: {name: migrate}
spec:
  retries: 3
  container: {name: c, image: "app:1", env: [{name: URL, value: of-the-manifest}, {name: DB, valueFrom: {secretKeyRef: {name: db, key: password}}}]}
`

func write(t *testing.T, content string) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "task.yaml")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestRun: options come before the manifest, and secrets are masked.
func TestRun(t *testing.T) {
	var got plan.Container
	runs := owner.In(filepath.Join(t.TempDir(), "runs"))
	fake := &enginetest.Fake{Play: func(c plan.Container, labels engine.Labels) enginetest.Attempt {
		got = c
		if fate := runs.Fate(labels.Run); fate != owner.Alive {
			t.Errorf("the run is %v", fate)
		}
		return enginetest.Exits(1, 0, enginetest.Out("the password is correct horse"))
	}}
	none := 0
	var heard enginetest.Recorder
	result, err := local.Run(t.Context(), local.Options{
		Paths: []string{write(t, manifest)}, Engine: fake, Sink: &heard, Retries: &none,
		Env: map[string]string{"URL": "of-the-option"}, Secrets: map[string]string{"db/password": "correct horse"}, Images: map[string]string{"app:1": "app:2"},
		Runs: runs,
	})
	if err != nil || result.Status != engine.Failed || len(result.Tasks) != 1 || len(result.Tasks[0].Attempts) != 1 {
		t.Errorf("result %+v, error %v", result, err)
	}
	if lines := heard.Lines("migrate", engine.Stdout); !slices.Equal(lines, []string{"the password is " + plan.Mask}) {
		t.Errorf("output %q", lines)
	}
	url := slices.IndexFunc(got.Env, func(v plan.EnvVar) bool { return v.Name == "URL" })
	if got.Image != "app:2" || url < 0 || got.Env[url].Value.String() != "of-the-option" {
		t.Errorf("the engine gets %+v", got)
	}
}

// TestRunOnACluster: a variable that only a pod has is no error.
func TestRunOnACluster(t *testing.T) {
	pod := "apiVersion: lifecycle.keptn.sh/v1\nkind: KeptnTaskDefinition\nmetadata: {name: a}\n" +
		"spec: {container: {name: c, image: 'b:1', env: [{name: U, valueFrom: {fieldRef: {fieldPath: metadata.uid}}}]}}\n"
	fake := &enginetest.Fake{Play: func(plan.Container, engine.Labels) enginetest.Attempt { return enginetest.Exits(0, 0) }}
	o := local.Options{Paths: []string{write(t, pod)}, Engine: fake, EngineOptions: local.EngineOptions{Name: "kubernetes"}, Runs: owner.In(filepath.Join(t.TempDir(), "runs"))}
	if result, err := local.Run(t.Context(), o); err != nil || result.Status != engine.Passed {
		t.Errorf("result %+v, error %v", result, err)
	}
}

// TestRunSaysWhatIsWrong with typed errors, and runs nothing.
func TestRunSaysWhatIsWrong(t *testing.T) {
	fake := &enginetest.Fake{}
	_, err := local.Run(t.Context(), local.Options{Paths: []string{write(t, strings.Replace(manifest, "retries: 3", "retires: 3", 1))}, Engine: fake, Secrets: map[string]string{"db/password": "x"}})
	invalid, ok := errors.AsType[*spec.InvalidError](err)
	if !ok || len(invalid.Problems.Errors()) != 1 || invalid.Problems.Errors()[0].Pos.Line != 5 {
		t.Errorf("a misspelled field: %v", err)
	}
	_, err = local.Run(t.Context(), local.Options{Paths: []string{write(t, manifest)}, Engine: fake})
	if _, ok := errors.AsType[*spec.InvalidError](err); !ok || !strings.Contains(err.Error(), "db") {
		t.Errorf("a missing secret: %v", err)
	}
	if _, err := local.Run(t.Context(), local.Options{Paths: []string{"missing.yaml"}, Engine: fake}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a missing file: %v", err)
	}
	if calls := fake.Calls(); len(calls) > 0 {
		t.Errorf("the engine is called: %+v", calls)
	}
}

// TestRunIsCanceled with its cause.
func TestRunIsCanceled(t *testing.T) {
	cause := errors.New("the test is over")
	ctx, cancel := context.WithCancelCause(t.Context())
	fake := &enginetest.Fake{Play: func(plan.Container, engine.Labels) enginetest.Attempt {
		cancel(cause)
		return enginetest.Exits(0, enginetest.Forever)
	}}
	result, err := local.Run(ctx, local.Options{Paths: []string{write(t, manifest)}, Engine: fake, Secrets: map[string]string{"db/password": "x"}})
	if canceled, ok := errors.AsType[*local.CanceledError](err); !ok || !errors.Is(canceled, cause) || result.Tasks[0].Status != engine.Canceled {
		t.Errorf("result %+v, error %v", result, err)
	}
}

// A plan can be looked at before it is carried out. FromEnv takes the engine and the images from the environment.
func ExampleExecute() {
	o := local.FromEnv()
	o.Engine = &enginetest.Fake{Play: func(plan.Container, engine.Labels) enginetest.Attempt { // leave it out to run it on Docker
		return enginetest.Exits(3, 0)
	}}
	files, err := local.ReadFiles([]string{"../examples/go-program/task.yaml"}, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	loaded, err := local.Load(files, local.Files{}, resolve.Options{
		Namespace: local.DefaultNamespace, KeptnNamespace: local.DefaultKeptnNamespace,
		Secrets: []resolve.SecretValue{resolve.NewSecretValue("", "token", local.DefaultSecretKey, "abc", plan.Origin{})},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(len(loaded.Plan.Tasks), "task, image", loaded.Plan.Tasks[0].Container.Image)
	result, err := local.Execute(context.Background(), loaded.Plan, o)
	for _, w := range result.Warnings {
		fmt.Println(w.Code, w.Names)
	}
	fmt.Println(result.Status, result.Tasks[0].ExitCode, err)
	// Output:
	// 1 task, image ktask.local/busybox:dev
	// secret-too-short [token/SECURE_DATA]
	// failed 3 <nil>
}

// The output of a task arrives as events; what became of it is in the result.
func ExampleRun() {
	result, err := local.Run(context.Background(), local.Options{
		Paths:   []string{"../examples/go-program/task.yaml"},
		Secrets: map[string]string{"token": "correct horse"},
		Engine: &enginetest.Fake{Play: func(plan.Container, engine.Labels) enginetest.Attempt { // leave it out to run it on Docker
			return enginetest.Exits(0, 0, enginetest.Out("Bye from Go, correct horse"))
		}},
		Sink: engine.SinkFunc(func(e engine.Event) {
			if line, ok := e.(engine.OutputLine); ok {
				fmt.Println(line.Line)
			}
		}),
	})
	if invalid, ok := errors.AsType[*spec.InvalidError](err); ok {
		fmt.Println(len(invalid.Problems), "problems")
	}
	fmt.Println(result.Tasks[0].Name, result.Status)
	// Output:
	// Bye from Go, •••
	// greet passed
}
