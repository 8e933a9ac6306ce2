package engine

import (
	"testing"

	"github.com/ktask/ktask/engine/plan"
)

// TestRemedyOfATimeout holds that the remedy fits the origin of the timeout, in an attempt and before one.
func TestRemedyOfATimeout(t *testing.T) {
	for origin, want := range map[plan.Origin]string{
		{File: "task.yaml", Line: 9, Field: "spec.timeout"}: "raise spec.timeout",
		plan.Flag("timeout"): "",
		plan.Default:         "set spec.timeout",
	} {
		running, waiting := stopped(&deadlineError{origin: origin}), tooLate(plan.Task{TimeoutOrigin: origin}, 2, 0, outcome{})
		if want := (Remedy{Text: want, Option: OptionTimeout}); running.remedy != want || waiting.remedy != want {
			t.Errorf("%s: %q, and before an attempt %q; want %q", origin, running.remedy, waiting.remedy, want)
		}
	}
}
