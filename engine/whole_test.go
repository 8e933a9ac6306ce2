package engine_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/plan"
)

// cluster is an engine that runs whole tasks.
type cluster struct {
	engine.Engine // runs no attempts: its methods are nil
	runs          func(context.Context, engine.Attempts) (engine.Verdict, error)
}

func (c cluster) RunTask(ctx context.Context, _ plan.Task, _ engine.Labels, a engine.Attempts) (engine.Verdict, error) {
	return c.runs(ctx, a)
}

// runs returns a function that plays attempts with these exits and ends with the verdict.
func runs(verdict engine.Verdict, exits ...engine.Exit) func(context.Context, engine.Attempts) (engine.Verdict, error) {
	return func(_ context.Context, a engine.Attempts) (engine.Verdict, error) {
		for i, exit := range exits {
			out := a.Start()
			_, _ = fmt.Fprintf(out.Stdout, "attempt %d knows hunter2hunter2\n", i+1)
			_ = out.Message(strings.NewReader("message " + string(rune('a'+i))))
			var last *engine.Verdict
			if i == len(exits)-1 {
				last = &verdict
			}
			a.End(exit, last)
		}
		return verdict, nil
	}
}

// TestWholeTask checks what becomes of the attempts and the verdict of an engine that runs a whole task.
func TestWholeTask(t *testing.T) {
	failed := engine.Verdict{Status: engine.Failed, Reason: engine.BackoffLimitExceeded, Message: "the controller's words"}
	late := engine.Verdict{Status: engine.TimedOut, Reason: engine.DeadlineExceeded, Message: "too long"}
	stop := errors.New("^C")
	lost := &engine.Error{Reason: engine.EngineLost, Err: errors.New("the server is gone, and hunter2hunter2 with it")}
	tests := []struct {
		name   string
		runs   func(context.Context, engine.Attempts) (engine.Verdict, error)
		cancel bool
		want   string
	}{
		{"passes", runs(engine.Verdict{Status: engine.Passed}, engine.Exit{}), false, "passed//message a exit 0: passed/0/message a"},
		{"passes in the end", runs(engine.Verdict{Status: engine.Passed}, engine.Exit{Code: 3}, engine.Exit{}), false, "passed//message b exit 0: failed/3/exit code 3: message a, passed/0/message b"},
		{"fails", runs(failed, engine.Exit{Code: 3}, engine.Exit{Code: 137, Signal: "SIGKILL", Stopped: true}), false,
			"failed/BackoffLimitExceeded/the controller's words exit 137: failed/3/exit code 3: message a, failed/137/exit code 137 (SIGKILL): killed, as a Job with retries 1 fails once this start is noticed"},
		{"goes on in another pod", runs(engine.Verdict{Status: engine.Passed}, engine.Exit{Code: 137, Signal: "SIGKILL", Stopped: true}, engine.Exit{}), false,
			"passed//message b exit 0: failed/137/exit code 137 (SIGKILL): the cluster has replaced its pod, passed/0/message b"},
		{"a start that passes too late", runs(failed, engine.Exit{Code: 3}, engine.Exit{}), false,
			"failed/BackoffLimitExceeded/the controller's words exit 0: failed/3/exit code 3: message a, passed/0/message b"},
		{"is late", runs(late, engine.Exit{Code: 143, Stopped: true}), false, "timed-out/DeadlineExceeded/too long exit 143: timed-out/143/timed out after 5s"},
		{"is killed", runs(late, engine.Exit{Code: 137, Signal: "SIGKILL", Stopped: true}), false,
			"timed-out/DeadlineExceeded/too long exit 137: timed-out/137/timed out after 5s; it did not end on the stop signal and was killed after its grace of 0s"},
		{"never starts", runs(late), false, "timed-out/DeadlineExceeded/too long exit -1: "},
		{"the engine fails", func(context.Context, engine.Attempts) (engine.Verdict, error) { return engine.Verdict{}, lost }, false,
			"errored/EngineLost/the server is gone, and ••• with it exit -1: "},
		{"the engine fails in an attempt", func(_ context.Context, a engine.Attempts) (engine.Verdict, error) {
			a.Start()
			return engine.Verdict{}, lost
		}, false, "errored/EngineLost/the server is gone, and ••• with it exit -1: errored/-1/the server is gone, and ••• with it"},
		{"is stopped", func(ctx context.Context, a engine.Attempts) (engine.Verdict, error) {
			_, _ = io.WriteString(a.Start().Stdout, "last words")
			<-ctx.Done()
			return engine.Verdict{}, context.Cause(ctx)
		}, true, "canceled/Interrupted/interrupted: ^C exit -1: canceled/-1/interrupted: ^C"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			ctx, cancel := context.WithCancelCause(t.Context())
			defer cancel(nil)
			task := plan.Task{Name: "t", Semantics: plan.Cluster, Timeout: 5e9, Retry: plan.Retry{Limit: 1}}
			task.Container.Env = []plan.EnvVar{{Name: "S", Value: plan.Hidden(plan.NewSecret("s/k", "hunter2hunter2"))}}
			var seen []string
			runner := engine.Runner{Engine: cluster{runs: test.runs}, Parallel: 1, Sink: engine.SinkFunc(func(e engine.Event) {
				if line, ok := e.(engine.OutputLine); ok && strings.Contains(line.Line, "hunter2") {
					t.Errorf("the output shows the secret: %s", line.Line)
				}
				seen = append(seen, fmt.Sprintf("%T", e))
				if _, ok := e.(engine.AttemptStarted); ok && test.cancel {
					cancel(stop)
				}
			})}
			result, err := runner.Run(ctx, plan.Plan{Tasks: []plan.Task{task}})
			if err != nil {
				t.Fatal(err)
			}
			r := result.Tasks[0]
			var attempts []string
			for _, a := range r.Attempts {
				attempts = append(attempts, fmt.Sprintf("%s/%d/%s", a.Status, a.ExitCode, a.Message))
			}
			if got := fmt.Sprintf("%s/%s/%s exit %d: %s", r.Status, r.Reason, r.Message, r.ExitCode, strings.Join(attempts, ", ")); got != test.want {
				t.Errorf("got\n%s\nwant\n%s", got, test.want)
			}
			started, ended := 0, 0
			for _, e := range seen {
				started += len(strings.Split(e, "AttemptStarted")) - 1
				ended += len(strings.Split(e, "AttemptFinished")) - 1
			}
			if started != len(r.Attempts) || ended != started || !slices.Contains(seen, "engine.TaskFinished") {
				t.Errorf("%d attempts, events %v", len(r.Attempts), seen)
			}
		})
	}
}
