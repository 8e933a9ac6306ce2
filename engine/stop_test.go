package engine_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/enginetest"
	"github.com/ktask/ktask/engine/plan"
)

func TestInterrupt(t *testing.T) {
	interrupt := errors.New("interrupt signal received")
	retried := with(task("t2"), 3, time.Hour)
	retried.Retry.Backoff = plan.Backoff{Initial: time.Minute, Max: time.Minute}
	synctest.Test(t, func(t *testing.T) {
		fake, tasks := scripted(hangs, enginetest.Exits(1, 0), enginetest.Exits(0, 0))
		tasks[1] = retried
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(3*second, func() { cancel(interrupt) })
		began := time.Now()
		result, _ := play(t, ctx, engine.Runner{Engine: fake, Parallel: 2}, tasks...)

		if got := outcomes(result); got != "canceled/Interrupted canceled/Interrupted canceled/Interrupted" {
			t.Errorf("outcomes are %s", got)
		}
		if result.Status != engine.Canceled {
			t.Errorf("the run is %s", result.Status)
		}
		if took := time.Since(began); took != 4*second {
			t.Errorf("the run took %v: 3s until the interrupt and 1s to stop are right, a wait ends at once", took)
		}
		for _, task := range result.Tasks {
			if task.Message != "interrupted: interrupt signal received" {
				t.Errorf("task %s says %q", task.Name, task.Message)
			}
		}
		if got := len(result.Tasks[1].Attempts); got != 1 {
			t.Errorf("the waiting task made %d attempts", got)
		}
	})
}

func TestInheritedDeadlineIsNotOurTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), second)
		defer cancel()
		fake, tasks := scripted(hangs)
		result, _ := play(t, ctx, engine.Runner{Engine: fake}, tasks...)
		got := result.Tasks[0]
		if got.Status != engine.Canceled || got.Message != "interrupted: context deadline exceeded" {
			t.Errorf("task is %s, %q", got.Status, got.Message)
		}
	})
}

func TestCanceledBeforeTheStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		fake, tasks := scripted(hangs, hangs)
		result, recorder := play(t, ctx, engine.Runner{Engine: fake}, tasks...)
		if got := outcomes(result); got != "canceled/Interrupted canceled/Interrupted" {
			t.Errorf("outcomes are %s", got)
		}
		if got := recorder.Names(); !slices.Equal(got, []string{"TaskFinished t1", "TaskFinished t2", "RunFinished"}) {
			t.Errorf("events are %v", got)
		}
	})
}

func TestInterruptWhilePulling(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(second, cancel)
		fake, tasks := scripted(hangs)
		fake.Images = map[string]enginetest.Pull{"t1:dev": {Takes: time.Hour}}
		result, _ := play(t, ctx, engine.Runner{Engine: fake}, tasks...)
		if got := outcomes(result); got != "canceled/Interrupted" || result.Tasks[0].Message != "interrupted" {
			t.Errorf("outcome is %s, %q", got, result.Tasks[0].Message)
		}
	})
}

// troubled is an engine that cannot clean up after a stop.
type troubled struct{ enginetest.Fake }

var errLeft = &engine.Error{
	Reason: engine.EngineDidNotAnswer,
	Err:    fmt.Errorf("remove container: %w", context.DeadlineExceeded),
	Remedy: engine.Remedy{Text: "run ktask clean"},
}

func (e *troubled) Run(ctx context.Context, c plan.Container, l engine.Labels, _ engine.Output) (engine.Exit, error) {
	<-ctx.Done()
	if l.Task == "joined" {
		return engine.Exit{}, errors.Join(context.Cause(ctx), errLeft)
	}
	return engine.Exit{}, errLeft
}

// TestTroubleWithTheStop holds that the message names what the engine could not clean up, whatever stopped it, and that
// a deadline of the engine is not taken for the task's.
func TestTroubleWithTheStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := engine.Runner{Engine: &troubled{}, Parallel: 2}
		result, err := r.Run(t.Context(), plan.Plan{Tasks: []plan.Task{with(task("joined"), 0, second), with(task("alone"), 0, second)}})
		if err != nil {
			t.Fatal(err)
		}
		if got := outcomes(result); got != "timed-out/DeadlineExceeded errored/EngineDidNotAnswer" {
			t.Errorf("outcomes are %s", got)
		}
		joined := result.Tasks[0]
		if joined.Message != "timed out after 1s: remove container: context deadline exceeded" || joined.Remedy != errLeft.Remedy {
			t.Errorf("the joined error says %q, %q", joined.Message, joined.Remedy)
		}
	})
}

// failing is an engine whose processes fail by themselves at the very time of the stop.
type failing struct{ enginetest.Fake }

func (*failing) Run(ctx context.Context, _ plan.Container, _ engine.Labels, _ engine.Output) (engine.Exit, error) {
	<-ctx.Done()
	return engine.Exit{Code: 1}, nil
}

// TestFailureAtTheEnd holds that an attempt that failed by itself is Failed, and that the task has the outcome of what
// prevents another attempt.
func TestFailureAtTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(second, cancel)
		var recorder enginetest.Recorder
		r := engine.Runner{Engine: &failing{}, Sink: &recorder, Parallel: 3}
		result, err := r.Run(ctx, plan.Plan{Tasks: []plan.Task{
			with(task("last"), 0, time.Hour), with(task("retried"), 3, time.Hour), with(task("late"), 3, second/2),
		}})
		if err != nil {
			t.Fatal(err)
		}
		if got := outcomes(result); got != "failed/BackoffLimitExceeded canceled/Interrupted timed-out/DeadlineExceeded" {
			t.Errorf("outcomes are %s", got)
		}
		for _, e := range recorder.Events() {
			if e, ok := e.(engine.AttemptFinished); ok && (e.Retry || e.Result.Status != engine.Failed) {
				t.Errorf("attempt of %s is %s, retry %v", e.Task, e.Result.Status, e.Retry)
			}
		}
	})
}
