package engine

import (
	"context"
	"time"

	"github.com/ktask/ktask/engine/plan"
)

// TaskRunner is an engine that has rules of its own for attempts, waits and the deadline of a task, as the Job controller of a cluster.
// The Runner leaves tasks with Cluster semantics to it: it calls RunTask in place of Prepare and Run.
type TaskRunner interface {
	// RunTask carries out a task. It calls Start and End of attempts in turn. It blocks until the task has ended and nothing of it is
	// left on the engine, on any path. The end of ctx stops the task as it does for Run, and is then the error. Otherwise an error is
	// an *Error, as for Run.
	RunTask(ctx context.Context, t plan.Task, labels Labels, attempts Attempts) (Verdict, error)
}

// Attempts takes the attempts of a task from an engine, one after another.
type Attempts interface {
	// Start begins an attempt and returns where its output goes.
	Start() Output
	// End ends the attempt, when its output is complete. verdict is the end of the task, or nil if another attempt is to follow.
	// Exit.Stopped reports that not the process but the engine has ended the attempt, because of the verdict or to try elsewhere.
	End(exit Exit, verdict *Verdict)
}

// Verdict is how a task ended, in the words of the engine.
type Verdict struct {
	// Status is Passed, Failed or TimedOut.
	Status  Status
	Reason  Reason
	Message string
}

// runWhole lets the engine run the task.
func (x *taskRun) runWhole(ctx context.Context, e TaskRunner) {
	if ctx.Err() != nil {
		x.end(stopped(context.Cause(ctx)))
		return
	}
	w := &wholeTask{taskRun: x}
	verdict, err := e.RunTask(ctx, x.task, x.labels(0), w)
	w.abandon(ctx, err)
	x.recordFailure(ctx, err)
	if err != nil {
		x.end(x.masked(outcomeOf(ctx, Exit{}, ExplainImage(err, x.task)), err))
		return
	}
	o := x.explained
	if verdict.Status == Passed {
		verdict.Message = o.message
	}
	x.conclude(outcome{status: verdict.Status, reason: verdict.Reason, message: verdict.Message, remedy: o.remedy, place: o.place})
}

// wholeTask are the Attempts of a task that an engine runs.
type wholeTask struct {
	*taskRun
	number int
	began  time.Time
	// output and tail are those of the attempt that runs; nil if none does.
	output *attemptOutput
	tail   *outputTail
}

// Start begins an attempt.
func (w *wholeTask) Start() Output {
	w.number++
	w.began = time.Now()
	w.emit(w.number, AttemptStarted{Of: maxStarts(w.task)})
	w.tail = &outputTail{Sink: attemptSink{w.events, w.header(w.number)}}
	w.output = newAttemptOutput(w.task.Container, w.tail, w.Parts)
	return w.output.output()
}

// End ends the attempt.
func (w *wholeTask) End(exit Exit, verdict *Verdict) {
	w.output.close()
	exit = w.output.explained(exit)
	o := outcome{status: Failed, reason: BackoffLimitExceeded, message: exitText(exit, (&restartError{w.task.Retry.Limit}).Error()), killed: true}
	switch {
	case !exit.Stopped:
		o = explain(outcomeOf(context.Background(), exit, nil), w.task, exit, w.tail.lines())
		w.explained = o
	case verdict == nil:
		o = outcome{status: Failed, reason: ContainerRemoved, message: exitText(exit, "the cluster has replaced its pod"), killed: true}
	case verdict.Status == TimedOut:
		o = explain(stopped(&deadlineError{after: w.task.Timeout, origin: w.task.TimeoutOrigin}), w.task, exit, nil)
		w.explained = o
	}
	w.finish(o, exit, verdict == nil)
}

// abandon ends an attempt that the engine has not ended, because ctx ended or the engine failed with err.
func (w *wholeTask) abandon(ctx context.Context, err error) {
	if w.output == nil {
		return
	}
	w.output.close()
	w.finish(w.masked(outcomeOf(ctx, Exit{}, err), err), Exit{Code: -1}, false)
}

func (w *wholeTask) finish(o outcome, exit Exit, again bool) {
	ended := time.Now()
	w.ran = append(w.ran, ended.Sub(w.began))
	w.record(w.number, o, exit, w.began, ended)
	wait := time.Duration(0)
	if again {
		wait, _ = nextWait(w.task, w.ran)
	}
	w.emit(w.number, AttemptFinished{Result: w.last(), Retry: again, RetryIn: wait})
	w.output, w.tail = nil, nil
}
