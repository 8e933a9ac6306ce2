package engine

import (
	"time"

	"github.com/ktask/ktask/engine/plan"
)

// stage is the state of a stage. The goroutine of Runner.Run owns it.
type stage struct {
	result StageResult
	needs  []*stage
	// left is the number of tasks that have not ended.
	left int
	// waiting reports whether the stage may still start.
	waiting bool
	// cut reports whether a task was canceled.
	cut bool
	// failure is why the stages after this one do not start, or nil.
	failure error
	// tolerated reports whether a task did not pass and the plan lets the stages after this one start nevertheless.
	tolerated bool
}

// newStages returns the stages of a plan, in order and by ID. A stage comes after those that it needs.
func newStages(p plan.Plan) ([]*stage, map[string]*stage) {
	all := make([]*stage, 0, len(p.Stages))
	known := make(map[string]*stage, len(p.Stages))
	for _, s := range p.Stages {
		one := &stage{result: StageResult{Stage: s, Status: Passed}, waiting: true}
		for _, need := range s.Needs {
			one.needs = append(one.needs, known[need])
		}
		all, known[s.ID] = append(all, one), one
	}
	for _, t := range p.Tasks {
		if s := known[t.Stage]; s != nil {
			s.result.Tasks = append(s.result.Tasks, t.Name)
			s.left++
		}
	}
	return all, known
}

// blocked returns why the stage can never start, or nil.
func (s *stage) blocked() error {
	for _, need := range s.needs {
		if need.failure != nil {
			return need.failure
		}
	}
	return nil
}

// ready reports whether the stage may start now. After a tolerated failure it may do so at once, as in Keptn: the state
// of the stage before is Warning when the first task has failed, and Warning is a final state.
func (s *stage) ready() bool {
	for _, need := range s.needs {
		if need.waiting || need.left > 0 && !need.tolerated {
			return false
		}
	}
	return true
}

// taskEnded records the result of one of the stage's tasks. A canceled task does not block the stages after this one:
// the end of the run does.
func (s *stage) taskEnded(t TaskResult, tolerated bool) {
	s.left--
	switch {
	case t.Status == Passed:
	case t.Status == Canceled:
		s.cut = true
	case tolerated:
		s.tolerated = true
	case s.failure == nil:
		s.failure = &stageError{stage: s.result.Stage, task: t.Name}
	}
	if t.Reason != SiblingFailed {
		s.result.Status = worst(s.result.Status, t.Status)
	}
}

// end completes the result when no task is left. A stage that FailFast cut short has not passed.
func (s *stage) end(at time.Time) {
	if s.result.Started.IsZero() {
		s.result.Status = Canceled
		return
	}
	s.result.Finished = at
	s.result.Warning = s.tolerated && s.failure == nil
	if s.result.Status == Passed && s.cut {
		s.result.Status = Canceled
	}
}
