package report_test

import (
	"strings"
	"testing"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/report"
)

// TestRemedy holds that each option of a remedy has words, and where they stand.
func TestRemedy(t *testing.T) {
	for _, option := range []engine.Option{
		engine.OptionHost, engine.OptionPlatform, engine.OptionNetwork, engine.OptionMounts, engine.OptionParams, engine.OptionPids,
		engine.OptionPull, engine.OptionTimeout, engine.OptionImage, engine.OptionDeno, engine.OptionPython, engine.OptionSecrets, engine.OptionBase, engine.OptionBuild,
	} {
		if text := report.Remedy(engine.Remedy{Option: option}); !strings.Contains(text, "--") {
			t.Errorf("option %q has the words %q, without a flag", option, text)
		}
	}
	for r, want := range map[engine.Remedy]string{
		{}:                     "",
		{Text: "start Docker"}: "start Docker",
		{Option: engine.OptionPlatform, Value: "linux/arm64"}:      "name another platform with --platform linux/arm64",
		{Text: "raise spec.timeout", Option: engine.OptionTimeout}: "raise spec.timeout, or give a longer --timeout",
	} {
		if got := report.Remedy(r); got != want {
			t.Errorf("%+v: %q, want %q", r, got, want)
		}
	}
}
