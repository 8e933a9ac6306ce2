package local

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/owner"
)

// Attendance is a run that is at work: other ktasks on this machine leave alone what it has on the engine.
type Attendance struct {
	claim *owner.Claim
	join  func() int
}

// Owner describes this process for the labels of a run: its pid, and the time.
func Owner() string {
	return fmt.Sprintf("%d %s", os.Getpid(), time.Now().UTC().Format(time.RFC3339Nano))
}

// Attend claims a run before anything of it is on the engine, and begins to remove what dead runs have left there, beside
// the run. The error says that the run could not be claimed; the Attendance is good all the same, and others then
// judge what a crash leaves by its age.
func Attend(ctx context.Context, e engine.Engine, runs owner.Runs, run string) (*Attendance, error) {
	claim, err := runs.Claim(run)
	return &Attendance{claim: claim, join: removeDead(ctx, e, runs)}, err
}

// End ends the attendance and returns how many things of dead runs have been removed. stays reports whether something of the
// run stays on the engine.
func (a *Attendance) End(stays bool) (removed int) {
	if stays {
		a.claim.Leave()
	} else {
		a.claim.Release()
	}
	return a.join()
}

// Fate returns what is known of the run of a leftover: by its process if it was on this machine, by its age on any other.
func Fate(runs owner.Runs, left engine.Leftover) owner.Fate {
	fate := runs.Fate(left.Labels.Run)
	if fate == owner.Unknown && left.Overdue {
		return owner.Dead
	}
	return fate
}

// removalLimit is how long a run that is over waits for the removal of what others left.
const removalLimit = 3 * time.Second

// removeDead removes what dead runs have left. Its failures do not concern the run: the next one tries again. join waits
// for it and returns how many things it removed.
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
