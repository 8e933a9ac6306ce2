package engine_test

import (
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

func workload(id, name, workload string, needs ...string) plan.Stage {
	return plan.Stage{ID: id, Name: name, App: "shop", Workload: workload, Needs: needs}
}

// deployment returns a plan for an app with the workloads a and b, with stages in the order of package resolve. A task
// belongs to the stage whose ID its name begins with.
func deployment(tasks ...string) plan.Plan {
	p := plan.Plan{Stages: []plan.Stage{
		workload("start", plan.AppPre, ""),
		workload("a-pre", plan.WorkloadPre, "shop-a", "start"),
		workload("b-pre", plan.WorkloadPre, "shop-b", "start"),
		workload("a-post", plan.WorkloadPost, "shop-a", "a-pre"),
		workload("b-post", plan.WorkloadPost, "shop-b", "b-pre"),
		workload("end", plan.AppPost, "", "a-post", "b-post"),
	}}
	for _, s := range p.Stages {
		for _, name := range tasks {
			if strings.HasPrefix(name, s.ID) {
				t := task(name)
				t.Stage = s.ID
				p.Tasks = append(p.Tasks, t)
			}
		}
	}
	return p
}

// summary returns the status of a run, the stages that did not pass, and each task with the time of its start and its
// status if that is not passed.
func summary(began time.Time, r engine.Result, fake *enginetest.Fake) string {
	text := string(r.Status) + ":"
	for _, s := range r.Stages {
		if s.Status != engine.Passed || s.Warning {
			text += fmt.Sprintf(" %s=%s", s.ID, s.Status)
		}
		if s.Warning {
			text += "(warning)"
		}
	}
	text += " |"
	for _, t := range r.Tasks {
		text += " " + t.Name
		for _, at := range since(began, fake.Starts(t.Name)) {
			text += "@" + at.String()
		}
		if t.Status != engine.Passed {
			text += fmt.Sprintf("=%s/%s", t.Status, t.Reason)
		}
	}
	return text
}

// TestStages plays every way through a deployment. Tasks take a second and pass unless a case says otherwise.
func TestStages(t *testing.T) {
	exits := enginetest.Exits
	refused := enginetest.Attempt{Err: &engine.Error{Reason: engine.EngineLost, Err: errors.New("no")}}
	all := []string{"start", "a-pre", "b-pre", "a-post", "b-post", "end"}
	for name, tc := range map[string]struct {
		tasks       []string
		scripts     map[string]enginetest.Attempt
		runner      engine.Runner
		nonBlocking bool
		interrupt   time.Duration
		want        string
	}{
		"in order, workloads side by side": {
			tasks: all, scripts: map[string]enginetest.Attempt{"a-pre": exits(0, 5*second)},
			want: "passed: | start@0s a-pre@1s b-pre@1s a-post@6s b-post@2s end@7s",
		},
		"one task at a time, the first in the plan that may start": {
			tasks: all, runner: engine.Runner{Parallel: 1},
			want: "passed: | start@0s a-pre@1s b-pre@2s a-post@3s b-post@4s end@5s",
		},
		"tasks of a stage start together": {
			tasks: []string{"a-pre1", "a-pre2", "a-pre3", "a-post"},
			want:  "passed: | a-pre1@0s a-pre2@0s a-pre3@0s a-post@1s",
		},
		"empty stages pass at once": {
			tasks: []string{"end"},
			want:  "passed: | end@0s",
		},
		"no tasks": {want: "passed: |"},
		"siblings of a failed task finish, later stages never start": {
			tasks:   []string{"start1", "start2", "start3", "a-pre", "b-pre", "end"},
			scripts: map[string]enginetest.Attempt{"start2": exits(3, second), "start3": exits(0, 9*second)},
			want: "failed: start=failed a-pre=canceled b-pre=canceled a-post=canceled b-post=canceled end=canceled |" +
				" start1@0s start2@0s=failed/BackoffLimitExceeded start3@0s" +
				" a-pre=canceled/StageFailed b-pre=canceled/StageFailed end=canceled/StageFailed",
		},
		"a task of the failed stage that waits for room still runs": {
			tasks: []string{"start1", "start2", "end"}, runner: engine.Runner{Parallel: 1},
			scripts: map[string]enginetest.Attempt{"start1": exits(3, second)},
			want: "failed: start=failed a-pre=canceled b-pre=canceled a-post=canceled b-post=canceled end=canceled |" +
				" start1@0s=failed/BackoffLimitExceeded start2@1s end=canceled/StageFailed",
		},
		"a failed workload fails the app, not the other workload": {
			tasks: all, scripts: map[string]enginetest.Attempt{"a-pre": exits(3, second)},
			want: "failed: a-pre=failed a-post=canceled end=canceled |" +
				" start@0s a-pre@1s=failed/BackoffLimitExceeded b-pre@1s a-post=canceled/StageFailed b-post@2s end=canceled/StageFailed",
		},
		"a task that times out fails its stage": {
			tasks: []string{"start", "end"}, scripts: map[string]enginetest.Attempt{"start": {Takes: enginetest.Forever}},
			want: "timed-out: start=timed-out a-pre=canceled b-pre=canceled a-post=canceled b-post=canceled end=canceled |" +
				" start@0s=timed-out/DeadlineExceeded end=canceled/StageFailed",
		},
		"a task that errors fails its stage": {
			tasks: []string{"a-pre1", "a-pre2", "a-post"}, scripts: map[string]enginetest.Attempt{"a-pre1": refused, "a-pre2": exits(1, 0)},
			want: "errored: a-pre=errored a-post=canceled end=canceled |" +
				" a-pre1@0s=errored/EngineLost a-pre2@0s=failed/BackoffLimitExceeded a-post=canceled/StageFailed",
		},
		"non-blocking, a failure is a warning and the next stage starts at once": {
			tasks: []string{"start1", "start2", "a-pre", "end"}, nonBlocking: true,
			scripts: map[string]enginetest.Attempt{"start1": exits(3, second), "start2": exits(0, 9*second)},
			want:    "passed: start=failed(warning) | start1@0s=failed/BackoffLimitExceeded start2@0s a-pre@1s end@2s",
		},
		"non-blocking, a timeout too": {
			tasks: []string{"end"}, nonBlocking: true, scripts: map[string]enginetest.Attempt{"end": {Takes: enginetest.Forever}},
			want: "passed: end=timed-out(warning) | end@0s=timed-out/DeadlineExceeded",
		},
		"non-blocking, an engine that fails still stops": {
			tasks: []string{"start1", "start2", "end"}, nonBlocking: true,
			scripts: map[string]enginetest.Attempt{"start1": refused, "start2": exits(1, second)},
			want: "errored: start=errored a-pre=canceled b-pre=canceled a-post=canceled b-post=canceled end=canceled |" +
				" start1@0s=errored/EngineLost start2@0s=failed/BackoffLimitExceeded end=canceled/StageFailed",
		},
		"fail-fast stops the siblings and the other workload": {
			tasks: []string{"a-pre1", "a-pre2", "b-pre", "b-post", "a-post"}, runner: engine.Runner{FailFast: true, Parallel: 9},
			scripts: map[string]enginetest.Attempt{"a-pre1": exits(3, second/2)},
			want: "failed: a-pre=failed b-pre=canceled a-post=canceled b-post=canceled end=canceled |" +
				" a-pre1@0s=failed/BackoffLimitExceeded a-pre2@0s=canceled/SiblingFailed b-pre@0s=canceled/SiblingFailed" +
				" a-post=canceled/StageFailed b-post=canceled/SiblingFailed",
		},
		"fail-fast is not set off by what is forgiven": {
			tasks: []string{"a-pre1", "a-pre2", "a-post"}, runner: engine.Runner{FailFast: true, Parallel: 9}, nonBlocking: true,
			scripts: map[string]enginetest.Attempt{"a-pre1": exits(3, 0)},
			want:    "passed: a-pre=failed(warning) | a-pre1@0s=failed/BackoffLimitExceeded a-pre2@0s a-post@0s",
		},
		"an interrupt": {
			tasks: []string{"start", "a-pre1", "a-pre2", "b-pre", "a-post", "end"}, interrupt: 2500 * ms, runner: engine.Runner{Parallel: 2},
			scripts: map[string]enginetest.Attempt{"a-pre1": hangs},
			want: "canceled: a-pre=canceled b-pre=canceled a-post=canceled b-post=canceled end=canceled |" +
				" start@0s a-pre1@1s=canceled/Interrupted a-pre2@1s b-pre@2s=canceled/Interrupted" +
				" a-post=canceled/Interrupted end=canceled/Interrupted",
		},
		"an interrupt after a failure": {
			tasks: []string{"start1", "start2", "end"}, interrupt: 2 * second,
			scripts: map[string]enginetest.Attempt{"start1": exits(1, second), "start2": hangs},
			want: "canceled: start=canceled a-pre=canceled b-pre=canceled a-post=canceled b-post=canceled end=canceled |" +
				" start1@0s=failed/BackoffLimitExceeded start2@0s=canceled/Interrupted end=canceled/StageFailed",
		},
		"an interrupt before the start": {
			tasks: []string{"end"}, interrupt: -1,
			want: "canceled: start=canceled a-pre=canceled b-pre=canceled a-post=canceled b-post=canceled end=canceled |" +
				" end=canceled/Interrupted",
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				if tc.interrupt < 0 {
					cancel()
				} else if tc.interrupt > 0 {
					time.AfterFunc(tc.interrupt, cancel)
				}
				fake := &enginetest.Fake{Play: func(_ plan.Container, l engine.Labels) enginetest.Attempt {
					if script, ok := tc.scripts[l.Task]; ok {
						return script
					}
					return exits(0, second)
				}}
				p := deployment(tc.tasks...)
				p.NonBlocking = tc.nonBlocking
				tc.runner.Engine = fake
				if tc.runner.Parallel == 0 {
					tc.runner.Parallel = 9
				}
				began := time.Now()
				result, _ := playPlan(t, ctx, tc.runner, p)
				if got := summary(began, result, fake); got != tc.want {
					t.Errorf("the run is\n%s\nwant\n%s", got, tc.want)
				}
			})
		})
	}
}

// TestStageEvents holds the order of the events, and that tasks of a blocked stage are canceled at once while others
// still run.
func TestStageEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake := &enginetest.Fake{Tasks: map[string][]enginetest.Attempt{
			"start1": {enginetest.Exits(1, second)}, "start2": {enginetest.Exits(0, 2*second)}, "alone": {enginetest.Exits(0, 3*second)},
		}}
		p := deployment("start1", "start2", "a-post")
		p.Stages = p.Stages[:4]
		p.Stages[3].Needs = []string{"start"}
		p.Tasks = append(p.Tasks, task("alone"))
		result, recorder := playPlan(t, t.Context(), engine.Runner{Engine: fake, Parallel: 2}, p)
		want := []string{
			"StageStarted start", "TaskStarted start1", "TaskStarted start2",
			"TaskFinished start1",
			"StageFinished a-pre", "StageFinished b-pre", "TaskFinished a-post", "StageFinished a-post",
			"TaskStarted alone",
			"TaskFinished start2", "StageFinished start",
			"TaskFinished alone", "RunFinished",
		}
		// Attempts of concurrent tasks have no order.
		got := slices.DeleteFunc(recorder.Names(), func(name string) bool { return strings.HasPrefix(name, "Attempt") })
		if !slices.Equal(got, want) {
			t.Errorf("events are\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
		if got := result.Tasks[2]; got.Message != `not run because task "start1" of app-pre shop did not pass` || got.Stage.Workload != "shop-a" {
			t.Errorf("the task after the failed stage is %+v", got)
		}
		start := result.Stages[0]
		if got := start.Finished.Sub(start.Started); got != 2*second || !slices.Equal(start.Tasks, []string{"start1", "start2"}) {
			t.Errorf("the first stage took %v with the tasks %v", got, start.Tasks)
		}
		if last := result.Stages[3]; !last.Started.IsZero() || !last.Finished.IsZero() || last.Message != result.Tasks[2].Message {
			t.Errorf("the stage that never started is %+v", last)
		}
	})
}

// meeting is an engine whose tasks wait until all of them run.
type meeting struct {
	enginetest.Fake
	arrive chan struct{}
}

func (m *meeting) Run(ctx context.Context, _ plan.Container, _ engine.Labels, _ engine.Output) (engine.Exit, error) {
	select {
	case m.arrive <- struct{}{}:
		return engine.Exit{}, nil
	case <-m.arrive:
		return engine.Exit{}, nil
	case <-ctx.Done():
		return engine.Exit{Code: 143, Stopped: true}, nil
	}
}

// TestTasksOfAStageMeet holds that two tasks that wait for each other pass if they run at the same time, and only then.
func TestTasksOfAStageMeet(t *testing.T) {
	for name, tc := range map[string]struct {
		tasks    []string
		parallel int
		want     string
	}{
		"in one stage":           {[]string{"a-pre1", "a-pre2"}, 2, "passed passed"},
		"in stages side by side": {[]string{"a-post", "b-post"}, 2, "passed passed"},
		"no room for both":       {[]string{"a-pre1", "a-pre2"}, 1, "timed-out/DeadlineExceeded timed-out/DeadlineExceeded"},
		"one after the other":    {[]string{"a-pre", "a-post"}, 2, "timed-out/DeadlineExceeded canceled/StageFailed"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := engine.Runner{Engine: &meeting{arrive: make(chan struct{})}, Parallel: tc.parallel}
				result, _ := playPlan(t, t.Context(), r, deployment(tc.tasks...))
				if got := outcomes(result); got != tc.want {
					t.Errorf("outcomes are %s, want %s", got, tc.want)
				}
			})
		})
	}
}

func TestInvalidStages(t *testing.T) {
	for name, spoil := range map[string]func(*plan.Plan){
		"two of one ID":            func(p *plan.Plan) { p.Stages = append(p.Stages, p.Stages[0]) },
		"no ID":                    func(p *plan.Plan) { p.Stages = append(p.Stages, plan.Stage{}) },
		"needs an unknown one":     func(p *plan.Plan) { p.Stages[1].Needs = []string{"begin"} },
		"needs itself":             func(p *plan.Plan) { p.Stages[1].Needs = []string{"a-pre"} },
		"needs a later one":        func(p *plan.Plan) { p.Stages[0].Needs = []string{"end"} },
		"a task of an unknown one": func(p *plan.Plan) { p.Tasks[0].Stage = "middle" },
	} {
		p := deployment("start", "end")
		spoil(&p)
		if _, err := (engine.Runner{Engine: &enginetest.Fake{}}).Run(t.Context(), p); err == nil || !strings.HasPrefix(err.Error(), "run plan: ") {
			t.Errorf("%s: Run gives %v", name, err)
		}
	}
}
