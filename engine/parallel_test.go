package engine_test

import (
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

var hangs = enginetest.Attempt{Takes: enginetest.Forever, StopTakes: second}

// scripted is an engine whose tasks t1, t2 … make one attempt each.
func scripted(scripts ...enginetest.Attempt) (*enginetest.Fake, []plan.Task) {
	fake := &enginetest.Fake{Tasks: map[string][]enginetest.Attempt{}}
	var tasks []plan.Task
	for i, s := range scripts {
		name := fmt.Sprintf("t%d", i+1)
		fake.Tasks[name] = attempts{s}
		tasks = append(tasks, task(name))
	}
	return fake, tasks
}

func outcomes(r engine.Result) string {
	var all []string
	for _, t := range r.Tasks {
		all = append(all, strings.TrimSuffix(fmt.Sprintf("%s/%s", t.Status, t.Reason), "/"))
	}
	return strings.Join(all, " ")
}

func TestParallelBounds(t *testing.T) {
	for parallel, want := range map[int]struct {
		peak  int
		takes time.Duration
	}{
		-1: {1, 6 * second},
		0:  {1, 6 * second},
		1:  {1, 6 * second},
		2:  {2, 3 * second},
		4:  {4, 2 * second},
		9:  {6, second},
	} {
		synctest.Test(t, func(t *testing.T) {
			fake, tasks := scripted(slices.Repeat(attempts{enginetest.Exits(0, second)}, 6)...)
			began := time.Now()
			_, recorder := play(t, t.Context(), engine.Runner{Engine: fake, Parallel: parallel}, tasks...)
			if fake.Peak() != want.peak || time.Since(began) != want.takes {
				t.Errorf("parallel %d: %d at once, in %v; want %+v", parallel, fake.Peak(), time.Since(began), want)
			}
			var started []string
			for _, name := range recorder.Names() {
				if task, ok := strings.CutPrefix(name, "TaskStarted "); ok {
					started = append(started, task)
				}
			}
			if !slices.IsSorted(started) {
				t.Errorf("parallel %d: tasks started in the order %v", parallel, started)
			}
		})
	}
}

func TestSequentialEventsAreInOneOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake := &enginetest.Fake{
			Tasks: map[string][]enginetest.Attempt{
				"a": {enginetest.Exits(1, ms, out("one")), enginetest.Exits(0, ms, out("two"))},
				"b": {enginetest.Exits(0, 0)},
			},
			Images: map[string]enginetest.Pull{"a:dev": {Progress: []engine.ImageProgress{{Image: "a:dev", Status: "pulled"}}}},
		}
		_, recorder := play(t, t.Context(), engine.Runner{Engine: fake}, with(task("a"), 1, time.Minute), task("b"))
		want := []string{
			"TaskStarted a", "ImageProgress a",
			"AttemptStarted a 1", "OutputLine a 1", "AttemptFinished a 1",
			"AttemptStarted a 2", "OutputLine a 2", "AttemptFinished a 2", "TaskFinished a",
			"TaskStarted b", "AttemptStarted b 1", "AttemptFinished b 1", "TaskFinished b",
			"RunFinished",
		}
		if got := recorder.Names(); !slices.Equal(got, want) {
			t.Errorf("events are\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
		for _, e := range recorder.Events() {
			switch e := e.(type) {
			case engine.AttemptStarted:
				if most := map[string]int{"a": 2, "b": 1}[e.Task]; e.Of != most {
					t.Errorf("task %s may make %d attempts, AttemptStarted says %d", e.Task, most, e.Of)
				}
			case engine.AttemptFinished:
				if retries := e.Task == "a" && e.Attempt == 1; e.Retry != retries || retries && e.RetryIn != second {
					t.Errorf("attempt %d of %s says retry %v in %v", e.Attempt, e.Task, e.Retry, e.RetryIn)
				}
			}
		}
	})
}

func TestFailFast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake, tasks := scripted(hangs, enginetest.Exits(2, second), hangs, hangs)
		r := engine.Runner{Engine: fake, Parallel: 3, FailFast: true}
		result, recorder := play(t, t.Context(), r, tasks...)
		want := "canceled/SiblingFailed failed/BackoffLimitExceeded canceled/SiblingFailed canceled/SiblingFailed"
		if got := outcomes(result); got != want {
			t.Errorf("outcomes are %s, want %s", got, want)
		}
		if result.Status != engine.Failed {
			t.Errorf("the run is %s: a sibling that was stopped must not make it look interrupted", result.Status)
		}
		if got := result.Tasks[3]; !got.Started.IsZero() || got.ExitCode != -1 || got.Message != `stopped because task "t2" did not pass` {
			t.Errorf("the task that never started is %+v", got)
		}
		if slices.Contains(recorder.Names(), "TaskStarted t4") {
			t.Error("a task was started after the failure")
		}
	})
}

func TestWithoutFailFastSiblingsFinish(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake, tasks := scripted(enginetest.Exits(2, 0), enginetest.Exits(0, second), enginetest.Exits(0, second))
		result, _ := play(t, t.Context(), engine.Runner{Engine: fake, Parallel: 2}, tasks...)
		if got := outcomes(result); got != "failed/BackoffLimitExceeded passed passed" {
			t.Errorf("outcomes are %s", got)
		}
	})
}

// TestRunStatusIsTheWorst holds that the status of a run follows the order of the exit codes.
func TestRunStatusIsTheWorst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake, tasks := scripted(
			enginetest.Exits(0, 0), enginetest.Exits(1, 0), enginetest.Attempt{Takes: time.Hour}, enginetest.Attempt{Err: errors.New("x")})
		for n, want := range []engine.Status{engine.Passed, engine.Passed, engine.Failed, engine.TimedOut, engine.Errored} {
			result, _ := play(t, t.Context(), engine.Runner{Engine: fake}, tasks[:n]...)
			if result.Status != want {
				t.Errorf("a run that ends with %s is %s", want, result.Status)
			}
		}
	})
}

func TestDescribe(t *testing.T) {
	docker := engine.Info{Name: "docker", Version: "20.10", Host: "unix:///x"}
	for name, tc := range map[string]struct {
		fake *enginetest.Fake
		want engine.Info
	}{
		"answers":        {&enginetest.Fake{Info: docker}, docker},
		"answers late":   {&enginetest.Fake{Info: docker, DescribeTakes: 2 * second}, docker},
		"fails":          {&enginetest.Fake{Info: docker, InfoErr: errors.New("no")}, engine.Info{}},
		"does not reply": {&enginetest.Fake{Info: docker, DescribeTakes: time.Hour}, engine.Info{}},
	} {
		synctest.Test(t, func(t *testing.T) {
			tc.fake.Tasks = map[string][]enginetest.Attempt{"t": {enginetest.Exits(0, ms)}}
			began := time.Now()
			result, _ := play(t, t.Context(), engine.Runner{Engine: tc.fake}, task("t"))
			if result.Engine != tc.want || result.Status != engine.Passed {
				t.Errorf("%s: engine is %+v, run is %s", name, result.Engine, result.Status)
			}
			if at := tc.fake.Starts("t")[0]; at != began {
				t.Errorf("%s: the task waited %v for the description", name, at.Sub(began))
			}
			if took := time.Since(began); took > 5*second {
				t.Errorf("%s: the run took %v", name, took)
			}
		})
	}
}

func TestLabels(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake, tasks := scripted(enginetest.Exits(0, 0))
		r := engine.Runner{Engine: fake, RunID: "run", Owner: "me", Version: "v1"}
		result, _ := play(t, t.Context(), r, tasks...)
		want := engine.Labels{Run: "run", Task: "t1", Attempt: 1, Owner: "me", Version: "v1", Lifetime: 10*time.Minute + 10*time.Second}
		for _, c := range fake.Calls() {
			if c.Method == "Run" && c.Labels != want {
				t.Errorf("labels are %+v, want %+v", c.Labels, want)
			}
		}
		if result.RunID != "run" {
			t.Errorf("run id is %q", result.RunID)
		}
	})
}

func TestInvalid(t *testing.T) {
	if _, err := (engine.Runner{}).Run(t.Context(), plan.Plan{}); err == nil {
		t.Error("a Runner without an engine runs")
	}
	r := engine.Runner{Engine: &enginetest.Fake{}}
	if _, err := r.Run(t.Context(), plan.Plan{Tasks: []plan.Task{task("a"), task("a")}}); err == nil {
		t.Error("a plan with two tasks of one name runs")
	}
}

// TestLifetime holds that the lifetime of an attempt is the rest of the task's timeout, its grace and settleTime.
func TestLifetime(t *testing.T) {
	const after = 10*second + 5*time.Minute // the grace and what follows it
	for name, test := range map[string]struct {
		change func(*plan.Task)
		want   []time.Duration
	}{
		"each attempt has what is left": {func(*plan.Task) {}, []time.Duration{time.Minute + after, time.Minute - 5*second + after}},
		"no timeout has no bound":       {func(t *plan.Task) { t.Timeout = 0 }, []time.Duration{0, 0}},
		"in a cluster too, at once":     {func(t *plan.Task) { t.Semantics = plan.Cluster }, []time.Duration{time.Minute + after, time.Minute - 4*second + after}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				fails := enginetest.Exits(1, 4*second)
				fake := &enginetest.Fake{Tasks: map[string][]enginetest.Attempt{"t": {fails, fails, fails, fails, fails}}}
				task := task("t")
				task.Timeout, task.Retry = time.Minute, plan.Retry{Limit: 1, Backoff: plan.Backoff{Initial: second, Max: second}}
				test.change(&task)
				play(t, t.Context(), engine.Runner{Engine: fake, RunID: "run"}, task)
				var got []time.Duration
				for _, c := range fake.Calls() {
					if c.Method == "Run" {
						got = append(got, c.Labels.Lifetime)
					}
				}
				if len(got) < len(test.want) || !slices.Equal(got[:len(test.want)], test.want) {
					t.Errorf("lifetimes %v, want %v", got, test.want)
				}
			})
		})
	}
}
