package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/ktask/ktask/engine/plan"
)

// verdict is an outcome and its explanation, of an attempt or of a task.
type verdict struct {
	status  Status
	reason  Reason
	message string
	remedy  string
	// place is the line of a manifest that failed, or "".
	place plan.Origin
}

// deadlineError is the cause of a context that a task's own timeout ended. Its type tells it from a deadline that the
// caller's context brought along, and from the user's interrupt.
type deadlineError struct {
	after  time.Duration
	origin plan.Origin
}

func (e *deadlineError) Error() string { return "timed out after " + e.timeout() }

// timeout names the timeout and where it comes from.
func (e *deadlineError) timeout() string {
	if e.origin == "" {
		return e.after.String()
	}
	return fmt.Sprintf("%v (%s)", e.after, e.origin)
}

// remedy names what decides the timeout.
func (e *deadlineError) remedy() string {
	switch {
	case strings.HasPrefix(string(e.origin), "flag "):
		return "give a longer --timeout"
	case e.origin == "default":
		return "set spec.timeout, or give --timeout"
	}
	return "raise spec.timeout, or give --timeout"
}

// siblingError is the cause of a context that --fail-fast ended.
type siblingError struct{ task string }

func (e *siblingError) Error() string {
	return fmt.Sprintf("stopped because task %q did not pass", e.task)
}

// stageError is why a task does not run whose stage is behind a failed one.
type stageError struct {
	stage plan.Stage
	task  string
}

func (e *stageError) Error() string {
	return fmt.Sprintf("not run because task %q of %v did not pass", e.task, e.stage)
}

// restartError is the cause of the context of a start that is one too many, see condemned.
type restartError struct{ limit int }

func (e *restartError) Error() string {
	return fmt.Sprintf("killed, as a Job with retries %d fails once this start is noticed", e.limit)
}

// stopped is the outcome of what the end of a context stopped.
func stopped(cause error) verdict {
	var (
		deadline *deadlineError
		sibling  *siblingError
		stage    *stageError
		restart  *restartError
	)
	switch {
	case errors.As(cause, &deadline):
		return verdict{status: TimedOut, reason: DeadlineExceeded, message: deadline.Error(), remedy: deadline.remedy()}
	case errors.As(cause, &sibling):
		return verdict{status: Canceled, reason: SiblingFailed, message: sibling.Error()}
	case errors.As(cause, &stage):
		return verdict{status: Canceled, reason: StageFailed, message: stage.Error()}
	case errors.As(cause, &restart):
		return verdict{status: Failed, reason: BackoffLimitExceeded, message: restart.Error()}
	case cause == nil || cause == context.Canceled: //nolint:errorlint // the bare value says nothing worth showing
		return verdict{status: Canceled, reason: Interrupted, message: "interrupted"}
	default:
		return verdict{status: Canceled, reason: Interrupted, message: "interrupted: " + cause.Error()}
	}
}

// judge is the outcome of what an engine did under ctx.
func judge(ctx context.Context, exit Exit, err error) verdict {
	switch {
	case err != nil && endedBy(ctx, err):
		v := stopped(context.Cause(ctx))
		if e := (*Error)(nil); errors.As(err, &e) {
			// The engine was told to stop, and had trouble doing so.
			v.message += ": " + e.Error()
			v.remedy = cmp.Or(e.Remedy, v.remedy)
		}
		return v
	case err != nil:
		return errored(err)
	case exit.Stopped:
		v := stopped(context.Cause(ctx))
		if v.status == Failed {
			v.message = exitText(Exit{Code: exit.Code, Signal: exit.Signal, Message: v.message})
		}
		return v
	case exit.Code == 0:
		return verdict{status: Passed, message: exit.Message}
	default:
		return verdict{status: Failed, reason: exit.Reason, message: exitText(exit)}
	}
}

// endedBy is true where err is how an engine says that ctx had ended. Only the cause itself counts once an engine has
// classified its error: a deadline of the engine's own, say for cleaning up, is context.DeadlineExceeded as well.
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

// errored is the outcome where the engine could not do its job.
func errored(err error) verdict {
	v := verdict{status: Errored, reason: EngineRefused, message: err.Error()}
	if e := (*Error)(nil); errors.As(err, &e) {
		v.reason, v.remedy = e.Reason, e.Remedy
	}
	return v
}

// exhausted is the outcome of a task whose last attempt failed: Keptn's word, unless the cause is known more exactly.
func exhausted(last verdict) verdict {
	if last.reason == "" || last.reason == ScriptFailed {
		last.reason = BackoffLimitExceeded
	}
	return last
}

// tooLate is the outcome of a task whose next attempt would start after its deadline.
func tooLate(t plan.Task, number int, wait time.Duration, last verdict) verdict {
	deadline := &deadlineError{after: t.Timeout, origin: t.TimeoutOrigin}
	return verdict{status: TimedOut, reason: DeadlineExceeded, remedy: cmp.Or(last.remedy, deadline.remedy()), message: fmt.Sprintf(
		"attempt %d would start in %v, after the timeout of %s; the last one ended with %s", number, wait, deadline.timeout(), last.message)}
}

// keptn is the outcome in the words of the Job's condition, where a Job has one.
func (v verdict) keptn() verdict {
	switch v.status {
	case Failed:
		v.reason, v.message = BackoffLimitExceeded, "Job has reached the specified backoff limit"
	case TimedOut:
		v.reason, v.message = DeadlineExceeded, "Job was active longer than specified deadline"
	}
	return v
}

// outOfMemory explains an attempt that the kernel killed.
func outOfMemory(v verdict, exit Exit, c plan.Container) verdict {
	if v.reason == "" {
		v.reason = OOMKilled
	}
	message := "out of memory"
	v.remedy = "give the engine more memory, or let the task use less"
	if limit := c.Limits.MemoryBytes; limit > 0 {
		message += ", the limit is " + quantity(limit) + in(c.Origin("limits.memory"))
		v.remedy = "raise resources.limits.memory, or let the task use less"
		if len(c.Tmpfs) > 0 { // rule 82
			v.remedy += fmt.Sprintf("; what it writes to volume %q counts", c.Tmpfs[0].Name)
		}
	}
	v.message = exitText(Exit{Code: exit.Code, Signal: exit.Signal, Message: message})
	return v
}

// exitText names the exit code, always, and what is known about it.
func exitText(exit Exit) string {
	text := fmt.Sprintf("exit code %d", exit.Code)
	if exit.Signal != "" {
		text += " (" + exit.Signal + ")"
	}
	if message := strings.TrimSpace(exit.Message); message != "" {
		text += ": " + message
	}
	return text
}

// quantity writes bytes as a Kubernetes quantity: 209715200 is 200Mi.
func quantity(n int64) string {
	units := []string{"", "Ki", "Mi", "Gi", "Ti"}
	i := 0
	for i+1 < len(units) && n%1024 == 0 {
		n, i = n/1024, i+1
	}
	return fmt.Sprint(n, units[i])
}
