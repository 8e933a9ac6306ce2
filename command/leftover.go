package command

import (
	"context"
	"time"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/owner"
)

// What no guardian could remove (the machine lost its power, a CI runner killed every process of the job) is removed by
// the next run on the same machine, and by `ktask clean`. Engines are shared, so what is removed is only
// what is proven dead; package owner has the proof.

// fateOf judges whose a leftover is.
func fateOf(self owner.Process, left engine.Leftover) (owner.Process, owner.Fate) {
	of, ok := owner.Parse(left.Labels.Owner)
	if !ok {
		return of, owner.Unknown
	}
	return of, self.Judge(of)
}

// sweepPatience is how long a run that is over waits for the removal of what others left.
const sweepPatience = 3 * time.Second

// removeDead removes what dead runs have left, beside the run. Its failures are none of the run's: the next one
// tries again. join waits for it and gives how many things it removed.
func removeDead(ctx context.Context, e engine.Engine, self owner.Process) (join func() int) {
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
		for _, left := range all {
			if _, fate := fateOf(self, left); fate != owner.Dead || left.Kept {
				continue
			}
			if cleaner.Remove(ctx, left) == nil {
				count++
			}
		}
	}()
	return func() int {
		defer cancel()
		defer time.AfterFunc(sweepPatience, cancel).Stop()
		return <-removed
	}
}
