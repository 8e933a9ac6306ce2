package owner_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/ktask/ktask/engine/owner"
)

// TestForgetDead forgets the runs that are dead and of which nothing remains on the engine, when they are found for the second time.
func TestForgetDead(t *testing.T) {
	dir := closed(t)
	runs := owner.In(dir)
	on := map[string]string{"dead": "here", "of two\nlines": "here", "alive": "here", "remains": "here", "elsewhere": "there", "unnoted": ""}
	for run, engine := range on {
		claim, err := runs.Claim(run)
		if err != nil {
			t.Fatal(err)
		}
		if claim.On(engine); run == "alive" {
			defer claim.Release()
		} else {
			claim.Leave()
		}
	}
	forget := func() []string {
		return slices.Sorted(slices.Values(runs.ForgetDead("here", func(run string) bool { return run == "remains" })))
	}
	for range 2 {
		if got := forget(); len(got) > 0 {
			t.Errorf("%q are forgotten at once", got)
		}
	}
	files, err := filepath.Glob(filepath.Join(dir, "*", "*"))
	if err != nil || len(files) != len(on) {
		t.Fatalf("files %q, %v", files, err)
	}
	for _, file := range files {
		if err := os.Chtimes(file, time.Time{}, time.Now().Add(-time.Minute)); err != nil {
			t.Fatal(err)
		}
	}
	if got := forget(); !slices.Equal(got, []string{"dead", "of two\nlines"}) {
		t.Errorf("%q are forgotten", got)
	}
	for run := range on {
		fate := owner.Dead
		switch run {
		case "dead", "of two\nlines":
			fate = owner.Unknown
		case "alive":
			fate = owner.Alive
		}
		want(t, runs, run, fate)
	}
	if got := owner.In(dir).ForgetDead("", func(string) bool { return false }); len(got) > 0 {
		t.Errorf("%q of no engine are forgotten", got)
	}
}

// TestForgetDeadMakesNoFile that another process has removed meanwhile.
func TestForgetDeadMakesNoFile(t *testing.T) {
	runs := owner.In(closed(t))
	claim, err := runs.Claim("dead")
	if err != nil {
		t.Fatal(err)
	}
	claim.On("here")
	claim.Leave()
	runs.ForgetDead("here", func(run string) bool { runs.Forget(run); return false })
	want(t, runs, "dead", owner.Unknown)
}
