package engine

import (
	"time"

	"github.com/ktask/ktask/engine/plan"
)

// stage is how far a stage is. The goroutine of Runner.Run owns it.
type stage struct {
	result StageResult
	needs  []*stage
	// left is the number of tasks that have not ended.
	left int
	// waits is true until the stage has started, or is known never to.
	waits bool
	// cut is true once a task was canceled.
	cut bool
	// failure is why the stages behind this one do not start; nil where they may, once it has ended.
	failure error
	// forgiven is true once a task did not pass and the plan lets the stages behind start all the same.
	forgiven bool
}

// newStages are the stages of a plan, by the ID as well; needs stand before those that need them.
func newStages(p plan.Plan) ([]*stage, map[string]*stage) {
	all := make([]*stage, 0, len(p.Stages))
	known := make(map[string]*stage, len(p.Stages))
	for _, s := range p.Stages {
		one := &stage{result: StageResult{Stage: s, Status: Passed}, waits: true}
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

// blocked is why the stage can never start; nil where it may.
func (s *stage) blocked() error {
	for _, need := range s.needs {
		if need.failure != nil {
			return need.failure
		}
	}
	return nil
}

// ready is true where nothing keeps the stage from starting. A stage that is forgiven does so at once, as in Keptn: its
// state is Warning with the first task that failed, and Warning is an end.
func (s *stage) ready() bool {
	for _, need := range s.needs {
		if need.waits || need.left > 0 && !need.forgiven {
			return false
		}
	}
	return true
}

// took notes the outcome of one of the stage's tasks. One that was canceled does not keep the stages behind from
// starting: the run itself is over then, and does.
func (s *stage) took(t TaskResult, forgiven bool) {
	s.left--
	switch {
	case t.Status == Passed:
	case t.Status == Canceled:
		s.cut = true
	case forgiven:
		s.forgiven = true
	case s.failure == nil:
		s.failure = &stageError{stage: s.result.Stage, task: t.Name}
	}
	if t.Reason != SiblingFailed {
		s.result.Status = worst(s.result.Status, t.Status)
	}
}

// end sets what is known once no task is left. A stage that fail-fast cut short has not passed.
func (s *stage) end(at time.Time) {
	if s.result.Started.IsZero() {
		s.result.Status = Canceled
		return
	}
	s.result.Finished = at
	s.result.Warning = s.forgiven && s.failure == nil
	if s.result.Status == Passed && s.cut {
		s.result.Status = Canceled
	}
}
