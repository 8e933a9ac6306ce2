package engine

import (
	"context"
	"slices"
	"sync"
	"time"
)

// course is the way of a run through its plan: which stages and tasks wait, run and have ended. The goroutine of
// Runner.Run owns it and alone decides what comes next; the goroutine of a task has no more than its place in results.
type course struct {
	*run
	stages []*stage
	byID   map[string]*stage
	// results are those of the plan's tasks, waiting the tasks that have not started: both in the order of the plan.
	results []TaskResult
	waiting []int
	// left counts the tasks and stages that have no result.
	left int
	// running counts the tasks that have started and that ended has not told of.
	running int
	ended   chan int
	joined  sync.WaitGroup
}

func newCourse(r *run) *course {
	c := &course{run: r, results: make([]TaskResult, len(r.plan.Tasks)), ended: make(chan int)}
	c.stages, c.byID = newStages(r.plan)
	c.left = len(c.results) + len(c.stages)
	for i := range r.plan.Tasks {
		c.waiting = append(c.waiting, i)
	}
	return c
}

// follow goes on until every task and every stage has its result.
func (c *course) follow(ctx context.Context) ([]TaskResult, []StageResult) {
	over := ctx.Done()
	for c.left > 0 {
		cause := context.Cause(ctx)
		c.settle(cause)
		if cause == nil {
			c.startTasks(ctx)
		} else {
			c.skip(cause, func(int) bool { return true })
			over = nil
		}
		if c.running == 0 {
			continue
		}
		select {
		case i := <-c.ended:
			c.running--
			c.end(i)
		case <-over:
		}
	}
	c.joined.Wait()
	var stages []StageResult
	for _, s := range c.stages {
		stages = append(stages, s.result)
	}
	return c.results, stages
}

// settle starts the stages whose turn has come and gives up those whose turn never will; stopped is the end of the
// whole run, or nil. One pass does: what a stage needs stands before it.
func (c *course) settle(stopped error) {
	for _, s := range c.stages {
		if !s.waits {
			continue
		}
		switch failure := s.blocked(); {
		case failure != nil:
			c.giveUp(s, failure)
		case stopped != nil:
			c.giveUp(s, stopped)
		case s.ready():
			c.open(s)
		}
	}
}

func (c *course) open(s *stage) {
	s.waits = false
	s.result.Started = time.Now()
	c.events.emit(Header{}, StageStarted{Stage: s.result.Stage, Tasks: s.result.Tasks})
	if s.left == 0 {
		c.finish(s)
	}
}

// giveUp is the end of a stage that never starts. Those behind it do not either, for the same cause.
func (c *course) giveUp(s *stage, cause error) {
	s.waits, s.failure = false, cause
	s.result.Message = stopped(cause).message
	if s.left == 0 {
		c.finish(s)
		return
	}
	c.skip(cause, func(i int) bool { return c.stage(i) == s })
}

func (c *course) finish(s *stage) {
	c.left--
	s.end(time.Now())
	c.events.emit(Header{}, StageFinished{Result: s.result})
}

// startTasks starts the first tasks of the plan that may start, while there is room.
func (c *course) startTasks(ctx context.Context) {
	for c.running < max(c.Parallel, 1) && ctx.Err() == nil {
		at := slices.IndexFunc(c.waiting, func(i int) bool { s := c.stage(i); return s == nil || !s.waits })
		if at < 0 {
			return
		}
		i := c.waiting[at]
		c.waiting = slices.Delete(c.waiting, at, at+1)
		x := c.newExecution(c.plan.Tasks[i])
		// Told here and not in the task's goroutine, so that the order of the plan is the order of the events.
		x.start()
		c.running++
		c.joined.Go(func() {
			c.results[i] = x.complete(ctx)
			c.ended <- i
		})
	}
}

// skip gives a result to those of the tasks that wait which are chosen: they never start.
func (c *course) skip(cause error, chosen func(int) bool) {
	waiting := c.waiting
	c.waiting = nil
	for _, i := range waiting {
		if !chosen(i) {
			c.waiting = append(c.waiting, i)
			continue
		}
		c.results[i] = c.newExecution(c.plan.Tasks[i]).skip(cause)
		c.end(i)
	}
}

// end takes note of a task's result: what it means for its stage, and for the others under FailFast.
func (c *course) end(i int) {
	c.left--
	t := c.results[i]
	if s := c.stage(i); s != nil {
		s.took(t, c.forgives(t))
		if s.left == 0 {
			c.finish(s)
		}
	}
	if c.FailFast && c.counts(t) && t.Status != Passed {
		c.cancel(&siblingError{task: t.Name})
	}
}

// stage is that of a task, nil where it has none.
func (c *course) stage(i int) *stage { return c.byID[c.plan.Tasks[i].Stage] }
