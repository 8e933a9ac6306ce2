package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ktask/ktask/engine/diagnose"
	"github.com/ktask/ktask/engine/plan"
)

// outcome is a status and its explanation, of an attempt or of a task.
type outcome struct {
	status  Status
	reason  Reason
	message string
	remedy  Remedy
	// place is the line of a manifest that failed, if it is known.
	place plan.Origin
	// killed reports whether the failure of the Job ended the attempt, see failsJob.
	killed bool
}

// deadlineError is the cause of a context that the timeout of a task ended. Its type distinguishes the timeout from a
// deadline of the caller's context and from an interrupt.
type deadlineError struct {
	after  time.Duration
	origin plan.Origin
}

func (e *deadlineError) Error() string { return "timed out after " + e.timeout() }

// timeout returns the timeout with its origin.
func (e *deadlineError) timeout() string {
	if !e.origin.Known() {
		return e.after.String()
	}
	return fmt.Sprintf("%v (%s)", e.after, e.origin)
}

// remedy returns how to change the timeout.
func (e *deadlineError) remedy() Remedy {
	r := Remedy{Option: OptionTimeout}
	switch e.origin.Source {
	case plan.SourceDefault:
		r.Text = "set spec.timeout"
	case plan.SourceFile:
		r.Text = "raise spec.timeout"
	}
	return r
}

// siblingError is the cause of a context that Runner.FailFast ended.
type siblingError struct{ task string }

func (e *siblingError) Error() string {
	return fmt.Sprintf("stopped because task %q did not pass", e.task)
}

// stageError is why a task does not run after a failed stage.
type stageError struct {
	stage plan.Stage
	task  string
}

func (e *stageError) Error() string {
	return fmt.Sprintf("not run because task %q of %v did not pass", e.task, e.stage)
}

// restartError is the cause of the context of a start that makes a Job fail, see failsJob.
type restartError struct{ limit int }

func (e *restartError) Error() string {
	return fmt.Sprintf("killed, as a Job with retries %d fails once this start is noticed", e.limit)
}

// stopped returns the outcome of what the end of a context stopped.
func stopped(cause error) outcome {
	var (
		deadline *deadlineError
		sibling  *siblingError
		stage    *stageError
		restart  *restartError
	)
	switch {
	case errors.As(cause, &deadline):
		return outcome{status: TimedOut, reason: DeadlineExceeded, message: deadline.Error(), remedy: deadline.remedy()}
	case errors.As(cause, &sibling):
		return outcome{status: Canceled, reason: SiblingFailed, message: sibling.Error()}
	case errors.As(cause, &stage):
		return outcome{status: Canceled, reason: StageFailed, message: stage.Error()}
	case errors.As(cause, &restart):
		return outcome{status: Failed, reason: BackoffLimitExceeded, message: restart.Error(), killed: true}
	case cause == nil || cause == context.Canceled: //nolint:errorlint // the bare value says nothing worth showing
		return outcome{status: Canceled, reason: Interrupted, message: "interrupted"}
	default:
		return outcome{status: Canceled, reason: Interrupted, message: "interrupted: " + cause.Error()}
	}
}

// outcomeOf returns the outcome of what an engine returned under ctx.
func outcomeOf(ctx context.Context, exit Exit, err error) outcome {
	switch {
	case err != nil && endedBy(ctx, err):
		o := stopped(context.Cause(ctx))
		if e := (*Error)(nil); errors.As(err, &e) { // the engine failed while it stopped the container
			o.message += ": " + e.Error()
			o.remedy = cmp.Or(e.Remedy, o.remedy)
		}
		return o
	case err != nil:
		return errored(err)
	case exit.Stopped:
		o := stopped(context.Cause(ctx))
		if o.status == Failed {
			o.message = exitText(exit, o.message)
		}
		return o
	case exit.Code == 0:
		return outcome{status: Passed, message: exit.Message}
	default:
		return outcome{status: Failed, reason: exit.Reason, message: exitText(exit, exit.Message)}
	}
}

// endedBy reports whether err is how an engine reports the end of ctx. Of an error that an engine has classified, only the
// cause itself counts: a deadline of the engine, for example for cleaning up, is context.DeadlineExceeded as well.
func endedBy(ctx context.Context, err error) bool {
	if ctx.Err() == nil {
		return false
	}
	if errors.Is(err, context.Cause(ctx)) {
		return true
	}
	classified := (*Error)(nil)
	return !errors.As(err, &classified) && errors.Is(err, ctx.Err())
}

// errored returns the outcome of an engine that could not do its job.
func errored(err error) outcome {
	o := outcome{status: Errored, reason: EngineRefused, message: err.Error()}
	if e := (*Error)(nil); errors.As(err, &e) {
		o.reason, o.remedy = e.Reason, e.Remedy
	}
	return o
}

// ExplainImage adds to an error of Prepare what the task knows about its image: the image of a runtime that nobody has chosen can
// be replaced, and pull secrets that are missing can be given. It returns other errors unchanged.
func ExplainImage(err error, t plan.Task) error {
	failure, ok := errors.AsType[*Error](err)
	if !ok || !slices.Contains([]Reason{ImagePullFailed, ImageNotFound, ImageUnauthorized}, failure.Reason) {
		return err
	}
	explained := *failure
	r := &explained.Remedy
	option := map[plan.Runtime]Option{plan.RuntimeDeno: OptionDeno, plan.RuntimePython: OptionPython}[t.Runtime]
	switch {
	case r.Option != "" && r.Option != OptionImage:
	case option != "" && t.Container.ImageOrigin == plan.Default:
		if failure.Reason != ImagePullFailed && t.Container.PullPolicy != plan.PullNever {
			r.Text = "" // there is no name to correct, and nobody to log in to
		}
		r.Option = option
	case failure.Reason == ImageUnauthorized && len(t.Container.ImagePullSecrets) > len(t.Container.PullCredentials):
		r.Option = OptionSecrets
	}
	return &explained
}

// exhausted returns the outcome of a task whose last attempt failed. The reason is Keptn's unless a more exact one is
// known.
func exhausted(last outcome) outcome {
	if last.reason == "" || last.reason == ScriptFailed {
		last.reason = BackoffLimitExceeded
	}
	return last
}

// tooLate returns the outcome of a task whose next attempt would start after its deadline.
func tooLate(t plan.Task, number int, wait time.Duration, last outcome) outcome {
	deadline := &deadlineError{after: t.Timeout, origin: t.TimeoutOrigin}
	return outcome{status: TimedOut, reason: DeadlineExceeded, remedy: cmp.Or(last.remedy, deadline.remedy()), message: fmt.Sprintf(
		"attempt %d would start in %v, after the timeout of %s; the last one ended with %s", number, wait, deadline.timeout(), last.message)}
}

// inKeptnsWords returns the outcome with the reason and message of the Job's condition, if a Job has one for it.
func (o outcome) inKeptnsWords() outcome {
	switch o.status {
	case Failed:
		o.reason, o.message = BackoffLimitExceeded, "Job has reached the specified backoff limit"
	case TimedOut:
		o.reason, o.message = DeadlineExceeded, "Job was active longer than specified deadline"
	}
	return o
}

// explain returns the outcome of an attempt with the cause of its failure, which it finds in the end of the output.
func explain(o outcome, t plan.Task, exit Exit, output []string) outcome {
	if o.status == TimedOut && exit.Stopped && exit.Signal == "SIGKILL" {
		o.message += fmt.Sprintf("; it did not end on the stop signal and was killed after its grace of %v", t.Container.Grace)
	}
	if o.status != Failed || exit.Stopped && !exit.OOMKilled {
		return o
	}
	cause, ok := diagnose.Explain(diagnose.Failure{
		Task: t, ExitCode: exit.Code, Signal: exit.Signal, OOMKilled: exit.OOMKilled, Reason: exit.Reason,
		Output: output, Truncated: len(output) == keptLines,
	})
	if !ok {
		return o
	}
	o.reason, o.remedy, o.place = cmp.Or(o.reason, cause.Reason), cause.Remedy, cause.Place
	message := strings.TrimSpace(exit.Message) + "\n" + cause.Message
	if exit.OOMKilled {
		message = cause.Message
	}
	o.message = exitText(exit, message)
	return o
}

// exitText returns the exit code, the signal and what is known about them.
func exitText(exit Exit, message string) string {
	text := fmt.Sprintf("exit code %d", exit.Code)
	if exit.Signal != "" {
		text += " (" + exit.Signal + ")"
	}
	if message = strings.TrimSpace(message); message != "" {
		text += ": " + message
	}
	return text
}
