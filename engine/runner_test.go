package engine_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/enginetest"
	"github.com/ktask/ktask/engine/plan"
)

const (
	ms     = time.Millisecond
	second = time.Second
)

// task returns a local task as resolve makes it, without retries.
func task(name string) plan.Task {
	return plan.Task{
		Name:       name,
		Definition: name,
		Origin:     plan.Origin{File: name + ".yaml", Line: 1},
		Semantics:  plan.Local,
		Timeout:    5 * time.Minute,
		Retry:      plan.Retry{Backoff: plan.Backoff{Initial: second, Max: 30 * second}},
		Container:  plan.Container{Image: name + ":dev", Grace: 10 * second},
	}
}

// with returns a task with retries and timeout.
func with(t plan.Task, retries int, timeout time.Duration) plan.Task {
	t.Retry.Limit, t.Timeout = retries, timeout
	return t
}

// inCluster returns the task under Cluster semantics.
func inCluster(t plan.Task) plan.Task {
	t.Semantics = plan.Cluster
	t.Retry.Backoff = plan.Backoff{Initial: 10 * second, Max: 5 * time.Minute}
	t.Container.Grace = 30 * second
	return t
}

func limited(t plan.Task, memory int64) plan.Task {
	t.Container.Limits.MemoryBytes = memory
	return t
}

// play runs tasks in fake time and checks the order of the events and that nothing is left.
func play(t *testing.T, ctx context.Context, r engine.Runner, tasks ...plan.Task) (engine.Result, *enginetest.Recorder) {
	t.Helper()
	return playPlan(t, ctx, r, plan.Plan{Tasks: tasks})
}

func playPlan(t *testing.T, ctx context.Context, r engine.Runner, p plan.Plan) (engine.Result, *enginetest.Recorder) {
	t.Helper()
	recorder := &enginetest.Recorder{}
	r.Sink = recorder
	result, err := r.Run(ctx, p)
	if err != nil {
		t.Fatalf("Run: %v", err)
	}
	if err := recorder.Check(); err != nil {
		t.Errorf("%v\n%s", err, strings.Join(recorder.Names(), "\n"))
	}
	if left := r.Engine.(interface{ Left() int }).Left(); left != 0 {
		t.Errorf("%d containers are left on the engine", left)
	}
	if len(result.Tasks) != len(p.Tasks) || len(result.Stages) != len(p.Stages) {
		t.Fatalf("%d tasks have %d results, %d stages %d", len(p.Tasks), len(result.Tasks), len(p.Stages), len(result.Stages))
	}
	return result, recorder
}

type attempts = []enginetest.Attempt

func out(text string) enginetest.Line { return enginetest.Out(text) }

// TestOutcomes plays every way in which a task can end.
func TestOutcomes(t *testing.T) {
	exits := enginetest.Exits
	hangs := enginetest.Attempt{Takes: enginetest.Forever}
	refused := &engine.Error{Reason: engine.EngineRefused, Err: errors.New("create container: no"), Remedy: engine.Remedy{Text: "say yes"}}
	const (
		backoffWords  = "Job has reached the specified backoff limit"
		deadlineWords = "Job was active longer than specified deadline"
		moreTime      = "raise spec.timeout, or change the option timeout"
	)
	for name, tc := range map[string]struct {
		task    plan.Task
		scripts attempts
		pull    enginetest.Pull

		status   engine.Status
		reason   engine.Reason
		message  string
		remedy   string
		exitCode int
		starts   []time.Duration
		takes    time.Duration
		attempts []engine.Status
	}{
		"passed": {
			task: task("t"), scripts: attempts{exits(0, ms, out("hi"))},
			status: engine.Passed, starts: []time.Duration{0}, takes: ms, attempts: []engine.Status{engine.Passed},
		},
		"passed with a termination message": {
			task:    task("t"),
			scripts: attempts{{Exit: engine.Exit{Message: "42 rows"}}},
			status:  engine.Passed, message: "42 rows", starts: []time.Duration{0}, attempts: []engine.Status{engine.Passed},
		},
		"failed without retries": {
			task: task("t"), scripts: attempts{exits(3, ms)},
			status: engine.Failed, reason: engine.BackoffLimitExceeded, message: "exit code 3",
			exitCode: 3, starts: []time.Duration{0}, takes: ms, attempts: []engine.Status{engine.Failed},
		},
		"failed, then passed": {
			task: with(task("t"), 2, time.Minute), scripts: attempts{exits(1, ms), exits(0, ms)},
			status: engine.Passed, starts: []time.Duration{0, second + ms}, takes: second + 2*ms,
			attempts: []engine.Status{engine.Failed, engine.Passed},
		},
		"failed in all attempts": {
			task: with(task("t"), 2, time.Minute), scripts: attempts{exits(1, 0), exits(2, 0), exits(9, 0)},
			status: engine.Failed, reason: engine.BackoffLimitExceeded, message: "exit code 9",
			exitCode: 9, starts: []time.Duration{0, second, 3 * second}, takes: 3 * second,
			attempts: []engine.Status{engine.Failed, engine.Failed, engine.Failed},
		},
		"failed with a termination message": {
			task: task("t"), scripts: attempts{{Exit: engine.Exit{Code: 1, Message: "no such host\n"}}},
			status: engine.Failed, reason: engine.BackoffLimitExceeded, message: "exit code 1: no such host",
			exitCode: 1, starts: []time.Duration{0}, attempts: []engine.Status{engine.Failed},
		},
		"failed by a signal": {
			task: task("t"), scripts: attempts{{Exit: engine.Exit{Code: 139, Signal: "SIGSEGV"}}},
			status: engine.Failed, reason: engine.BackoffLimitExceeded, message: "exit code 139 (SIGSEGV)",
			exitCode: 139, starts: []time.Duration{0}, attempts: []engine.Status{engine.Failed},
		},
		"failed, cannot be executed": {
			task: task("t"), scripts: attempts{{Exit: engine.Exit{
				Code: 127, Reason: engine.CommandNotFound, Message: `"foo" is not in PATH`,
			}}},
			status: engine.Failed, reason: engine.CommandNotFound, message: `exit code 127: "foo" is not in PATH`,
			remedy:   "correct the command, or use an image that has it",
			exitCode: 127, starts: []time.Duration{0}, attempts: []engine.Status{engine.Failed},
		},
		"out of memory": {
			task:    limited(task("t"), 200<<20),
			scripts: attempts{{Exit: engine.Exit{Code: 137, Signal: "SIGKILL", OOMKilled: true}}},
			status:  engine.Failed, reason: engine.OOMKilled,
			message:  "exit code 137 (SIGKILL): out of memory, the limit is 200Mi",
			remedy:   "raise resources.limits.memory, or let the task use less",
			exitCode: 137, starts: []time.Duration{0}, attempts: []engine.Status{engine.Failed},
		},
		"out of memory without a limit": {
			task: task("t"), scripts: attempts{{Exit: engine.Exit{Code: 137, OOMKilled: true}}},
			status: engine.Failed, reason: engine.OOMKilled, message: "exit code 137: out of memory",
			remedy:   "give the engine more memory, or let the task use less",
			exitCode: 137, starts: []time.Duration{0}, attempts: []engine.Status{engine.Failed},
		},
		"passed although a child ran out of memory": {
			task: task("t"), scripts: attempts{{Exit: engine.Exit{OOMKilled: true}}},
			status: engine.Passed, starts: []time.Duration{0}, attempts: []engine.Status{engine.Passed},
		},
		"timed out": {
			task: with(task("t"), 3, 2*second), scripts: attempts{hangs},
			status: engine.TimedOut, reason: engine.DeadlineExceeded, message: "timed out after 2s", remedy: moreTime,
			exitCode: 143, starts: []time.Duration{0}, takes: 2 * second, attempts: []engine.Status{engine.TimedOut},
		},
		"timed out below a second": {
			task: with(task("t"), 0, 50*ms), scripts: attempts{hangs},
			status: engine.TimedOut, reason: engine.DeadlineExceeded, message: "timed out after 50ms", remedy: moreTime,
			exitCode: 143, starts: []time.Duration{0}, takes: 50 * ms, attempts: []engine.Status{engine.TimedOut},
		},
		"timed out and ignores the stop signal": {
			task: with(task("t"), 0, second), scripts: attempts{{Takes: enginetest.Forever, IgnoresStop: true}},
			status: engine.TimedOut, reason: engine.DeadlineExceeded, message: "timed out after 1s; it did not end on the stop signal and was killed after its grace of 10s", remedy: moreTime,
			exitCode: 137, starts: []time.Duration{0}, takes: 11 * second, attempts: []engine.Status{engine.TimedOut},
		},
		"timed out in the second attempt": {
			task: with(task("t"), 3, 2*second), scripts: attempts{exits(1, 0), hangs},
			status: engine.TimedOut, reason: engine.DeadlineExceeded, message: "timed out after 2s", remedy: moreTime,
			exitCode: 143, starts: []time.Duration{0, second}, takes: 2 * second,
			attempts: []engine.Status{engine.Failed, engine.TimedOut},
		},
		"timed out before a wait": {
			task: with(task("t"), 5, 2*second), scripts: attempts{exits(1, 0), exits(4, 0)},
			status: engine.TimedOut, reason: engine.DeadlineExceeded,
			remedy: moreTime, message: "attempt 3 would start in 2s, after the timeout of 2s; the last one ended with exit code 4",
			exitCode: 4, starts: []time.Duration{0, second}, takes: second,
			attempts: []engine.Status{engine.Failed, engine.Failed},
		},
		"the pull is not part of the timeout": {
			task: with(task("t"), 0, second), pull: enginetest.Pull{Takes: time.Hour}, scripts: attempts{exits(0, ms)},
			status: engine.Passed, starts: []time.Duration{time.Hour}, takes: time.Hour + ms,
			attempts: []engine.Status{engine.Passed},
		},
		"a process that starts after the timeout": {
			task: with(task("t"), 1, second), scripts: attempts{{StartTakes: 1100 * ms}},
			status: engine.TimedOut, reason: engine.DeadlineExceeded, remedy: moreTime, message: "timed out after 1s",
			starts: []time.Duration{0}, takes: 1100 * ms, attempts: []engine.Status{engine.TimedOut},
		},
		"no timeout": {
			task: with(task("t"), 0, 0), scripts: attempts{exits(0, time.Hour)},
			status: engine.Passed, starts: []time.Duration{0}, takes: time.Hour, attempts: []engine.Status{engine.Passed},
		},
		"errored": {
			task: with(task("t"), 3, time.Minute), scripts: attempts{{Err: refused}},
			status: engine.Errored, reason: engine.EngineRefused, message: "create container: no", remedy: "say yes",
			exitCode: -1, starts: []time.Duration{0}, attempts: []engine.Status{engine.Errored},
		},
		"errored after a failure": {
			task: with(task("t"), 3, time.Minute), scripts: attempts{exits(1, 0), {Err: errors.New("lost")}},
			status: engine.Errored, reason: engine.EngineRefused, message: "lost",
			exitCode: -1, starts: []time.Duration{0, second}, takes: second,
			attempts: []engine.Status{engine.Failed, engine.Errored},
		},
		"no image": {
			task: task("t"),
			pull: enginetest.Pull{Err: &engine.Error{
				Reason: engine.ImageNotFound, Err: errors.New(`pull image "t:dev": not found`), Remedy: engine.Remedy{Text: "check the name"},
			}},
			status: engine.Errored, reason: engine.ImageNotFound, message: `pull image "t:dev": not found`,
			remedy: "check the name", exitCode: -1,
		},

		"cluster, passed": {
			task: inCluster(task("t")), scripts: attempts{exits(0, second)},
			status: engine.Passed, starts: []time.Duration{0}, takes: second, attempts: []engine.Status{engine.Passed},
		},
		"cluster, failed with retries 0": {
			task: inCluster(task("t")), scripts: attempts{exits(3, 0), exits(3, 0)},
			status: engine.Failed, reason: engine.BackoffLimitExceeded, message: backoffWords,
			exitCode: 3, starts: []time.Duration{0, 0}, attempts: []engine.Status{engine.Failed, engine.Failed},
		},
		"cluster, the last start is killed": {
			task:    inCluster(with(task("t"), 2, time.Minute)),
			scripts: attempts{exits(1, 0), exits(1, 0), exits(0, 2*second)},
			status:  engine.Failed, reason: engine.BackoffLimitExceeded, message: backoffWords,
			exitCode: 143, starts: []time.Duration{0, 0, 10 * second}, takes: 11 * second,
			attempts: []engine.Status{engine.Failed, engine.Failed, engine.Failed},
		},
		"cluster, the last start is quicker than the controller": {
			task: inCluster(with(task("t"), 1, time.Minute)), scripts: attempts{exits(1, 0), exits(0, 900*ms)},
			status: engine.Failed, reason: engine.BackoffLimitExceeded, message: backoffWords, starts: []time.Duration{0, 0}, takes: 900 * ms,
			attempts: []engine.Status{engine.Failed, engine.Passed},
		},
		"cluster, the controller notices the last start when its process runs": {
			task: inCluster(with(task("t"), 1, time.Minute)), scripts: attempts{exits(1, 0), {StartTakes: 5 * second, Takes: 2 * second}},
			status: engine.Failed, reason: engine.BackoffLimitExceeded, message: backoffWords, exitCode: 143,
			starts: []time.Duration{0, 0}, takes: 6 * second, attempts: []engine.Status{engine.Failed, engine.Failed},
		},
		"cluster, all defaults end by the deadline": {
			task: inCluster(with(task("t"), 10, 5*time.Minute)), scripts: slices.Repeat(attempts{exits(1, 0)}, 11),
			status: engine.TimedOut, reason: engine.DeadlineExceeded, remedy: moreTime, message: deadlineWords, exitCode: 1,
			starts: []time.Duration{0, 0, 10 * second, 30 * second, 70 * second, 150 * second}, takes: 150 * second,
			attempts: slices.Repeat([]engine.Status{engine.Failed}, 6),
		},
		"cluster, the pull is part of the timeout": {
			task: inCluster(with(task("t"), 0, 2*second)), pull: enginetest.Pull{Takes: time.Hour},
			status: engine.TimedOut, reason: engine.DeadlineExceeded, remedy: moreTime, message: deadlineWords,
			exitCode: -1, takes: 2 * second,
		},
		"cluster, below a second is over at once": {
			task: inCluster(with(task("t"), 0, 999*ms)), pull: enginetest.Pull{Takes: time.Hour},
			status: engine.TimedOut, reason: engine.DeadlineExceeded, remedy: moreTime, message: deadlineWords, exitCode: -1,
		},
		"cluster, whole seconds": {
			task: inCluster(with(task("t"), 0, 1999*ms)), scripts: attempts{hangs},
			status: engine.TimedOut, reason: engine.DeadlineExceeded, remedy: moreTime, message: deadlineWords,
			exitCode: 143, starts: []time.Duration{0}, takes: second, attempts: []engine.Status{engine.TimedOut},
		},
		"cluster, out of memory is Keptn's word": {
			task:    inCluster(limited(task("t"), 1<<30)),
			scripts: slices.Repeat(attempts{{Exit: engine.Exit{Code: 137, OOMKilled: true}}}, 2),
			status:  engine.Failed, reason: engine.BackoffLimitExceeded, message: backoffWords,
			remedy:   "raise resources.limits.memory, or let the task use less",
			exitCode: 137, starts: []time.Duration{0, 0}, attempts: []engine.Status{engine.Failed, engine.Failed},
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				fake := &enginetest.Fake{
					Tasks:  map[string][]enginetest.Attempt{"t": tc.scripts},
					Images: map[string]enginetest.Pull{"t:dev": tc.pull},
				}
				began := time.Now()
				result, _ := play(t, t.Context(), engine.Runner{Engine: fake}, tc.task)

				got := result.Tasks[0]
				if got.Status != tc.status || got.Reason != tc.reason || result.Status != tc.status {
					t.Errorf("task is %s (%s), run is %s; want %s (%s)", got.Status, got.Reason, result.Status, tc.status, tc.reason)
				}
				if got.Message != tc.message || got.Remedy.String() != tc.remedy {
					t.Errorf("message is %q, remedy is %q; want %q, %q", got.Message, got.Remedy, tc.message, tc.remedy)
				}
				if got.ExitCode != tc.exitCode {
					t.Errorf("exit code is %d, want %d", got.ExitCode, tc.exitCode)
				}
				if took := time.Since(began); took != tc.takes {
					t.Errorf("the run took %v, want %v", took, tc.takes)
				}
				if got := statuses(got.Attempts); !slices.Equal(got, tc.attempts) {
					t.Errorf("attempts are %v, want %v", got, tc.attempts)
				}
				if got := since(began, fake.Starts("t")); !slices.Equal(got, tc.starts) {
					t.Errorf("starts are at %v, want %v", got, tc.starts)
				}
			})
		})
	}
}

func statuses(attempts []engine.AttemptResult) []engine.Status {
	var all []engine.Status
	for _, a := range attempts {
		all = append(all, a.Status)
	}
	return all
}

func since(began time.Time, times []time.Time) []time.Duration {
	var all []time.Duration
	for _, at := range times {
		all = append(all, at.Sub(began))
	}
	return all
}

// TestResultNamesTheImage holds that the result has the digest of the image, also if the last attempt did not start.
func TestResultNamesTheImage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake := &enginetest.Fake{Tasks: map[string]attempts{"t": {
			{Exit: engine.Exit{Code: 1, ImageDigest: "sha256:one"}}, {Err: errors.New("lost")},
		}}}
		result, _ := play(t, t.Context(), engine.Runner{Engine: fake}, with(task("t"), 1, time.Minute))
		if got := result.Tasks[0].ImageDigest; got != "sha256:one" {
			t.Errorf("the image is %q", got)
		}
	})
}
