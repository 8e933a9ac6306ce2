package engine

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/ktask/ktask/engine/mask"
	"github.com/ktask/ktask/engine/plan"
)

// taskRun runs one task to its TaskResult. One goroutine owns it.
type taskRun struct {
	*run
	task   plan.Task
	result TaskResult
	// deadline is the end of the task's timeout; zero if it has none, or not yet.
	deadline time.Time
	// ran are the durations of the starts so far.
	ran []time.Duration
	// explained is the outcome of the last attempt that ended by itself.
	explained outcome
	// release releases the shared volumes; nil if there are none.
	release func(context.Context) error
	// readying prepares the next attempt; nil if nothing does.
	readying *readying
}

func (r *run) newTaskRun(t plan.Task) *taskRun {
	stage, _ := r.plan.Stage(t.Stage)
	return &taskRun{run: r, task: t, result: TaskResult{
		Name:       t.Name,
		Definition: t.Definition,
		Stage:      stage,
		Origin:     t.Origin,
		Image:      t.Container.Image,
		ExitCode:   -1,
	}}
}

func (x *taskRun) start() {
	x.result.Started = time.Now()
	x.emit(0, TaskStarted{Runtime: x.task.Runtime, Image: x.task.Container.Image})
}

// skip returns the result of a task that never starts. It emits TaskFinished, so that every task has one.
func (x *taskRun) skip(cause error) TaskResult {
	x.end(stopped(cause))
	x.emit(0, TaskFinished{Result: x.result})
	return x.result
}

// complete runs the task and returns its result.
func (x *taskRun) complete(ctx context.Context) TaskResult {
	x.runAttempts(ctx)
	x.result.Finished = time.Now()
	x.emit(0, TaskFinished{Result: x.result})
	return x.result
}

// runAttempts prepares the image and runs the attempts. The timeout covers the preparation under Cluster semantics
// only: the deadline of a Job covers the pull of its image.
func (x *taskRun) runAttempts(ctx context.Context) {
	cluster := x.task.Semantics == plan.Cluster
	if whole, ok := x.Engine.(TaskRunner); ok && cluster && x.Terminal == nil {
		x.runWhole(ctx, whole)
		return
	}
	defer x.releaseVolumes(ctx)
	defer x.endReady(ctx)
	if !cluster && !x.prepare(ctx) {
		return
	}
	ctx, cancel := x.withDeadline(ctx)
	defer cancel()
	if cluster && !x.prepare(ctx) {
		return
	}
	x.attempts(ctx)
}

// withDeadline starts the task's timeout. A Job counts whole seconds, and one with 0 seconds ends before anything
// starts. Under Local semantics 0 means no timeout, as a manifest cannot ask for it.
func (x *taskRun) withDeadline(ctx context.Context) (context.Context, context.CancelFunc) {
	timeout := x.task.Timeout
	if x.task.Semantics == plan.Cluster {
		timeout = timeout.Truncate(time.Second)
	} else if timeout <= 0 {
		return context.WithCancel(ctx)
	}
	x.deadline = time.Now().Add(timeout)
	return context.WithDeadlineCause(ctx, x.deadline, &deadlineError{after: timeout, origin: x.task.TimeoutOrigin})
}

// prepare makes the image and the shared volumes available. If it fails, it ends the task and returns false.
func (x *taskRun) prepare(ctx context.Context) bool {
	if ctx.Err() != nil {
		x.end(stopped(context.Cause(ctx)))
		return false
	}
	err := ExplainImage(x.Engine.Prepare(ctx, x.task.Container, attemptSink{x.events, x.header(0)}), x.task)
	if err == nil {
		err = x.keepVolumes(ctx)
	}
	if err != nil {
		x.end(x.masked(outcomeOf(ctx, Exit{}, err), err))
	}
	return err == nil
}

// attempts runs attempts until the task has its outcome.
func (x *taskRun) attempts(ctx context.Context) {
	for number := 1; ; number++ {
		if ctx.Err() != nil {
			x.end(stopped(context.Cause(ctx)))
			return
		}
		x.readying.await()
		outcome := x.attempt(ctx, number)
		x.endReady(ctx)
		wait, again := x.next(ctx, outcome)
		x.emit(number, AttemptFinished{Result: x.last(), Retry: again, RetryIn: wait})
		if !again {
			return
		}
		x.waitReady(ctx, number+1, wait)
	}
}

// attempt starts the container once.
func (x *taskRun) attempt(ctx context.Context, number int) outcome {
	ctx, condemn, release := x.condemn(ctx, number)
	defer release()
	var late atomic.Bool
	started := func() {
		late.Store(ctx.Err() != nil)
		condemn()
	}
	x.emit(number, AttemptStarted{Of: maxStarts(x.task)})
	began := time.Now()
	output := &outputTail{Sink: attemptSink{x.events, x.header(number)}}
	exit, err := x.runAttempt(ctx, number, output, started)
	x.recordFailure(ctx, err)
	ended := time.Now()
	x.ran = append(x.ran, ended.Sub(began))

	o := x.masked(outcomeOf(ctx, exit, err), err)
	switch {
	case err != nil:
		exit.Code = -1
	case late.Load(): // however quick the process was
		o = stopped(context.Cause(ctx))
	default:
		o = explain(o, x.task, exit, output.lines())
	}
	x.record(number, o, exit, began, ended)
	return o
}

// record adds an attempt to the result. The times are for an attempt whose process has none.
func (x *taskRun) record(number int, o outcome, exit Exit, began, ended time.Time) {
	a := AttemptResult{
		Number: number, Status: o.status, Reason: o.reason, Message: o.message,
		ExitCode: exit.Code, Signal: exit.Signal, OOMKilled: exit.OOMKilled,
		Started: exit.Started, Finished: exit.Finished, Killed: o.killed,
	}
	if a.Started.IsZero() {
		a.Started = began
	}
	if a.Finished.IsZero() {
		a.Finished = ended
	}
	x.result.Attempts = append(x.result.Attempts, a)
	x.result.ExitCode = a.ExitCode
	if exit.ImageDigest != "" {
		x.result.ImageDigest = exit.ImageDigest
	}
}

func (x *taskRun) runAttempt(ctx context.Context, number int, output Sink, started func()) (Exit, error) {
	if x.Terminal != nil {
		return terminalAttempt(ctx, x.Engine, x.task.Container, x.labels(number), *x.Terminal)
	}
	return attempt(ctx, x.Engine, x.task.Container, x.labels(number), newAttemptOutput(x.task.Container, output, x.Parts), started)
}

// next ends the task with the outcome of its last attempt, or returns the wait before the next one.
//
// If the wait would last longer than the timeout, the task ends at once: the outcome is certain, in a cluster as well.
func (x *taskRun) next(ctx context.Context, o outcome) (wait time.Duration, again bool) {
	if o.status == Passed && failsJob(x.task, len(x.ran)) {
		o = stopped(&restartError{limit: x.task.Retry.Limit}) // the Job has failed before its pod succeeds
	}
	if o.status != Failed {
		x.end(o)
		return 0, false
	}
	if o.killed {
		o.remedy, o.place = x.explained.remedy, x.explained.place
	} else {
		x.explained = o
	}
	wait, again = nextWait(x.task, x.ran)
	switch {
	case !again:
		x.end(exhausted(o))
	case ctx.Err() != nil:
		x.end(stopped(context.Cause(ctx)))
	case !x.deadline.IsZero() && !time.Now().Add(wait).Before(x.deadline):
		x.end(tooLate(x.task, len(x.ran)+1, wait, o))
	default:
		return wait, true
	}
	return 0, false
}

// end sets the outcome of the task. Under Cluster semantics reason and message are those of Keptn, which copies them from
// the Job's condition. The attempts have the more exact ones.
func (x *taskRun) end(o outcome) {
	if x.task.Semantics == plan.Cluster {
		o = o.inKeptnsWords()
	}
	x.conclude(o)
}

func (x *taskRun) conclude(o outcome) {
	x.result.Status, x.result.Reason = o.status, o.reason
	x.result.Message, x.result.Remedy, x.result.Place = o.message, o.remedy, o.place
}

// masked returns the outcome of an error with the task's secrets masked: engines repeat what they refuse.
func (x *taskRun) masked(o outcome, err error) outcome {
	if err != nil {
		m := mask.New(x.task.Container.Secrets())
		o.message, o.remedy.Text = m.String(o.message), m.String(o.remedy.Text)
	}
	return o
}

// recordFailure sets MayRemain if err is a failure of the engine, which may leave something there. The end of ctx does not.
func (x *taskRun) recordFailure(ctx context.Context, err error) {
	_, failed := errors.AsType[*Error](err)
	x.result.MayRemain = x.result.MayRemain || failed || err != nil && !endedBy(ctx, err)
}

func (x *taskRun) last() AttemptResult { return x.result.Attempts[len(x.result.Attempts)-1] }

func (x *taskRun) header(attempt int) Header {
	return Header{Task: x.task.Name, Attempt: attempt}
}

func (x *taskRun) emit(attempt int, e Event) { x.events.emit(x.header(attempt), e) }

func (x *taskRun) labels(attempt int) Labels {
	return Labels{
		Run: x.RunID, Task: x.task.Name, Attempt: attempt, Owner: x.Owner, Version: x.Version, Lifetime: x.lifetime(),
	}
}

// settleTime is more than an engine takes to finish the requests for a task and to remove what it has made.
const settleTime = 5 * time.Minute

// lifetime returns how long something of the task can be in use from now on: the rest of its timeout, its grace and
// settleTime. It returns 0, no bound, for a task without a timeout.
func (x *taskRun) lifetime() time.Duration {
	left := x.task.Timeout
	switch {
	case !x.deadline.IsZero():
		left = time.Until(x.deadline)
	case left <= 0:
		return 0
	}
	return max(left, 0) + x.task.Container.Grace + settleTime
}

// sleep waits for d or until ctx ends.
func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
