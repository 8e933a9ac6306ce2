package engine_test

import (
	"cmp"
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/enginetest"
	"github.com/ktask/ktask/engine/plan"
)

// withVolume returns the task with a volume in memory.
func withVolume(t plan.Task) plan.Task {
	t.Container.Tmpfs = []plan.Tmpfs{{Name: "v", Path: "/cache"}}
	return t
}

// methods returns the calls of the fake, except for Describe, which is concurrent with others.
func methods(f *enginetest.Fake) string {
	var names []string
	for _, c := range f.Calls() {
		if c.Method != "Describe" {
			names = append(names, c.Method)
		}
	}
	return strings.Join(names, " ")
}

// TestVolumesAreKept follows a task from the call that keeps its volumes to the one that releases them.
func TestVolumesAreKept(t *testing.T) {
	fail, pass := enginetest.Exits(1, second), enginetest.Exits(0, second)
	forever := enginetest.Attempt{Takes: enginetest.Forever}
	// The last start in a cluster is killed after a second: if it ended in that second, the result would be random.
	refused := &engine.Error{Reason: engine.EngineRefused, Err: errors.New("no room"), Remedy: engine.Remedy{Text: "make room"}}
	const whole = "Prepare KeepVolumes Run Run Release"
	tests := map[string]struct {
		task    plan.Task
		fake    *enginetest.Fake
		scripts []enginetest.Attempt
		stop    time.Duration
		status  engine.Status
		says    string
		calls   string
		remains bool
	}{
		"passes":                           {task: withVolume(with(task("t"), 2, time.Minute)), scripts: []enginetest.Attempt{fail, pass}, status: engine.Passed, calls: whole},
		"fails":                            {task: withVolume(with(task("t"), 1, time.Minute)), scripts: []enginetest.Attempt{fail, fail}, status: engine.Failed, calls: whole},
		"times out":                        {task: withVolume(with(task("t"), 1, 5*second)), scripts: []enginetest.Attempt{fail, forever}, status: engine.TimedOut, calls: whole},
		"interrupted":                      {task: withVolume(with(task("t"), 1, time.Minute)), scripts: []enginetest.Attempt{fail, forever}, stop: 5 * second, status: engine.Canceled, calls: whole},
		"interrupted while it keeps":       {task: withVolume(with(task("t"), 1, time.Minute)), fake: &enginetest.Fake{KeepTakes: 10 * second}, stop: 5 * second, status: engine.Canceled, says: "SIGINT", calls: "Prepare KeepVolumes"},
		"one attempt":                      {task: withVolume(with(task("t"), 0, time.Minute)), scripts: []enginetest.Attempt{fail}, status: engine.Failed, calls: "Prepare Run"},
		"no volume":                        {task: with(task("t"), 1, time.Minute), scripts: []enginetest.Attempt{fail, fail}, status: engine.Failed, calls: "Prepare Run Run"},
		"cluster, a limit of 0":            {task: withVolume(inCluster(with(task("t"), 0, time.Minute))), scripts: []enginetest.Attempt{fail, enginetest.Exits(0, 2*second)}, status: engine.Failed, calls: whole},
		"an engine that cannot":            {task: withVolume(with(task("t"), 1, time.Minute)), fake: &enginetest.Fake{KeepErr: refused}, status: engine.Errored, says: "no room", calls: "Prepare KeepVolumes", remains: true},
		"keeping is no part of a timeout":  {task: withVolume(with(task("t"), 1, 5*second)), fake: &enginetest.Fake{KeepTakes: 10 * second}, scripts: []enginetest.Attempt{pass}, status: engine.Passed, calls: "Prepare KeepVolumes Run Release"},
		"cluster, it is":                   {task: withVolume(inCluster(with(task("t"), 1, 5*second))), fake: &enginetest.Fake{KeepTakes: 10 * second}, status: engine.TimedOut, calls: "Prepare KeepVolumes"},
		"a release that fails":             {task: withVolume(with(task("t"), 1, time.Minute)), fake: &enginetest.Fake{ReleaseErr: refused}, scripts: []enginetest.Attempt{pass}, status: engine.Errored, says: "no room", calls: "Prepare KeepVolumes Run Release", remains: true},
		"a release that fails, a failure":  {task: withVolume(with(task("t"), 1, time.Minute)), fake: &enginetest.Fake{ReleaseErr: refused}, scripts: []enginetest.Attempt{fail, fail}, status: engine.Failed, says: "exit code 1; no room", calls: whole, remains: true},
		"a release that fails, a timeout":  {task: withVolume(with(task("t"), 1, second)), fake: &enginetest.Fake{ReleaseErr: refused}, scripts: []enginetest.Attempt{forever}, status: engine.TimedOut, says: "timed out after 1s; no room", calls: "Prepare KeepVolumes Run Release", remains: true},
		"an attempt that the engine loses": {task: withVolume(with(task("t"), 1, time.Minute)), scripts: []enginetest.Attempt{{Err: refused}}, status: engine.Errored, says: "no room", calls: "Prepare KeepVolumes Run Release", remains: true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancelCause(t.Context())
				defer cancel(nil)
				if test.stop > 0 {
					defer time.AfterFunc(test.stop, func() { cancel(errors.New("SIGINT")) }).Stop()
				}
				fake := cmp.Or(test.fake, &enginetest.Fake{})
				fake.Tasks = map[string][]enginetest.Attempt{"t": test.scripts}
				result, _ := play(t, ctx, engine.Runner{Engine: fake}, test.task)
				got := result.Tasks[0]
				if got.Status != test.status || !strings.Contains(got.Message, test.says) {
					t.Errorf("%s with message %q, want %s with %q", got.Status, got.Message, test.status, test.says)
				}
				if got.MayRemain != test.remains {
					t.Errorf("may remain: %v, want %v", got.MayRemain, test.remains)
				}
				if calls := methods(fake); calls != test.calls {
					t.Errorf("calls %q, want %q", calls, test.calls)
				}
			})
		})
	}
}

// TestAttemptsFindWhatWasLeft holds that each attempt finds the files that those before it have left.
func TestAttemptsFindWhatWasLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		touch := func(name string) enginetest.Attempt {
			return enginetest.Attempt{Lists: true, Leaves: name, Exit: engine.Exit{Code: 1}}
		}
		fake := &enginetest.Fake{Tasks: map[string][]enginetest.Attempt{"t": {touch("a"), touch("b"), touch("c")}}}
		_, heard := play(t, t.Context(), engine.Runner{Engine: fake}, withVolume(with(task("t"), 2, time.Minute)))
		if got := strings.Join(heard.Lines("t", engine.Stdout), " "); got != "a a b" {
			t.Errorf("the attempts find %q, want nothing, then a, then a and b", got)
		}
	})
}
