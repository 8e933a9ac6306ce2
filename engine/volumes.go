package engine

import (
	"context"

	"github.com/ktask/ktask/engine/plan"
)

// VolumeKeeper is an engine that can share the memory-backed volumes of a task between its attempts, as a pod does. On
// other engines each attempt finds them empty.
type VolumeKeeper interface {
	// KeepVolumes is called after Prepare and before the first attempt, once for each task that has volumes and may have
	// several attempts, by several goroutines at once. The labels are the task's, with Attempt 0. Until release is
	// called, calls of Run with the same Run and Task in their labels share the content of the volumes.
	//
	// release removes from the engine what KeepVolumes has made. It is called once, after the last attempt, and works
	// also after the end of ctx. After an error release is nil and nothing is left; the error is an *Error, or the
	// cause of ctx.
	KeepVolumes(ctx context.Context, c plan.Container, labels Labels) (release func(context.Context) error, err error)
}

// keepVolumes shares the volumes of the task between its attempts, if it has volumes and may have several attempts.
func (x *taskRun) keepVolumes(ctx context.Context) (err error) {
	keeper, ok := x.Engine.(VolumeKeeper)
	if !ok || maxStarts(x.task) == 1 || len(x.task.Container.Tmpfs) == 0 {
		return nil
	}
	x.release, err = keeper.KeepVolumes(ctx, x.task.Container, x.labels(0))
	x.recordFailure(ctx, err)
	return err
}

// releaseVolumes releases the shared volumes. If that fails, a task that has passed becomes Errored; otherwise the
// failure is added to the message.
func (x *taskRun) releaseVolumes(ctx context.Context) {
	if x.release == nil {
		return
	}
	err := x.release(ctx)
	x.recordFailure(ctx, err)
	if err == nil {
		return
	}
	failure := x.masked(errored(err), err)
	if x.result.Status == Passed {
		x.end(failure)
		return
	}
	x.result.Message += "; " + failure.message
	if !x.result.Remedy.Known() {
		x.result.Remedy = failure.remedy
	}
}
