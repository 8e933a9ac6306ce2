package command

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/owner"
)

// What no guardian could remove (the machine lost its power, a CI runner killed every process of the job) is removed by
// the next run, and by `ktask clean`. Engines are shared, so what is removed is only what is proven dead: by package
// owner if the run was on this machine, by its age on any other.

// runs are the runs of this user that are at work on this machine.
func (app App) runs() owner.Runs {
	dir := os.Getenv("XDG_RUNTIME_DIR")
	if info, err := os.Stat(dir); err == nil && info.IsDir() && filepath.IsAbs(dir) {
		return owner.In(filepath.Join(dir, "ktask"))
	}
	return owner.In(filepath.Join(os.TempDir(), fmt.Sprintf("ktask-%d", os.Getuid())))
}

// fateOf returns what is known of the run of a leftover.
func fateOf(runs owner.Runs, left engine.Leftover) owner.Fate {
	fate := runs.Fate(left.Labels.Run)
	if fate == owner.Unknown && left.Overdue {
		return owner.Dead
	}
	return fate
}

// sweepPatience is how long a run that is over waits for the removal of what others left.
const sweepPatience = 3 * time.Second

// removeDead removes what dead runs have left, beside the run. Its failures are none of the run's: the next one
// tries again. join waits for it and gives how many things it removed.
func removeDead(ctx context.Context, e engine.Engine, runs owner.Runs) (join func() int) {
	cleaner, ok := e.(engine.Cleaner)
	if !ok {
		return func() int { return 0 }
	}
	ctx, cancel := context.WithCancel(ctx)
	removed := make(chan int, 1)
	go func() {
		count := 0
		defer func() { removed <- count }()
		all, err := cleaner.Leftovers(ctx, "")
		if err != nil {
			return
		}
		remain := map[string]bool{}
		for _, left := range all {
			switch {
			case fateOf(runs, left) != owner.Dead:
				remain[left.Labels.Run] = true
			case left.Kept:
			case cleaner.Remove(ctx, left) == nil:
				count++
			default:
				remain[left.Labels.Run] = true
			}
		}
		for _, left := range all {
			if !remain[left.Labels.Run] && !left.Kept {
				runs.Forget(left.Labels.Run)
			}
		}
	}()
	return func() int {
		defer cancel()
		defer time.AfterFunc(sweepPatience, cancel).Stop()
		return <-removed
	}
}
