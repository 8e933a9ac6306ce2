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
	// the tasks slows them down: at most a few thousand events, or a MiB of output, wait for it.
	Sink Sink
	// Parallel is how many tasks run at once, at least one. They start in the order of the plan, those of a stage as soon
	// as the stages that it needs have passed. If tasks of a stage wait for each other, Parallel must not be less than
	// their number.
	Parallel int
	// FailFast cancels the other tasks, of any stage, after one has not passed, and starts no more. A failure that the
	// plan tolerates (plan.NonBlocking) does not count.
	FailFast bool
	// Parts emits OutputParts.
	Parts bool
	// Terminal connects the attempts to a user, one task at a time. It may be nil.
	Terminal *Terminal
	// RunID, Owner and Version are labels of what the run makes on the engine, see Labels. A RunID must not be used for
	// two runs, on any engine; if it is empty, Run makes one.
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

// describeTimeout bounds how long a run waits, at its end, for the answer of Describe.
const describeTimeout = 5 * time.Second

// Run carries out p and returns after the Sink has seen RunFinished.
//
// The error is non-nil only if the run could not be carried out at all: the Runner or the plan is invalid, or the Sink
// panicked (*SinkPanicError; the Result then holds what has ended before). All else is in the Result: the failures of
// tasks, and those of the engine as Errored tasks. Every task of the plan has a TaskResult and every stage a StageResult,
// also one that never started.
//
// A stage has failed when its first task has not passed. Its other tasks run to their end; the stages after it never
// start and their tasks are Canceled with StageFailed. Under plan.NonBlocking a stage that failed or timed out is a
// warning and the stages after it start; one that errored still stops them.
//
// The end of ctx stops running tasks with their grace, ends waits at once and starts no more; these tasks are Canceled and
// their message is the cause of ctx. When Run returns, nothing is left on the engine and no goroutine runs.
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
	x := &run{Runner: r, plan: p, cancel: cancel, events: newEventQueue(r.sink(), cancel)}

	result := Result{RunID: r.RunID, Started: time.Now(), NotChecked: p.NotChecked}
	result.Tasks, result.Stages = newScheduler(x).finish(ctx)
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

// checkStages returns an error unless every stage comes after those that it needs, so that there is no cycle.
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

// describe calls Describe while the first task starts. Its error is not a failure of the run: the engine may still be
// able to run tasks, and if not, they fail.
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
	events *eventQueue
}

// counts reports whether the status of a task counts for that of the run, see Result.Status.
func (r *run) counts(t TaskResult) bool {
	if t.Reason == SiblingFailed || t.Reason == StageFailed {
		return false
	}
	return !r.tolerates(t)
}

// tolerates reports whether the failure of a task is only a warning of its stage.
func (r *run) tolerates(t TaskResult) bool {
	return r.plan.NonBlocking && t.Stage.ID != "" && (t.Status == Failed || t.Status == TimedOut)
}

// overall returns the worst status of the tasks that count.
func (r *run) overall(tasks []TaskResult) Status {
	status := Passed
	for _, t := range tasks {
		if r.counts(t) {
			status = worst(status, t.Status)
		}
	}
	return status
}
