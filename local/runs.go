package local

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/owner"
)

// What no guardian could remove (the machine lost its power, a CI runner killed every process of the job) is removed by the
// next run, and by `ktask clean`. Engines are shared, so only what is proven dead is removed: package owner proves it if the
// run was on this machine, its age on any other.

// UserRuns returns the runs of this user that are running on this machine. It reads XDG_RUNTIME_DIR.
func UserRuns() owner.Runs {
	dir := os.Getenv("XDG_RUNTIME_DIR")
	if info, err := os.Stat(dir); err == nil && info.IsDir() && filepath.IsAbs(dir) {
		return owner.In(filepath.Join(dir, "ktask"))
	}
	return owner.In(filepath.Join(os.TempDir(), fmt.Sprintf("ktask-%d", os.Getuid())))
}

// Fate returns whether the run of a leftover is alive: by its process if it was on this machine, else by its age. A container of a
// pool is also alive if a run has taken it.
func Fate(runs owner.Runs, left engine.Leftover) owner.Fate {
	if runs.Fate(left.ID) == owner.Alive {
		return owner.Alive
	}
	fate := runs.Fate(left.Labels.Run)
	if fate == owner.Unknown && left.Overdue {
		return owner.Dead
	}
	return fate
}
