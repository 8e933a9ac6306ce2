package report_test

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/enginetest"
	"github.com/ktask/ktask/engine/plan"
)

// scene is a run for reporters.
type scene struct {
	tasks  []plan.Task
	stages []plan.Stage
	// nonBlocking is that of the plan.
	nonBlocking bool
	// notChecked is that of the plan.
	notChecked []string
	fake       *enginetest.Fake
	runner     engine.Runner
	// interrupt is when the user interrupts the run, or 0.
	interrupt time.Duration
}

func (s scene) names() []string {
	var names []string
	for _, t := range s.tasks {
		names = append(names, t.Name)
	}
	return names
}

// play runs the scene in fake time, which always begins at the same instant, and sends its events to the sink. Events of
// concurrent tasks at the same instant have no order, so play sorts them by the plan first. Events of stages stay in
// place.
func (s scene) play(t *testing.T, sink engine.Sink) engine.Result {
	t.Helper()
	var recorder enginetest.Recorder
	var result engine.Result
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		defer cancel(nil)
		if s.interrupt > 0 {
			timer := time.AfterFunc(s.interrupt, func() { cancel(errors.New("interrupt signal received")) })
			defer timer.Stop()
		}
		r := s.runner
		r.Engine, r.Sink, r.RunID = s.fake, &recorder, "7f3a"
		s.fake.Info = engine.Info{Name: "docker", Version: "28.5.2", Host: "unix:///var/run/docker.sock"}
		var err error
		if result, err = r.Run(ctx, plan.Plan{Tasks: s.tasks, Stages: s.stages, NonBlocking: s.nonBlocking, NotChecked: s.notChecked}); err != nil {
			t.Fatal(err)
		}
	})
	events := recorder.Events()
	s.order(events[:len(events)-1])
	for _, e := range events {
		sink.Emit(e)
		if f, ok := sink.(engine.Flusher); ok {
			f.Flush()
		}
	}
	return result
}

// order sorts events by time and then by the plan, up to the next event of a stage and after it.
func (s scene) order(events []engine.Event) {
	place := func(e engine.Event) int { return slices.Index(s.names(), e.Head().Task) }
	for len(events) > 0 {
		end := slices.IndexFunc(events, func(e engine.Event) bool { return e.Head().Task == "" })
		if end < 0 {
			end = len(events)
		}
		slices.SortStableFunc(events[:end], func(a, b engine.Event) int {
			return cmp.Or(a.Head().Time.Compare(b.Head().Time), cmp.Compare(place(a), place(b)))
		})
		events = events[min(end+1, len(events)):]
	}
}

func task(name string, line, retries int) plan.Task {
	return plan.Task{
		Name: name, Definition: name, Runtime: plan.RuntimeDeno, Semantics: plan.Local,
		Origin:        plan.Origin{File: "task.yaml", Line: line},
		Timeout:       time.Minute,
		TimeoutOrigin: plan.Origin{File: "task.yaml", Line: line + 4, Field: "spec.timeout"},
		Retry:         plan.Retry{Limit: retries, Backoff: plan.Backoff{Initial: 2 * second, Max: 30 * second}},
		Container:     plan.Container{Image: "ktask.local/" + name + ":dev", Grace: second},
	}
}

func in(d time.Duration, line enginetest.Line) enginetest.Line {
	line.After = d
	return line
}

// scenes returns new scenes for each use, as a fake counts its calls.
func scenes() map[string]scene {
	return map[string]scene{
		"single":   single(),
		"failed":   failed(),
		"several":  several(),
		"hostile":  hostile(),
		"canceled": canceled(),
		"nothing":  {fake: &enginetest.Fake{}},

		"deployment":   deployment(),
		"stopped":      stopped(),
		"nonblocking":  nonBlocking(),
		"stage-cut":    stageCut(),
		"warned-cut":   warnedCut(),
		"lonely-stage": lonelyStage(),
		"empty-stage":  emptyStage(),
		"not-checked":  notChecked(),
	}
}

func single() scene {
	passes := enginetest.Exits(0, 412*ms, enginetest.Out("1"), enginetest.Err("a warning"), enginetest.Out(""))
	passes.Exit.ImageDigest = "sha256:0123"
	return scene{
		tasks: []plan.Task{task("hello", 1, 0)},
		fake:  &enginetest.Fake{Tasks: map[string][]enginetest.Attempt{"hello": {passes}}},
	}
}

// failed is a task in a cluster, whose message is Keptn's.
func failed() scene {
	t := task("migrate", 1, 1)
	t.Semantics = plan.Cluster
	return scene{tasks: []plan.Task{t}, fake: &enginetest.Fake{Tasks: map[string][]enginetest.Attempt{"migrate": {
		{Takes: 10 * ms, Exit: engine.Exit{Code: 3, Message: "no table \"users\"\nsee the log"}, Output: []enginetest.Line{enginetest.Err("no table")}},
		{Takes: 3 * second, StopTakes: 20 * ms, Output: []enginetest.Line{enginetest.Out("again")}, LastWords: []enginetest.Line{enginetest.Err("bye")}},
	}}}}
}

// several has every outcome except canceled, and two tasks at a time.
func several() scene {
	slow := task("slow", 20, 0)
	slow.Timeout = 2500 * ms
	lint := task("lint", 1, 0)
	lint.Timeout = 5 * time.Minute
	big := task("big", 30, 0)
	big.Container.Limits.MemoryBytes = 200 << 20
	image := "ktask.local/lint:dev"
	return scene{
		runner: engine.Runner{Parallel: 2},
		tasks:  []plan.Task{lint, task("flaky-check", 10, 2), slow, big, task("no-image", 40, 0)},
		fake: &enginetest.Fake{
			Images: map[string]enginetest.Pull{
				image: {Takes: 7 * ms, Progress: []engine.ImageProgress{
					{Image: image, Status: "pulling", Current: 1200000, Total: 45000000},
					{Image: image, Status: "pulling", Current: 45000000, Total: 45000000},
					{Image: image, Status: "pulled"},
				}},
				"ktask.local/no-image:dev": {Takes: 3 * ms, Err: &engine.Error{
					Reason: engine.ImageNotFound,
					Err:    errors.New(`pull image "ktask.local/no-image:dev": not found`),
					Remedy: engine.Remedy{Text: "check the name, or build it"},
				}},
			},
			Tasks: map[string][]enginetest.Attempt{
				"lint":        {enginetest.Exits(0, 71*second, enginetest.Out("12 files"), in(70*second, enginetest.Out("fine")))},
				"flaky-check": {enginetest.Exits(1, 30*ms, in(2*ms, enginetest.Err("refused"))), enginetest.Exits(0, 41*ms, enginetest.Out("up"))},
				"slow":        {{Takes: enginetest.Forever, StopTakes: 5 * ms, Output: []enginetest.Line{enginetest.Out("waiting")}}},
				"big":         {{Takes: 90 * ms, Exit: engine.Exit{Code: 137, Signal: "SIGKILL", OOMKilled: true}}},
			},
		},
	}
}

// hostile has output with escape sequences, workflow commands and markup.
func hostile() scene {
	t := task("hostile", 1, 0)
	t.Origin = plan.Origin{File: "dir,with:colon%/task.yaml", Line: 14, Field: "spec.deno.inline"}
	return scene{tasks: []plan.Task{t}, fake: &enginetest.Fake{Tasks: map[string][]enginetest.Attempt{"hostile": {{
		Takes: ms,
		Output: []enginetest.Line{
			enginetest.Out("::error::not ours"), enginetest.Out("##[set-env name=PATH;]/evil"), enginetest.Out("::hostile::"),
			enginetest.Out("raw \xff\x00 bytes"), enginetest.Out("\x1b[31mred\x1b[0m"), enginetest.Err("<b>&amp;</b> ]]>"),
		},
		Exit: engine.Exit{Code: 1, Message: "50%\n::error::from the termination message\r::warning::too"},
	}}}}}
}

// canceled is a run that the user interrupts while one task runs, one waits and one has not started.
func canceled() scene {
	return scene{
		runner:    engine.Runner{Parallel: 2},
		interrupt: 100 * ms,
		tasks:     []plan.Task{task("works", 1, 0), task("waits", 11, 5), task("later", 21, 0)},
		fake: &enginetest.Fake{Tasks: map[string][]enginetest.Attempt{
			"works": {{Takes: enginetest.Forever, StopTakes: 5 * ms, Output: []enginetest.Line{enginetest.Out("working")}}},
			"waits": {enginetest.Exits(4, 3*ms)},
			"later": {enginetest.Exits(0, 0)},
		}},
	}
}
