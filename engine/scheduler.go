package engine

import (
	"context"
	"slices"
	"sync"
	"time"
)

// scheduler decides which stages and tasks of a run start, and when. The goroutine of Runner.Run owns it; the goroutine
// of a task writes only its element of results.
type scheduler struct {
	*run
	stages []*stage
	byID   map[string]*stage
	// results has an element for each task of the plan, waiting the indexes of the tasks that have not started; both in
	// the order of the plan.
	results []TaskResult
	waiting []int
	// tasks are those that have begun to prepare or to run, by the same index.
	tasks map[int]*taskRun
	// left is the number of tasks and stages without a result.
	left int
	// running is the number of tasks that have started and whose index has not been received from ended.
	running int
	ended   chan int
	joined  sync.WaitGroup
}

func newScheduler(r *run) *scheduler {
	s := &scheduler{run: r, results: make([]TaskResult, len(r.plan.Tasks)), ended: make(chan int), tasks: map[int]*taskRun{}}
	s.stages, s.byID = newStages(r.plan)
	s.left = len(s.results) + len(s.stages)
	for i := range r.plan.Tasks {
		s.waiting = append(s.waiting, i)
	}
	return s
}

// finish runs until every task and every stage has its result.
func (s *scheduler) finish(ctx context.Context) ([]TaskResult, []StageResult) {
	canceled := ctx.Done()
	for s.left > 0 {
		cause := context.Cause(ctx)
		s.advanceStages(cause)
		if cause == nil {
			s.startTasks(ctx)
			s.readyTasks(ctx)
		} else {
			s.skipTasks(cause, func(int) bool { return true })
			canceled = nil
		}
		if s.running == 0 {
			continue
		}
		select {
		case i := <-s.ended:
			s.running--
			s.taskEnded(i)
		case <-canceled:
		}
	}
	s.joined.Wait()
	var stages []StageResult
	for _, st := range s.stages {
		stages = append(stages, st.result)
	}
	return s.results, stages
}

// advanceStages starts the stages that are ready and skips those that can never start. canceled is the cause of the end
// of the whole run, or nil. One pass is enough, as a stage comes after those that it needs.
func (s *scheduler) advanceStages(canceled error) {
	for _, st := range s.stages {
		if !st.waiting {
			continue
		}
		switch failure := st.blocked(); {
		case failure != nil:
			s.skipStage(st, failure)
		case canceled != nil:
			s.skipStage(st, canceled)
		case st.ready():
			s.startStage(st)
		}
	}
}

func (s *scheduler) startStage(st *stage) {
	st.waiting = false
	st.result.Started = time.Now()
	s.events.emit(Header{}, StageStarted{Stage: st.result.Stage, Tasks: st.result.Tasks})
	if st.left == 0 {
		s.finishStage(st)
	}
}

// skipStage ends a stage that never starts. The stages that need it are skipped for the same cause.
func (s *scheduler) skipStage(st *stage, cause error) {
	st.waiting, st.failure = false, cause
	st.result.Message = stopped(cause).message
	if st.left == 0 {
		s.finishStage(st)
		return
	}
	s.skipTasks(cause, func(i int) bool { return s.stageOf(i) == st })
}

func (s *scheduler) finishStage(st *stage) {
	s.left--
	st.end(time.Now())
	s.events.emit(Header{}, StageFinished{Result: st.result})
}

// startTasks starts the first tasks of the plan that may start, up to Parallel.
func (s *scheduler) startTasks(ctx context.Context) {
	for s.running < max(s.Parallel, 1) && ctx.Err() == nil {
		at := slices.IndexFunc(s.waiting, s.mayStart)
		if at < 0 {
			return
		}
		i := s.waiting[at]
		s.waiting = slices.Delete(s.waiting, at, at+1)
		x := s.taskRunOf(i)
		x.start() // here, not in the goroutine of the task, so that the events are in the order of the plan
		s.running++
		s.joined.Go(func() {
			s.results[i] = x.complete(ctx)
			s.ended <- i
		})
	}
}

// mayStart reports whether the stage of a task has started.
func (s *scheduler) mayStart(i int) bool {
	st := s.stageOf(i)
	return st == nil || !st.waiting
}

// taskRunOf returns what runs a task.
func (s *scheduler) taskRunOf(i int) *taskRun {
	x, ok := s.tasks[i]
	if !ok {
		x = s.newTaskRun(s.plan.Tasks[i])
		s.tasks[i] = x
	}
	return x
}

// skipTasks records a result for each waiting task that is chosen. Skipped tasks never start.
func (s *scheduler) skipTasks(cause error, chosen func(int) bool) {
	waiting := s.waiting
	s.waiting = nil
	for _, i := range waiting {
		if !chosen(i) {
			s.waiting = append(s.waiting, i)
			continue
		}
		x := s.taskRunOf(i)
		x.endReady(context.Background())
		s.results[i] = x.skip(cause)
		s.taskEnded(i)
	}
}

// taskEnded records what the result of a task means for its stage and, under FailFast, for the other tasks.
func (s *scheduler) taskEnded(i int) {
	s.left--
	t := s.results[i]
	if st := s.stageOf(i); st != nil {
		st.taskEnded(t, s.tolerates(t))
		if st.left == 0 {
			s.finishStage(st)
		}
	}
	if s.FailFast && s.counts(t) && t.Status != Passed {
		s.cancel(&siblingError{task: t.Name})
	}
}

// stageOf returns the stage of a task, or nil if it has none.
func (s *scheduler) stageOf(i int) *stage { return s.byID[s.plan.Tasks[i].Stage] }
