package report_test

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/enginetest"
	"github.com/ktask/ktask/engine/plan"
	"github.com/ktask/ktask/engine/report"
)

var update = flag.Bool("update", false, "write the golden files")

const (
	ms     = time.Millisecond
	second = time.Second
)

// scene is a run that reporters show.
type scene struct {
	tasks  []plan.Task
	fake   *enginetest.Fake
	runner engine.Runner
	// interrupt is when the user interrupts the run; 0 is never.
	interrupt time.Duration
}

func (s scene) names() []string {
	var names []string
	for _, t := range s.tasks {
		names = append(names, t.Name)
	}
	return names
}

// play runs the scene in fake time, which always begins at the same instant, and shows its events to the sink. Tasks
// that run at once are in no order at one instant; the events are put into that of the plan first.
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
		if result, err = r.Run(ctx, plan.Plan{Tasks: s.tasks}); err != nil {
			t.Fatal(err)
		}
	})
	events := recorder.Events()
	last := len(events) - 1
	slices.SortStableFunc(events[:last], func(a, b engine.Event) int {
		place := func(e engine.Event) int { return slices.Index(s.names(), e.Head().Task) }
		return cmp.Or(a.Head().Time.Compare(b.Head().Time), cmp.Compare(place(a), place(b)))
	})
	for _, e := range events {
		sink.Emit(e)
		if f, ok := sink.(engine.Flusher); ok {
			f.Flush()
		}
	}
	return result
}

func task(name string, line, retries int) plan.Task {
	return plan.Task{
		Name: name, Definition: name, Runtime: plan.RuntimeDeno, Semantics: plan.Local,
		Origin:        plan.Origin(fmt.Sprintf("task.yaml:%d", line)),
		Timeout:       time.Minute,
		TimeoutOrigin: plan.Origin(fmt.Sprintf("task.yaml:%d spec.timeout", line+4)),
		Retry:         plan.Retry{Limit: retries, Backoff: plan.Backoff{Initial: 2 * second, Max: 30 * second}},
		Container:     plan.Container{Image: "ktask.local/" + name + ":dev", Grace: second},
	}
}

func in(d time.Duration, line enginetest.Line) enginetest.Line {
	line.After = d
	return line
}

// scenes are made anew for each use, since a fake counts its calls.
func scenes() map[string]scene {
	return map[string]scene{
		"single":   single(),
		"failed":   failed(),
		"several":  several(),
		"hostile":  hostile(),
		"canceled": canceled(),
		"nothing":  {fake: &enginetest.Fake{}},
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

// failed is one task in a cluster: Keptn's words are not ours.
func failed() scene {
	t := task("migrate", 1, 1)
	t.Semantics = plan.Cluster
	return scene{tasks: []plan.Task{t}, fake: &enginetest.Fake{Tasks: map[string][]enginetest.Attempt{"migrate": {
		{Takes: 10 * ms, Exit: engine.Exit{Code: 3, Message: "no table \"users\"\nsee the log"}, Output: []enginetest.Line{enginetest.Err("no table")}},
		{Takes: 3 * second, StopTakes: 20 * ms, Output: []enginetest.Line{enginetest.Out("again")}, LastWords: []enginetest.Line{enginetest.Err("bye")}},
	}}}}
}

// several is every outcome but canceled, two at once.
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
					Remedy: "check the name, or build it",
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

// hostile is output that wants to be something else.
func hostile() scene {
	t := task("hostile", 1, 0)
	t.Origin = "dir,with:colon%/task.yaml:14 spec.deno.inline"
	return scene{tasks: []plan.Task{t}, fake: &enginetest.Fake{Tasks: map[string][]enginetest.Attempt{"hostile": {{
		Takes: ms,
		Output: []enginetest.Line{
			enginetest.Out("::error::not ours"), enginetest.Out("##[set-env name=PATH;]/evil"), enginetest.Out("::hostile::"),
			enginetest.Out("raw \xff\x00 bytes"), enginetest.Out("\x1b[31mred\x1b[0m"), enginetest.Err("<b>&amp;</b> ]]>"),
		},
		Exit: engine.Exit{Code: 1, Message: "50%\n::error::from the termination message\r::warning::too"},
	}}}}}
}

// canceled is a run that the user interrupts while one task works, one waits and one has not begun.
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

// reporters give, for a scene, a sink and what is to be compared after the run.
var reporters = map[string]func(scene) (engine.Sink, func(engine.Result) string){
	"plain": func(s scene) (engine.Sink, func(engine.Result) string) {
		return two(func(out, diag *bytes.Buffer) engine.Sink {
			return report.NewPlain(out, diag, report.Options{Tasks: s.names()})
		})
	},
	"timestamps": func(s scene) (engine.Sink, func(engine.Result) string) {
		return two(func(out, diag *bytes.Buffer) engine.Sink {
			return report.NewPlain(out, diag, report.Options{Tasks: s.names(), Timestamps: true})
		})
	},
	"live": func(s scene) (engine.Sink, func(engine.Result) string) {
		var screen bytes.Buffer
		sink := report.NewLive(&screen, &screen, report.Options{Tasks: s.names(), Color: true, Width: 60})
		return sink, func(engine.Result) string { return screen.String() }
	},
	"json": func(scene) (engine.Sink, func(engine.Result) string) {
		return one(func(out *bytes.Buffer) engine.Sink { return report.NewJSON(out) })
	},
	"quiet": func(scene) (engine.Sink, func(engine.Result) string) {
		return one(func(out *bytes.Buffer) engine.Sink { return report.NewQuiet(out) })
	},
	"github": func(scene) (engine.Sink, func(engine.Result) string) {
		return one(func(out *bytes.Buffer) engine.Sink {
			g := report.NewGitHub(out)
			g.SetToken("TOKEN")
			return g
		})
	},
	"junit": func(scene) (engine.Sink, func(engine.Result) string) {
		capture := report.NewCapture()
		return capture, func(r engine.Result) string {
			var b bytes.Buffer
			if err := report.WriteJUnit(&b, r, capture); err != nil {
				return err.Error()
			}
			return b.String()
		}
	},
	"result": func(scene) (engine.Sink, func(engine.Result) string) {
		return engine.SinkFunc(func(engine.Event) {}), func(r engine.Result) string {
			var b bytes.Buffer
			if err := report.WriteResult(&b, r); err != nil {
				return err.Error()
			}
			return b.String()
		}
	},
}

func one(make func(out *bytes.Buffer) engine.Sink) (engine.Sink, func(engine.Result) string) {
	var out bytes.Buffer
	return make(&out), func(engine.Result) string { return out.String() }
}

func two(make func(out, diag *bytes.Buffer) engine.Sink) (engine.Sink, func(engine.Result) string) {
	var out, diag bytes.Buffer
	return make(&out, &diag), func(engine.Result) string {
		return "--- out\n" + out.String() + "--- diag\n" + diag.String()
	}
}

// TestGolden compares every reporter in every scene with what was reviewed. Control characters are made visible.
func TestGolden(t *testing.T) {
	visible := strings.NewReplacer("\x1b", "␛", "\r", "␍", "\x00", "␀", "\xff", `\xff`)
	for sceneName, s := range scenes() {
		for name, open := range reporters {
			t.Run(sceneName+"/"+name, func(t *testing.T) {
				sink, text := open(s)
				got := visible.Replace(text(s.play(t, sink)))
				golden(t, filepath.Join("testdata", sceneName+"."+name+".golden"), got)
			})
		}
	}
}

func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v: make it with `go test ./engine/report -update` and review it", err)
	}
	if got != string(want) {
		t.Errorf("%s differs; if that is meant, run `go test ./engine/report -update`\n--- got\n%s\n--- want\n%s", path, got, want)
	}
}
