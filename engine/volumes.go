package engine

import (
	"context"

	"github.com/ktask/ktask/engine/plan"
)

// VolumeKeeper is an engine that can keep what is in the memory-backed volumes of a task from one attempt to the next,
// as a pod does. With another engine each attempt finds them empty.
type VolumeKeeper interface {
	// KeepVolumes is called behind Prepare and before the first attempt of a task that has volumes and may have several
	// attempts, once a task and by several goroutines at once. labels are the task's, Attempt is 0. Until release is
	// called, calls of Run with the same Run and Task in their labels share one content of the volumes.
	//
	// release takes off the engine what KeepVolumes has put there, and is called once, behind the last attempt. It does
	// so also where ctx has ended. After an error there is no release, and nothing is left; an error is an *Error, or
	// the cause of ctx.
	KeepVolumes(ctx context.Context, c plan.Container, labels Labels) (release func(context.Context) error, err error)
}

// keepVolumes lets the attempts of the task share its volumes; a task with one attempt or no volume pays nothing.
func (x *execution) keepVolumes(ctx context.Context) (err error) {
	keeper, ok := x.Engine.(VolumeKeeper)
	if !ok || starts(x.task) == 1 || len(x.task.Container.Tmpfs) == 0 {
		return nil
	}
	x.release, err = keeper.KeepVolumes(ctx, x.task.Container, x.labels(0))
	x.note(ctx, err)
	return err
}

// releaseVolumes gives the volumes up. A failure ends a task that has passed; in any other case it joins the cause.
func (x *execution) releaseVolumes(ctx context.Context) {
	if x.release == nil {
		return
	}
	err := x.release(ctx)
	x.note(ctx, err)
	if err == nil {
		return
	}
	failure := x.masked(errored(err), err)
	if x.result.Status == Passed {
		x.end(failure)
		return
	}
	x.result.Message += "; " + failure.message
	if x.result.Remedy == "" {
		x.result.Remedy = failure.remedy
	}
}
