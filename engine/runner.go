package engine

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/ktask/ktask/engine/plan"
)

// Runner carries out plans on an engine.
type Runner struct {
	Engine Engine
	// Sink sees every event of a run, from one goroutine and in one order; nil sees none. A Sink that is slower than
	// the tasks slows them down: at most a few hundred events, or a MiB of output, wait for it.
	Sink Sink
	// Parallel is how many tasks run at once; less than one is one. They start in the order of the plan.
	Parallel int
	// FailFast cancels the other tasks once one has not passed, and starts no more.
	FailFast bool
	// RunID, Owner and Version label what the run leaves on the engine if it crashes, see Labels.
	RunID   string
	Owner   string
	Version string
}

// describeTimeout bounds how long a run waits, at its end, for an engine that does not say what it is.
const describeTimeout = 5 * time.Second

// Run carries out p and returns after the Sink has seen RunFinished.
//
// The error is non-nil where the run could not be carried out at all: an invalid Runner or plan, or a Sink that
// panicked (*SinkPanicError; the Result then tells how far it came). All else is in the Result: the failures of tasks,
// and those of the engine as Errored tasks. Every task of the plan has a TaskResult, also one that never started.
//
// The end of ctx stops what runs, with its grace, ends waits at once and starts no more; the tasks concerned are
// Canceled and their message is the cause of ctx. Nothing is left on the engine and no goroutine when Run returns.
func (r Runner) Run(ctx context.Context, p plan.Plan) (Result, error) {
	if err := r.check(p); err != nil {
		return Result{}, err
	}
	describe, cancelDescribe := context.WithTimeout(ctx, describeTimeout)
	defer cancelDescribe()
	info := r.describe(describe)

	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	x := &run{Runner: r, cancel: cancel, events: dispatch(r.sink(), cancel)}

	result := Result{RunID: r.RunID, Started: time.Now()}
	result.Tasks = x.tasks(ctx, p.Tasks)
	result.Engine = <-info
	result.Status = overall(result.Tasks)
	result.Finished = time.Now()
	x.events.emit(Header{}, RunFinished{Result: result})
	return result, x.events.close()
}

func (r Runner) check(p plan.Plan) error {
	if r.Engine == nil {
		return errors.New("run plan: the Runner has no Engine")
	}
	seen := make(map[string]bool, len(p.Tasks))
	for _, t := range p.Tasks {
		if seen[t.Name] {
			return fmt.Errorf("run plan: two tasks are named %q: results and output are keyed by name", t.Name)
		}
		seen[t.Name] = true
	}
	return nil
}

func (r Runner) sink() Sink {
	if r.Sink == nil {
		return SinkFunc(func(Event) {})
	}
	return r.Sink
}

// describe asks the engine what it is while the first task is already on its way. An engine that fails to say so
// fails the tasks too, or it can still run them: either way this is not a failure of the run.
func (r Runner) describe(ctx context.Context) <-chan Info {
	answer := make(chan Info, 1)
	d, ok := r.Engine.(Describer)
	if !ok {
		answer <- Info{}
		return answer
	}
	go func() {
		info, err := d.Describe(ctx)
		if err != nil {
			info = Info{}
		}
		answer <- info
	}()
	return answer
}

// run is one call of Runner.Run.
type run struct {
	Runner
	cancel context.CancelCauseFunc
	events *dispatcher
}

// tasks starts the tasks in their order, at most Parallel at once, and gives their results in the same order.
func (r *run) tasks(ctx context.Context, tasks []plan.Task) []TaskResult {
	results := make([]TaskResult, len(tasks))
	slots := make(chan struct{}, max(r.Parallel, 1))
	var running sync.WaitGroup
	for i, t := range tasks {
		select {
		case slots <- struct{}{}:
		case <-ctx.Done():
		}
		x := r.newExecution(t)
		if ctx.Err() != nil {
			results[i] = x.skip(context.Cause(ctx))
			continue
		}
		// Told here and not in the task's goroutine, so that the order of the plan is the order of the events.
		x.start()
		running.Go(func() {
			defer func() { <-slots }()
			results[i] = x.complete(ctx)
		})
	}
	running.Wait()
	return results
}

// overall is the worst of the tasks. A task that was canceled because of a sibling does not count: it would make a
// run with --fail-fast look interrupted, while the sibling says what really happened.
func overall(tasks []TaskResult) Status {
	status := Passed
	for _, t := range tasks {
		if t.Reason != SiblingFailed {
			status = worst(status, t.Status)
		}
	}
	return status
}
