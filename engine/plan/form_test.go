package plan_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/ktask/ktask/engine/plan"
)

func written(t *testing.T, c plan.Container, o plan.TextOptions) string {
	t.Helper()
	var b strings.Builder
	if err := (plan.Plan{Tasks: []plan.Task{{Name: "t", Container: c}}}).WriteText(&b, o); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestScripts checks that scripts keep their lines, and that neither a terminal nor GitHub Actions obeys one.
func TestScripts(t *testing.T) {
	const script = "if a:\n\tb \x1b[2J\r\n\n::error::x"
	const want = "\n      if a:\n      \tb \\x1b[2J\\r\n\n      :\\x3aerror::x\n"
	c := plan.Container{
		Args:  plan.Texts([]string{"-c", script, "x y"}),
		Env:   []plan.EnvVar{{Name: "CODE", Value: plan.Plain(script)}},
		Files: []plan.File{{Path: "/f", Mode: 0o444, Content: []byte(script)}, {Path: "/binary", Content: []byte("\xff\n")}},
	}
	text := written(t, c, plan.TextOptions{})
	for _, row := range []string{`args          -c <4 lines> "x y"`, "env CODE      <4 lines>", "file /f       26 bytes, mode 0444"} {
		if !strings.Contains(text, "\n  "+row+want) {
			t.Errorf("no %q with the script below it:\n%s", row, text)
		}
	}
	if !strings.Contains(text, "\n  file /binary  2 bytes, mode 0000\n  retries") {
		t.Errorf("what is not text is shown:\n%s", text)
	}
	hidden := written(t, c, plan.TextOptions{Shown: func(string) string { return "hidden" }})
	if !strings.Contains(hidden, "26 bytes, mode 0444\n      hidden\n") {
		t.Errorf("Shown is not asked:\n%s", hidden)
	}
}

// TestWidth checks that no line but those of scripts is wider than the terminal, and that nothing gets lost.
func TestWidth(t *testing.T) {
	from := plan.Origin{File: strings.Repeat("directory/", 12) + "task.yaml", Line: 7, Field: "spec.container.env[0].value"}
	value := strings.Repeat("0123456789", 30) + " ::error::" + strings.Repeat("é", 200)
	c := plan.Container{Image: "i", Env: []plan.EnvVar{
		{Name: "A", Value: plan.Plain(value), Origin: from, Parts: []plan.Part{{Name: strings.Repeat("part", 40), Origin: from}}},
		{Name: strings.Repeat("LONG", 40), Value: plan.Plain("v"), Origin: from},
	}}
	for _, width := range []int{40, 50, 80, 200} {
		text := written(t, c, plan.TextOptions{Explain: true, Width: width})
		for line := range strings.Lines(text) {
			line = strings.TrimSuffix(line, "\n")
			if n := utf8.RuneCountInString(line); n > max(width, 54)+len(`\x3`) { // the first column and the narrowest second one
				t.Errorf("width %d: %d columns: %s", width, n, line)
			}
			if strings.HasPrefix(strings.TrimSpace(line), "::") {
				t.Errorf("width %d: a command: %s", width, line)
			}
		}
		if joined := strings.Join(strings.Fields(text), ""); !strings.Contains(strings.ReplaceAll(joined, `:\x3a`, "::"), strings.ReplaceAll(value, " ", "")) || !strings.Contains(joined, strings.ReplaceAll(from.String(), " ", "")) {
			t.Errorf("width %d: something is missing:\n%s", width, text)
		}
	}
	if text := written(t, c, plan.TextOptions{}); !strings.Contains(text, value) || strings.Contains(text, "←") {
		t.Errorf("without a width a value is on one line, and without Explain it has no origin:\n%s", text)
	}
}

// TestMissingSecret checks that a secret without a value is shown as such, wherever it is.
func TestMissingSecret(t *testing.T) {
	missing := plan.Hidden(plan.MissingSecret("token/password"))
	text := written(t, plan.Container{Image: "i", PullPolicy: plan.PullAlways, Args: []plan.Text{plan.Join(plan.Plain("a="), missing)}, Env: []plan.EnvVar{{Name: "P", Value: missing}}}, plan.TextOptions{})
	for _, want := range []string{"a=<missing>", "env P       <missing>", "\n1 task, 1 image (1 always pulled), 1 secret (1 missing)\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q:\n%s", want, text)
		}
	}
	if missing.Blank() || missing.Reveal() != "" {
		t.Error("a missing secret is not an empty one")
	}
}
