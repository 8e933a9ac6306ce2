package engine_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/enginetest"
	"github.com/ktask/ktask/engine/plan"
)

// TestExplainedFailure holds what the Runner makes of a cause: the task's own message comes before it, and an exception is
// a reason of the attempt only.
func TestExplainedFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		script := task("t")
		script.Container.Files = []plan.File{{Path: "/f.py", Origin: plan.Origin{File: "task.yaml", Line: 30, Field: "spec.python.inline.code"}, Line: 31}}
		fake := &enginetest.Fake{Tasks: map[string]attempts{"t": {{
			Output: []enginetest.Line{
				enginetest.Err("Traceback (most recent call last):"), enginetest.Err(`  File "/f.py", line 2, in <module>`), enginetest.Err("ValueError: x"),
			},
			Exit: engine.Exit{Code: 1, Message: "could not deploy\n"},
		}}}}
		result, _ := play(t, t.Context(), engine.Runner{Engine: fake}, script)
		got := result.Tasks[0]
		if got.Reason != engine.BackoffLimitExceeded || got.Attempts[0].Reason != engine.ScriptFailed {
			t.Errorf("reason %s, of the attempt %s", got.Reason, got.Attempts[0].Reason)
		}
		if want := "exit code 1: could not deploy\ntask.yaml:32: ValueError: x"; got.Message != want || got.Place.String() != "task.yaml:32" {
			t.Errorf("message %q, place %q, want %q", got.Message, got.Place, want)
		}
	})
}

// TestEndOfLongOutput holds that the cause is found after any amount of output, with lines in parts, on stdout too.
func TestEndOfLongOutput(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var output []enginetest.Line
		for range 1000 {
			output = append(output, enginetest.Out(strings.Repeat("x", 5000)))
		}
		output = append(output, enginetest.Out("sh: tool: not found"))
		fake := &enginetest.Fake{Tasks: map[string]attempts{"t": {{Output: output, Exit: engine.Exit{Code: 127}}}}}
		result, _ := play(t, t.Context(), engine.Runner{Engine: fake}, task("t"))
		if got := result.Tasks[0]; got.Reason != engine.CommandNotFound {
			t.Errorf("the reason is %s", got.Reason)
		}
	})
}

// TestStdoutIsNoError holds that stdout is not read if there is output on stderr.
func TestStdoutIsNoError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake := &enginetest.Fake{Tasks: map[string]attempts{"t": {{
			Output: []enginetest.Line{enginetest.Err("giving up"), enginetest.Out("sh: tool: not found")}, Exit: engine.Exit{Code: 127},
		}}}}
		result, _ := play(t, t.Context(), engine.Runner{Engine: fake}, task("t"))
		if got := result.Tasks[0]; got.Reason != engine.BackoffLimitExceeded {
			t.Errorf("%s: %s", got.Reason, got.Message)
		}
	})
}

// TestKilledAttemptExplainsNothing: whether the failure of the Job kills the last start is a race, so the cause is that of the
// start before it, and the same in each run.
func TestKilledAttemptExplainsNothing(t *testing.T) {
	for name, last := range map[string]enginetest.Attempt{
		"killed": {Takes: time.Minute, Exit: engine.Exit{Code: 0}},
		"faster": {Exit: engine.Exit{Code: 127}, Output: []enginetest.Line{enginetest.Err("sh: tool: not found")}},
	} {
		synctest.Test(t, func(t *testing.T) {
			failed := enginetest.Attempt{Exit: engine.Exit{Code: 127}, Output: []enginetest.Line{enginetest.Err("sh: tool: not found")}}
			fake := &enginetest.Fake{Tasks: map[string]attempts{"t": {failed, last}}}
			result, _ := play(t, t.Context(), engine.Runner{Engine: fake}, inCluster(with(task("t"), 1, time.Hour)))
			got := result.Tasks[0]
			if killed := name == "killed"; got.Attempts[1].Killed != killed || got.Remedy.Text != "correct its name, or use an image that has it" {
				t.Errorf("%s: attempts %+v, remedy %q", name, got.Attempts, got.Remedy)
			}
		})
	}
}
