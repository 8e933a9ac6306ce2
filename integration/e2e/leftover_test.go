package e2e

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/plan"
	"github.com/ktask/ktask/integration/engines"
)

// sleeper is a container that writes a line and lasts.
var sleeper = plan.Container{
	Image: busyboxImage, PullPolicy: plan.PullNever, Grace: 100 * time.Millisecond,
	Command: plan.Texts([]string{"sh", "-c", "echo ready; sleep 600"}),
}

// TestOthersAreLeftAlone: containers of runs that this machine has no record of stay until they are older than their runs
// allow. Before that, only --all --force removes them.
func TestOthersAreLeftAlone(t *testing.T) {
	for name, lifetime := range map[string]time.Duration{"in its time": time.Hour, "without a bound": 0} {
		t.Run(name, func(t *testing.T) {
			run, ended := held(t, lifetime)
			ktask(t, python("print(1)"), "run", "-").expect(t, 0)
			if o := ktask(t, "", "clean", run).expect(t, 0); !strings.HasPrefix(o.stdout, "left container ktask-") || !strings.Contains(o.stdout, "--all removes it") {
				t.Errorf("clean says %q", o.stdout)
			}
			ktask(t, "", "clean", "--all", run).expect(t, 2)
			ktask(t, "", "clean", "--all", "--dry-run", run).expect(t, 0)
			select {
			case <-ended:
				t.Fatal("the container has been removed")
			default:
			}
			ktask(t, "", "clean", "--all", "--force", run).expect(t, 0)
			engines.Receive(t, ended, "clean --all --force removes the container")
		})
	}
	t.Run("after its time", func(t *testing.T) {
		run, ended := held(t, time.Second)
		engines.Await(t, "the container is older than its run allows", func() bool {
			left, err := theEngine(t).Leftovers(t.Context(), run)
			return err == nil && len(left) == 1 && left[0].Overdue
		})
		ktask(t, "", "clean", "--dry-run", run).expect(t, 0)
		select {
		case <-ended:
			t.Fatal("a dry run has removed the container")
		default:
		}
		ktask(t, "", "clean", run).expect(t, 0)
		engines.Receive(t, ended, "clean removes the container")
	})
}

// TestPanicInAReporter: the run is stopped, the caller is told, and the engine has nothing of it.
func TestPanicInAReporter(t *testing.T) {
	e := theEngine(t)
	var tasks []plan.Task
	for _, name := range []string{"a", "b", "c"} {
		tasks = append(tasks, plan.Task{Name: name, Container: sleeper})
	}
	r := engine.Runner{
		Engine: e, Parallel: 2, RunID: fmt.Sprintf("%s-%d", t.Name(), os.Getpid()), Owner: "test", Version: "test",
		Sink: engine.SinkFunc(func(e engine.Event) {
			if _, ok := e.(engine.OutputLine); ok {
				panic("no more paper")
			}
		}),
	}
	_, err := r.Run(t.Context(), plan.Plan{Tasks: tasks})
	var broken *engine.SinkPanicError
	if !errors.As(err, &broken) || broken.Value != "no more paper" {
		t.Errorf("Run gives %v", err)
	}
	if left, err := e.Leftovers(context.Background(), r.RunID); err != nil || len(left) > 0 {
		t.Errorf("left: %+v, %v", left, err)
	}
}

// held returns the container of a run of this test on the engine. Its run is at work as on another machine.
func held(t *testing.T, lifetime time.Duration) (run string, ended chan struct{}) {
	t.Helper()
	run = fmt.Sprintf("%s-%d", t.Name(), os.Getpid())
	ready, ended := make(chan struct{}, 1), make(chan struct{})
	e := theEngine(t)
	go func() {
		defer close(ended)
		labels := engine.Labels{Run: run, Task: "held", Attempt: 1, Owner: "1 elsewhere", Version: "test", Lifetime: lifetime}
		_, _ = engine.Attempt(t.Context(), e, sleeper, labels, engine.SinkFunc(func(engine.Event) {
			select {
			case ready <- struct{}{}:
			default:
			}
		}))
	}()
	t.Cleanup(func() { engines.Receive(t, ended, "the end of the container") }) // before that of its engine's client
	select {
	case <-ready:
	case <-ended:
		t.Fatal("the container did not start (make images)")
	case <-time.After(engines.Patience):
		t.Fatalf("the container prints nothing within %v", engines.Patience)
	}
	return run, ended
}
