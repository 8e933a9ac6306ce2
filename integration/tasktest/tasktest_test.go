package tasktest_test

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/plan"
	"github.com/ktask/ktask/integration/engines"
	"github.com/ktask/ktask/integration/tasktest"
	"github.com/ktask/ktask/local"
)

const password = "correct horse battery"

func TestPass(t *testing.T) {
	t.Parallel()
	var r tasktest.Result
	f := try(t, t.Context(), func(t testing.TB) { r = tasktest.Run(t, "testdata/exit.yaml", tasktest.Secret("token", password)) })
	if f.failure != "" || r.Status != tasktest.Passed || len(r.Tasks) != 1 || r.Tasks[0].ExitCode != 0 || len(r.Tasks[0].Attempts) != 1 {
		t.Errorf("failure %q, result %+v", f.failure, r)
	}
	t.Logf("engine %s %s", r.Engine.Name, r.Engine.Version)
	const want = "the token is •••"
	if r.Output() != want+"\n" || r.Output("exit") != want+"\n" || r.Output("other") != "" || !f.logged("exit | "+want) {
		t.Errorf("output %q, log %q", r.Output(), f.log)
	}
}

// TestLongLine prints a line that is longer than those of events.
func TestLongLine(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", engine.MaxLine)
	if r := tasktest.Run(t, "testdata/exit.yaml", tasktest.Env("TOKEN", long)); r.Output() != "the token is "+long+"\n" {
		t.Errorf("output %q", r.Output())
	}
}

// TestFail ends a test with the cause, the place and the last lines of a task that fails, without its secret.
func TestFail(t *testing.T) {
	t.Parallel()
	f := try(t, t.Context(), func(t testing.TB) {
		tasktest.Run(t, "testdata/exit.yaml", tasktest.Env("CODE", "3"), tasktest.Secret("token", password), tasktest.Task("exit"))
	})
	for _, want := range []string{"testdata/exit.yaml: failed, expected passed\n", "exit code 3", "at testdata/exit.yaml:1", "  | the token is •••"} {
		if !strings.Contains(f.failure, want) {
			t.Errorf("no %q in:\n%s", want, f.failure)
		}
	}
	if strings.Contains(f.failure+strings.Join(f.log, ""), password) {
		t.Errorf("the secret is shown: %s\n%s", f.failure, f.log)
	}
	if !f.logged("ktask: exit: attempt 1 failed: ") || f.logged("attempt 2 failed: ") {
		t.Errorf("the log has not the failure of the first attempt alone: %q", f.log)
	}
}

func TestExpectFailure(t *testing.T) {
	t.Parallel()
	none := 0
	r := tasktest.Run(t, "testdata/exit.yaml", tasktest.Env("CODE", "3"), tasktest.Expect(tasktest.Failed),
		tasktest.Configure(func(o *local.Options) { o.Retries = &none }))
	if r.Status != tasktest.Failed || r.Tasks[0].ExitCode != 3 || len(r.Tasks[0].Attempts) != 1 {
		t.Errorf("result %+v", r)
	}
	r = tasktest.Run(t, "testdata/wait.yaml", tasktest.Timeout(time.Second), tasktest.Expect(tasktest.TimedOut))
	if len(r.Tasks[0].Attempts) == 0 {
		t.Errorf("result %+v", r)
	}
	for _, status := range []engine.Status{tasktest.Failed, tasktest.Canceled} {
		f := try(t, t.Context(), func(t testing.TB) { tasktest.Run(t, "testdata/exit.yaml", tasktest.Expect(status)) })
		if want := fmt.Sprintf("testdata/exit.yaml: passed, expected %s", status); f.failure != want {
			t.Errorf("failure %q, want %q", f.failure, want)
		}
	}
}

// TestInvalid ends a test with the problems of its manifests and options.
func TestInvalid(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{
		"testdata/missing.yaml":   "no such file or directory",
		"testdata/migrate.yaml":   `testdata/migrate.yaml:12:15: error: task "migrate" needs key "SECURE_DATA" of Secret "db"`,
		"./testdata/missing.yaml": "testdata/missing.yaml: no such file or directory",
		"./testdata/migrate.yaml": `testdata/migrate.yaml:12:15: error: task "migrate" needs`,
		"testdata/":               `(pass it with tasktest.Secret("db", VALUE))`,
	} {
		f := try(t, t.Context(), func(t testing.TB) { tasktest.Run(t, path, tasktest.Expect(tasktest.Failed)) })
		if !strings.Contains(f.failure, want) || strings.Contains(f.failure, "testdata/: ") || strings.Contains(f.failure, "yaml: testdata") || strings.Contains(f.failure, "yaml: ./") {
			t.Errorf("failure %q, want %q", f.failure, want)
		}
	}
	f := try(t, t.Context(), func(t testing.TB) { tasktest.Run(t, "testdata/exit.yaml", tasktest.Network("host")) })
	const want = `testdata/exit.yaml: error: tasktest.Network("host"): the tasks could reach what listens on the engine's machine for itself alone, and take its ports ` +
		`(allow it with tasktest.Configure(func(o *local.Options) { o.Allow = append(o.Allow, "host-network") })) [`
	if !strings.HasPrefix(f.failure, want) {
		t.Errorf("failure %q, want %q", f.failure, want)
	}
}

// TestRemedy names what a test can change.
func TestRemedy(t *testing.T) {
	t.Parallel()
	nowhere := tasktest.Network("no-such-network")
	for want, options := range map[string][]tasktest.Option{
		"fix: give tasktest.Network a network":                                        {nowhere},
		"testdata/exit.yaml: HostPortAccess: find the gateway of the network: ":       {nowhere, tasktest.HostPortAccess(80)},
		"testdata/exit.yaml: HostPortAccess: listen tcp: address 70000: invalid port": {tasktest.HostPortAccess(70000)},
		"fix: docker pull ktask.local/none:1, or build it, or set Pull with tasktest.Configure": {tasktest.Configure(func(o *local.Options) {
			o.Images, o.Pull = map[string]string{"ktask.local/busybox:dev": "ktask.local/none:1"}, plan.PullNever
		})},
	} {
		f := try(t, t.Context(), func(t testing.TB) { tasktest.Run(t, "testdata/exit.yaml", options...) })
		if !strings.Contains(f.failure, want) || strings.Contains(f.failure, "--") {
			t.Errorf("failure %q, want %q", f.failure, want)
		}
	}
}

// TestKeep keeps a container, which must not have the labels by which Ryuk would remove it.
func TestKeep(t *testing.T) {
	t.Parallel()
	f := try(t, t.Context(), func(f testing.TB) {
		r := tasktest.Run(f, "testdata/exit.yaml", tasktest.Configure(func(o *local.Options) { o.EngineOptions.Keep = "always" }))
		t.Cleanup(func() { remove(t, r.Kept) })
		if len(r.Kept) == 0 {
			t.Error("nothing is kept")
		}
		for _, kept := range r.Kept {
			labels, err := exec.Command("docker", "inspect", kept.Name).Output()
			if strings.Contains(string(labels), "org.testcontainers") || err != nil {
				t.Errorf("%s: %s, error %v", kept.Name, labels, err)
			}
		}
	})
	if !f.logged("ktask: kept container ktask-") {
		t.Errorf("the log lacks what is kept: %q", f.log)
	}
}

// TestContextEnds stops a task with the context of its test, and leaves nothing.
func TestContextEnds(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancelCause(t.Context())
	run := engine.NewRunID()
	f := try(t, ctx, func(t testing.TB) {
		tasktest.Run(t, "testdata/wait.yaml", onReady(run, func() { cancel(errors.New("enough")) }))
	})
	if !strings.Contains(f.failure, "run canceled: enough") || !strings.Contains(f.failure, "  | ready") {
		t.Errorf("failure %q", f.failure)
	}
	if n := left(t, run); n > 0 {
		t.Errorf("%d containers and volumes are left", n)
	}
}

// TestTestEndsFirst ends a test while a run of another goroutine goes on: the run is stopped before the test is over, and logs
// nothing later, which would be a panic.
func TestTestEndsFirst(t *testing.T) {
	t.Parallel()
	run := engine.NewRunID()
	t.Run("test", func(t *testing.T) {
		ready := make(chan struct{})
		go tasktest.Run(t, "testdata/wait.yaml", onReady(run, func() { close(ready) }), tasktest.Expect(tasktest.Canceled))
		engines.Receive(t, ready, "the task is ready")
	})
	if n := left(t, run); n > 0 {
		t.Errorf("%d containers and volumes are left", n)
	}
}

// TestDeadline stops a task before the time of its test is over, as `go test -timeout` sets it.
func TestDeadline(t *testing.T) {
	t.Parallel()
	f := try(t, t.Context(), func(f testing.TB) {
		tasktest.Run(limitedTest{f.(*fakeTest), time.Now().Add(10 * time.Second)}, "testdata/wait.yaml")
	})
	if !strings.Contains(f.failure, "run canceled: the deadline of `go test -timeout` is near") {
		t.Errorf("failure %q", f.failure)
	}
}

type limitedTest struct {
	*fakeTest
	deadline time.Time
}

func (l limitedTest) Deadline() (time.Time, bool) { return l.deadline, true }

// onReady sets the id of the run, and calls a function when the task prints.
func onReady(run string, do func()) tasktest.Option {
	return tasktest.Configure(func(o *local.Options) {
		o.RunID = run
		o.Sink = engine.SinkFunc(func(e engine.Event) {
			if _, ok := e.(engine.OutputLine); ok {
				do()
			}
		})
	})
}

func BenchmarkRun(b *testing.B) {
	for b.Loop() {
		tasktest.Run(b, "testdata/exit.yaml")
	}
}

// TestWarnings logs what `ktask run` warns of, in sentences.
func TestWarnings(t *testing.T) {
	t.Parallel()
	f := try(t, t.Context(), func(t testing.TB) {
		tasktest.Run(t, "testdata/exit.yaml", tasktest.Param("nosuch", "x"), tasktest.Secret("unused", password), tasktest.Secret("token", "x"))
	})
	for _, want := range []string{
		"ktask: warning: tasktest.Param: parameter \"nosuch\" is not used: ", "(tasktest.Env(NAME, VALUE) sets a variable of a container)", "ktask: warning: tasktest.Secret: no task that runs uses secret unused/SECURE_DATA",
		"ktask: warning: secret token/SECURE_DATA is too short to hide: it will appear in the output",
	} {
		if !f.logged(want) {
			t.Errorf("the log lacks %q: %q", want, f.log)
		}
	}
}
