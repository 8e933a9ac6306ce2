package command_test

import (
	"os"
	"strings"
	"testing"

	"github.com/ktask/ktask/engine/enginetest"
)

// TestCauseIsEverywhere: whatever people read has the last line on stderr of a task that failed, beside its exit code.
func TestCauseIsEverywhere(t *testing.T) {
	const cause = "failed: exit code 4: connection refused"
	for _, form := range []string{"plain", "live", "quiet", "github"} {
		s := newShell(t, map[string]string{"a.yaml": hello})
		t.Setenv("GITHUB_STEP_SUMMARY", "summary.md")
		s.engine = &enginetest.Fake{Tasks: map[string][]enginetest.Attempt{"hello": {
			enginetest.Exits(3, 0, enginetest.Err("starting")), enginetest.Exits(4, 0, enginetest.Err("connection refused")),
		}}}
		o := s.ktask("run", "-o", form, "--junit", "r.xml", "--html", "r.html", "--retries", "1", "--backoff-scale", "0", "a.yaml").exits(1)
		o.says(cause, "attempt 1 of 2 failed: exit code 3: starting, next attempt now")
		for _, name := range []string{"r.xml", "r.html", "summary.md"} {
			text, err := os.ReadFile(name)
			if name == "summary.md" && form != "github" {
				continue
			}
			if err != nil || !strings.Contains(string(text), cause) {
				t.Errorf("-o %s: %v: %s does not have %q:\n%s", form, err, name, cause, text)
			}
		}
		if form == "github" && !strings.Contains(o.out, "title=ktask%3A hello::"+cause) {
			t.Errorf("the annotation has no cause:\n%s", o.out)
		}
	}
}

// TestQuietSaysItOnce: a single line of output that is the cause is not repeated.
func TestQuietSaysItOnce(t *testing.T) {
	s := newShell(t, map[string]string{"a.yaml": hello})
	s.engine = &enginetest.Fake{Tasks: map[string][]enginetest.Attempt{"hello": {enginetest.Exits(4, 0, enginetest.Err("connection refused"))}}}
	s.ktask("run", "-q", "a.yaml").exits(1).says("failed: exit code 4: connection refused").hides("| connection")
}
