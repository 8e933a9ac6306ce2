package engine

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/ktask/ktask/engine/plan"
)

// Runner carries out plans on an engine.
type Runner struct {
	Engine Engine
	// Sink sees every event of a run, from one goroutine and in one order; nil sees none. A Sink that is slower than
	// the tasks slows them down: at most a few hundred events, or a MiB of output, wait for it.
	Sink Sink
	// Parallel is how many tasks run at once; less than one is one. They start in the order of the plan, those of a
	// stage together, as soon as the stages that it needs have passed. Where tasks of a stage wait for each other,
	// Parallel has to have room for all of them.
	Parallel int
	// FailFast cancels the other tasks, of any stage, once one has not passed, and starts no more. A task that the
	// plan forgives (plan.NonBlocking) does not set it off.
	FailFast bool
	// RunID, Owner and Version label what the run leaves on the engine if it crashes, see Labels. A RunID is used for one
	// run alone, on any engine; if it is empty, Run makes one.
	RunID   string
	Owner   string
	Version string
}

// NewRunID returns an id that no other run has, 12 hexadecimal digits.
func NewRunID() string {
	var id [6]byte
	_, _ = rand.Read(id[:]) // never fails
	return hex.EncodeToString(id[:])
}

// describeTimeout bounds how long a run waits, at its end, for an engine that does not say what it is.
const describeTimeout = 5 * time.Second

// Run carries out p and returns after the Sink has seen RunFinished.
//
// The error is non-nil where the run could not be carried out at all: an invalid Runner or plan, or a Sink that
// panicked (*SinkPanicError; the Result then tells how far it came). All else is in the Result: the failures of tasks,
// and those of the engine as Errored tasks. Every task of the plan has a TaskResult and every stage a StageResult, also
// one that never started.
//
// A stage has failed with its first task that has not passed (rule 124). Its other tasks run to their end (125), the
// stages behind it never start and their tasks are Canceled with StageFailed (126). Under plan.NonBlocking a stage that
// failed or timed out is a warning and the stages behind it start (129); one that errored still stops them.
//
// The end of ctx stops what runs, with its grace, ends waits at once and starts no more; the tasks concerned are
// Canceled and their message is the cause of ctx. Nothing is left on the engine and no goroutine when Run returns.
func (r Runner) Run(ctx context.Context, p plan.Plan) (Result, error) {
	if err := r.check(p); err != nil {
		return Result{}, err
	}
	if r.RunID == "" {
		r.RunID = NewRunID()
	}
	describe, cancelDescribe := context.WithTimeout(ctx, describeTimeout)
	defer cancelDescribe()
	info := r.describe(describe)

	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	x := &run{Runner: r, plan: p, cancel: cancel, events: dispatch(r.sink(), cancel)}

	result := Result{RunID: r.RunID, Started: time.Now()}
	result.Tasks, result.Stages = newCourse(x).follow(ctx)
	result.Engine = <-info
	result.Status = x.overall(result.Tasks)
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
	return checkStages(p)
}

// checkStages makes sure that every stage's turn comes: needs are earlier, so there is no cycle.
func checkStages(p plan.Plan) error {
	known := make(map[string]bool, len(p.Stages))
	for _, s := range p.Stages {
		if s.ID == "" || known[s.ID] {
			return fmt.Errorf("run plan: stage ID %q of %v is empty, or that of another stage", s.ID, s)
		}
		for _, need := range s.Needs {
			if !known[need] {
				return fmt.Errorf("run plan: stage %q needs %q, which is not among the stages before it", s.ID, need)
			}
		}
		known[s.ID] = true
	}
	for _, t := range p.Tasks {
		if t.Stage != "" && !known[t.Stage] {
			return fmt.Errorf("run plan: task %q belongs to stage %q, which the plan does not have", t.Name, t.Stage)
		}
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
	plan   plan.Plan
	cancel context.CancelCauseFunc
	events *dispatcher
}

// counts is true for a task whose outcome is one of the run, see Result.Status.
func (r *run) counts(t TaskResult) bool {
	if t.Reason == SiblingFailed || t.Reason == StageFailed {
		return false
	}
	return !r.forgives(t)
}

// forgives is true for a task of a stage whose failure is no more than a warning (rule 129).
func (r *run) forgives(t TaskResult) bool {
	return r.plan.NonBlocking && t.Stage.ID != "" && (t.Status == Failed || t.Status == TimedOut)
}

// overall is the worst of the tasks that count.
func (r *run) overall(tasks []TaskResult) Status {
	status := Passed
	for _, t := range tasks {
		if r.counts(t) {
			status = worst(status, t.Status)
		}
	}
	return status
}
