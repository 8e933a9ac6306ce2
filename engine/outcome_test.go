package engine

import (
	"testing"

	"github.com/ktask/ktask/engine/plan"
)

// TestRemedyOfATimeout holds that the remedy fits the origin of the timeout, in an attempt and before one.
func TestRemedyOfATimeout(t *testing.T) {
	for origin, want := range map[plan.Origin]string{
		"task.yaml:9 spec.timeout": "raise spec.timeout, or give --timeout",
		"flag --timeout":           "give a longer --timeout",
		"default":                  "set spec.timeout, or give --timeout",
	} {
		running, waiting := stopped(&deadlineError{origin: origin}), tooLate(plan.Task{TimeoutOrigin: origin}, 2, 0, outcome{})
		if running.remedy != want || waiting.remedy != want {
			t.Errorf("%s: %q, and before an attempt %q; want %q", origin, running.remedy, waiting.remedy, want)
		}
	}
}
