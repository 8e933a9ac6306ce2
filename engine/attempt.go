package engine

import (
	"context"
	"errors"
	"time"

	"github.com/ktask/ktask/engine/mask"
	"github.com/ktask/ktask/engine/plan"
)

// execution is one task on its way to a TaskResult. One goroutine owns it.
type execution struct {
	*run
	task   plan.Task
	result TaskResult
	// deadline is the end of the task's own timeout; zero before it is set.
	deadline time.Time
	// ran is how long each start took.
	ran []time.Duration
	// release gives up the volumes that the attempts share; nil where they share none.
	release func(context.Context) error
}

func (r *run) newExecution(t plan.Task) *execution {
	stage, _ := r.plan.Stage(t.Stage)
	return &execution{run: r, task: t, result: TaskResult{
		Name:       t.Name,
		Definition: t.Definition,
		Stage:      stage,
		Origin:     t.Origin,
		Image:      t.Container.Image,
		ExitCode:   -1,
	}}
}

func (x *execution) start() {
	x.result.Started = time.Now()
	x.emit(0, TaskStarted{Runtime: x.task.Runtime, Image: x.task.Container.Image})
}

// skip is the result of a task that never started. It is told like any other, so that there is one TaskFinished a task.
func (x *execution) skip(cause error) TaskResult {
	x.end(stopped(cause))
	x.emit(0, TaskFinished{Result: x.result})
	return x.result
}

// complete is the task from its image to its outcome.
func (x *execution) complete(ctx context.Context) TaskResult {
	x.carryOut(ctx)
	x.result.Finished = time.Now()
	x.emit(0, TaskFinished{Result: x.result})
	return x.result
}

// carryOut puts the image outside the timeout under Local semantics and inside it under Cluster (rule 90).
func (x *execution) carryOut(ctx context.Context) {
	defer x.releaseVolumes(ctx)
	cluster := x.task.Semantics == plan.Cluster
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

// withDeadline starts the task's clock. A Job counts whole seconds, and one whose seconds are 0 is over before
// anything starts (rule 91); under Local semantics such a timeout is none, as a manifest cannot ask for it.
func (x *execution) withDeadline(ctx context.Context) (context.Context, context.CancelFunc) {
	timeout := x.task.Timeout
	if x.task.Semantics == plan.Cluster {
		timeout = timeout.Truncate(time.Second)
	} else if timeout <= 0 {
		return context.WithCancel(ctx)
	}
	x.deadline = time.Now().Add(timeout)
	return context.WithDeadlineCause(ctx, x.deadline, &deadlineError{after: timeout, origin: x.task.TimeoutOrigin})
}

// prepare makes the image and the shared volumes available; where it cannot, the task has ended and prepare is false.
func (x *execution) prepare(ctx context.Context) bool {
	if ctx.Err() != nil {
		x.end(stopped(context.Cause(ctx)))
		return false
	}
	err := x.Engine.Prepare(ctx, x.task.Container, source{x.events, x.header(0)})
	if err == nil {
		err = x.keepVolumes(ctx)
	}
	if err != nil {
		x.end(x.masked(judge(ctx, Exit{}, err), err))
	}
	return err == nil
}

// attempts starts the container until the task has its outcome.
func (x *execution) attempts(ctx context.Context) {
	for number := 1; ; number++ {
		if ctx.Err() != nil {
			x.end(stopped(context.Cause(ctx)))
			return
		}
		v := x.attempt(ctx, number)
		wait, again := x.decide(ctx, v)
		x.emit(number, AttemptFinished{Result: x.last(), Retry: again, RetryIn: wait})
		if !again {
			return
		}
		sleep(ctx, wait)
	}
}

// attempt is one start of the container.
func (x *execution) attempt(ctx context.Context, number int) verdict {
	if condemned(x.task, number) {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, noticed, &restartError{limit: x.task.Retry.Limit})
		defer cancel()
	}
	x.emit(number, AttemptStarted{Of: starts(x.task)})
	began := time.Now()
	output := &listener{Sink: source{x.events, x.header(number)}}
	exit, err := Attempt(ctx, x.Engine, x.task.Container, x.labels(number), output)
	x.note(ctx, err)
	ended := time.Now()
	x.ran = append(x.ran, ended.Sub(began))

	v := x.masked(judge(ctx, exit, err), err)
	if err == nil {
		v = explain(v, x.task, exit, output.lastWords())
	}
	a := AttemptResult{
		Number: number, Status: v.status, Reason: v.reason, Message: v.message,
		ExitCode: exit.Code, Signal: exit.Signal, OOMKilled: exit.OOMKilled,
		Started: exit.Started, Finished: exit.Finished,
	}
	if err != nil {
		a.ExitCode = -1
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
	return v
}

// decide ends the task with the verdict of its last attempt, or says how long to wait before the next one.
//
// A wait that would outlast the deadline is not begun: its outcome is already certain, also in a cluster, and nobody
// at a laptop wants to wait for nothing.
func (x *execution) decide(ctx context.Context, v verdict) (wait time.Duration, again bool) {
	if v.status != Failed {
		x.end(v)
		return 0, false
	}
	wait, again = next(x.task, x.ran)
	switch {
	case !again:
		x.end(exhausted(v))
	case ctx.Err() != nil:
		x.end(stopped(context.Cause(ctx)))
	case !x.deadline.IsZero() && !time.Now().Add(wait).Before(x.deadline):
		x.end(tooLate(x.task, len(x.ran)+1, wait, v))
	default:
		return wait, true
	}
	return 0, false
}

// end sets the outcome of the task. Under Cluster semantics it says what Keptn says, word for word (rule 89): Keptn
// copies reason and message from the Job's condition. What we know beyond that is in the attempts.
func (x *execution) end(v verdict) {
	if x.task.Semantics == plan.Cluster {
		v = v.keptn()
	}
	x.result.Status, x.result.Reason = v.status, v.reason
	x.result.Message, x.result.Remedy, x.result.Place = v.message, v.remedy, v.place
}

// masked hides the task's secrets in what is said of an error: engines repeat what they refuse.
func (x *execution) masked(v verdict, err error) verdict {
	if err != nil {
		m := mask.New(x.task.Container.Secrets())
		v.message, v.remedy = m.String(v.message), m.String(v.remedy)
	}
	return v
}

// note remembers what err says about the engine: its failures may leave something there, the mere end of ctx does not.
func (x *execution) note(ctx context.Context, err error) {
	_, failed := errors.AsType[*Error](err)
	x.result.MayRemain = x.result.MayRemain || failed || err != nil && !endedBy(ctx, err)
}

func (x *execution) last() AttemptResult { return x.result.Attempts[len(x.result.Attempts)-1] }

func (x *execution) header(attempt int) Header {
	return Header{Task: x.task.Name, Attempt: attempt}
}

func (x *execution) emit(attempt int, e Event) { x.events.emit(x.header(attempt), e) }

func (x *execution) labels(attempt int) Labels {
	return Labels{
		Run: x.RunID, Task: x.task.Name, Attempt: attempt, Owner: x.Owner, Version: x.Version, Lifetime: x.lifetime(),
	}
}

// settling is more than an engine that still answers takes to make what was asked of it before, and to end and remove
// what is over.
const settling = 5 * time.Minute

// lifetime is how long from now on something of the task can be in use: the rest of its timeout, the grace and what
// follows. A task without a timeout has no such bound, 0.
func (x *execution) lifetime() time.Duration {
	left := x.task.Timeout
	switch {
	case !x.deadline.IsZero():
		left = time.Until(x.deadline)
	case left <= 0:
		return 0
	}
	return max(left, 0) + x.task.Container.Grace + settling
}

// sleep waits for d or for the end of ctx.
func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
