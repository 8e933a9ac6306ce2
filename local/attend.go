package local

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/owner"
)

// Attendance marks a run as running: other ktasks on this machine leave alone what it has on the engine.
type Attendance struct {
	claim *owner.Claim
	join  func() int
}

// Owner returns the description of this process for the labels of a run: its pid, and the time.
func Owner() string {
	return fmt.Sprintf("%d %s", os.Getpid(), time.Now().UTC().Format(time.RFC3339Nano))
}

// Attend claims a run before anything of it is on the engine, and starts to remove what dead runs have left there, at the
// same time as the run. If the run cannot be claimed, Attend returns an error as well as a valid Attendance; others then
// decide by age whether to remove what a crash leaves.
func Attend(ctx context.Context, e engine.Engine, runs owner.Runs, run string) (*Attendance, error) {
	claim, err := runs.Claim(run)
	return &Attendance{claim: claim, join: removeDead(ctx, e, runs)}, err
}

// End ends the attendance and returns how many things of dead runs have been removed. stays must be true if something of the
// run stays on the engine.
func (a *Attendance) End(stays bool) (removed int) {
	if stays {
		a.claim.Leave()
	} else {
		a.claim.Release()
	}
	return a.join()
}

// Fate returns whether the run of a leftover is alive: by its process if it was on this machine, else by its age.
func Fate(runs owner.Runs, left engine.Leftover) owner.Fate {
	fate := runs.Fate(left.Labels.Run)
	if fate == owner.Unknown && left.Overdue {
		return owner.Dead
	}
	return fate
}

// removalLimit is how long a finished run waits for the removal of what others left.
const removalLimit = 3 * time.Second

// removeDead starts to remove what dead runs have left. It ignores failures: the next run tries again. join waits for the
// end and returns how many things were removed.
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
			case Fate(runs, left) != owner.Dead:
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
		defer time.AfterFunc(removalLimit, cancel).Stop()
		return <-removed
	}
}
