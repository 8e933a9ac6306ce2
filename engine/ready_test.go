package engine_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/enginetest"
	"github.com/ktask/ktask/engine/plan"
)

// timed returns the calls that start or release something, with their task, attempt and time since the beginning. Those of
// the same time are sorted.
func timed(f *enginetest.Fake, begin time.Time) string {
	var all []string
	calls := f.Calls()
	slices.SortStableFunc(calls, func(a, b enginetest.Call) int {
		return cmp.Or(a.At.Compare(b.At), strings.Compare(a.Method+a.Task, b.Method+b.Task))
	})
	for _, c := range calls {
		switch c.Method {
		case "Ready", "Run", "Unready":
			all = append(all, fmt.Sprintf("%s %s%d %v", c.Method, c.Task, c.Attempt, c.At.Sub(begin)))
		}
	}
	return strings.Join(all, ", ")
}

// TestAttemptsAreReady follows the preparation of attempts.
func TestAttemptsAreReady(t *testing.T) {
	fail, pass := enginetest.Exits(1, second), enginetest.Exits(0, second)
	long := enginetest.Exits(0, 10*second)
	retried := func(wait time.Duration) plan.Task {
		r := with(task("a"), 1, time.Minute)
		r.Retry.Backoff = plan.Backoff{Initial: wait, Max: wait}
		return r
	}
	lost := &engine.Error{Reason: engine.EngineLost, Err: errors.New("gone"), Remedy: engine.Remedy{Text: "look"}}
	for name, test := range map[string]struct {
		fake     enginetest.ReadyFake
		tasks    []plan.Task
		parallel int
		stop     time.Duration
		scripts  map[string][]enginetest.Attempt
		want     string
		remains  bool
	}{
		"before the end of a wait": {
			tasks: []plan.Task{retried(8 * second)}, scripts: map[string][]enginetest.Attempt{"a": {fail, pass}},
			want: "Run a1 0s, Ready a2 4s, Run a2 9s, Unready a2 10s",
		},
		"in a short wait": {
			tasks: []plan.Task{retried(2 * second)}, scripts: map[string][]enginetest.Attempt{"a": {fail, pass}},
			want: "Run a1 0s, Ready a2 1s, Run a2 3s, Unready a2 4s",
		},
		"not in a shorter one": {
			tasks: []plan.Task{retried(400 * time.Millisecond)}, scripts: map[string][]enginetest.Attempt{"a": {fail, pass}},
			want: "Run a1 0s, Run a2 1.4s",
		},
		"it takes longer than the wait": {
			fake:  enginetest.ReadyFake{ReadyTakes: 3 * second},
			tasks: []plan.Task{retried(2 * second)}, scripts: map[string][]enginetest.Attempt{"a": {fail, pass}},
			want: "Run a1 0s, Ready a2 1s, Run a2 4s, Unready a2 5s",
		},
		"the machine is busy": {
			fake:  enginetest.ReadyFake{Busy: 3 * second},
			tasks: []plan.Task{retried(2 * second)}, scripts: map[string][]enginetest.Attempt{"a": {fail, pass}},
			want: "Run a1 0s, Run a2 3s",
		},
		"the run is stopped in the wait": {
			tasks: []plan.Task{retried(2 * second)}, stop: 2 * second, scripts: map[string][]enginetest.Attempt{"a": {fail, pass}},
			want: "Run a1 0s, Ready a2 1s, Unready a2 2s",
		},
		"it fails": {
			fake:  enginetest.ReadyFake{ReadyErr: lost},
			tasks: []plan.Task{retried(2 * second)}, scripts: map[string][]enginetest.Attempt{"a": {fail, pass}},
			want: "Run a1 0s, Ready a2 1s, Run a2 3s", remains: true,
		},
		"the release fails": {
			fake:  enginetest.ReadyFake{UnreadyErr: lost},
			tasks: []plan.Task{retried(2 * second)}, scripts: map[string][]enginetest.Attempt{"a": {fail, pass}},
			want: "Run a1 0s, Ready a2 1s, Run a2 3s, Unready a2 4s", remains: true,
		},
		"the next tasks": {
			tasks: []plan.Task{task("a"), task("b"), task("c"), task("d")}, parallel: 1,
			scripts: map[string][]enginetest.Attempt{"a": {pass}, "b": {long}, "c": {pass}, "d": {pass}},
			want: "Ready b1 0s, Ready c1 0s, Run a1 0s, Ready d1 1s, Run b1 1s, Run c1 11s, Unready b1 11s, " +
				"Run d1 12s, Unready c1 12s, Unready d1 13s",
		},
		"no next tasks": {
			tasks: []plan.Task{task("a"), task("b")}, parallel: 2, scripts: map[string][]enginetest.Attempt{"a": {pass}, "b": {long}},
			want: "Run a1 0s, Run b1 0s",
		},
		"the run is stopped before the next task": {
			tasks: []plan.Task{task("a"), task("b")}, parallel: 1, stop: 5 * second,
			scripts: map[string][]enginetest.Attempt{"a": {long}, "b": {pass}},
			want:    "Ready b1 0s, Run a1 0s, Unready b1 5s",
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancelCause(t.Context())
				defer cancel(nil)
				if test.stop > 0 {
					defer time.AfterFunc(test.stop, func() { cancel(errors.New("SIGINT")) }).Stop()
				}
				fake := test.fake
				fake.Fake = &enginetest.Fake{Tasks: test.scripts}
				begin := time.Now()
				result, _ := play(t, ctx, engine.Runner{Engine: fake, Parallel: test.parallel}, test.tasks...)
				if got := timed(fake.Fake, begin); got != test.want {
					t.Errorf("got  %s\nwant %s", got, test.want)
				}
				if left := fake.Left(); left != 0 {
					t.Errorf("%d left", left)
				}
				if got := result.Tasks[0].MayRemain; got != test.remains {
					t.Errorf("may remain: %v", got)
				}
			})
		})
	}
}
