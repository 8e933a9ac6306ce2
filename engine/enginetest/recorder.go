package enginetest

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ktask/ktask/engine"
)

// Recorder is a Sink that records every event. It is safe for concurrent use, so it can be the Sink of an engine as well
// as that of a Runner. The zero Recorder is ready to use.
type Recorder struct {
	mu     sync.Mutex
	events []engine.Event
}

// Emit records e.
func (r *Recorder) Emit(e engine.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = append(r.events, e)
}

// Events returns the events so far, in order.
func (r *Recorder) Events() []engine.Event {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.events)
}

// Names returns the events as text, as in "AttemptStarted hello 1" or "StageStarted app/app-pre", for tests of the order
// alone.
func (r *Recorder) Names() []string {
	var names []string
	for _, e := range r.Events() {
		h := e.Head()
		name := strings.TrimPrefix(fmt.Sprintf("%T", e), "engine.")
		if h.Task != "" {
			name += " " + h.Task
		}
		if id := stageOf(e); id != "" {
			name += " " + id
		}
		if h.Attempt != 0 {
			name += fmt.Sprintf(" %d", h.Attempt)
		}
		names = append(names, name)
	}
	return names
}

// stageOf returns the ID of the stage of an event, or "" if it is not the event of a stage.
func stageOf(e engine.Event) string {
	switch e := e.(type) {
	case engine.StageStarted:
		return e.Stage.ID
	case engine.StageFinished:
		return e.Result.ID
	}
	return ""
}

// Lines returns the lines of a stream of a task, or of all tasks if task is "". It joins the parts of long lines.
func (r *Recorder) Lines(task string, stream engine.Stream) []string {
	var lines []string
	open := false
	for _, e := range r.Events() {
		line, ok := e.(engine.OutputLine)
		if !ok || line.Stream != stream || task != "" && line.Task != task {
			continue
		}
		if open {
			lines[len(lines)-1] += line.Line
		} else {
			lines = append(lines, line.Line)
		}
		open = line.Partial
	}
	return lines
}

// Check compares the events of a whole run with the order that engine.Event promises and returns the first violation.
func (r *Recorder) Check() error {
	c := checker{tasks: map[string]*progress{}, stages: map[string]*progress{}}
	for i, e := range r.Events() {
		if err := c.see(e); err != nil {
			return fmt.Errorf("event %d, %T of task %q, attempt %d: %w", i, e, e.Head().Task, e.Head().Attempt, err)
		}
	}
	if !c.over {
		return fmt.Errorf("the run has no RunFinished")
	}
	return nil
}

// checker checks a run event by event.
type checker struct {
	tasks  map[string]*progress
	stages map[string]*progress
	time   time.Time
	over   bool
}

// progress is the state of a task, or of a stage, which has no attempts.
type progress struct {
	started, running, finished bool
	attempt                    int
	waits                      bool
}

func (c *checker) see(e engine.Event) error {
	h := e.Head()
	switch {
	case c.over:
		return fmt.Errorf("it comes after RunFinished")
	case h.Time.IsZero():
		return fmt.Errorf("it has no time")
	case h.Time.Before(c.time):
		return fmt.Errorf("its time is before that of the event before it")
	}
	c.time = h.Time
	if done, ok := e.(engine.RunFinished); ok {
		c.over = true
		return c.end(done)
	}
	switch e := e.(type) {
	case engine.StageStarted:
		return c.stageStarted(e)
	case engine.StageFinished:
		return c.stageFinished(e)
	}
	p := of(c.tasks, h.Task)
	if h.Task == "" || p.finished {
		return fmt.Errorf("its task has no name, or has finished")
	}
	return p.see(e, h.Attempt)
}

// of returns the progress of a task or stage.
func of(all map[string]*progress, name string) *progress {
	if all[name] == nil {
		all[name] = &progress{}
	}
	return all[name]
}

func (c *checker) stageStarted(e engine.StageStarted) error {
	s := of(c.stages, e.Stage.ID)
	if e.Task != "" || e.Stage.ID == "" || s.started || s.finished {
		return fmt.Errorf("stage %q has started or finished before, or names nothing", e.Stage.ID)
	}
	s.started = true
	for _, task := range e.Tasks {
		if c.tasks[task] != nil {
			return fmt.Errorf("task %q of stage %q comes before it", task, e.Stage.ID)
		}
	}
	return nil
}

func (c *checker) stageFinished(e engine.StageFinished) error {
	s := of(c.stages, e.Result.ID)
	if e.Task != "" || e.Result.ID == "" || s.finished {
		return fmt.Errorf("stage %q has finished before, or has no ID", e.Result.ID)
	}
	if s.started == e.Result.Started.IsZero() {
		return fmt.Errorf("stage %q has started, its result says otherwise; or the other way round", e.Result.ID)
	}
	s.finished = true
	for _, task := range e.Result.Tasks {
		if p := c.tasks[task]; p == nil || !p.finished || p.started && !s.started {
			return fmt.Errorf("task %q of stage %q has not finished, or ran without its stage", task, e.Result.ID)
		}
	}
	return nil
}

func (p *progress) see(e engine.Event, attempt int) error {
	allowed := false
	switch e := e.(type) {
	case engine.TaskStarted:
		allowed = !p.started && attempt == 0
		p.started = true
	case engine.ImageProgress:
		allowed = p.started && p.attempt == 0 && attempt == 0
	case engine.AttemptStarted:
		allowed = p.started && !p.running && attempt == p.attempt+1 && (attempt == 1 || p.waits)
		p.running, p.attempt = true, attempt
	case engine.OutputLine:
		allowed = p.running && attempt == p.attempt
	case engine.AttemptFinished:
		allowed = p.running && attempt == p.attempt && e.Result.Number == attempt
		p.running, p.waits = false, e.Retry
	case engine.TaskFinished:
		allowed = !p.running && attempt == 0 && len(e.Result.Attempts) == p.attempt
		p.finished = true
	}
	if !allowed {
		return fmt.Errorf("it is out of order")
	}
	return nil
}

func (c *checker) end(e engine.RunFinished) error {
	for _, t := range e.Result.Tasks {
		if p := c.tasks[t.Name]; p == nil || !p.finished {
			return fmt.Errorf("task %q has a result and no TaskFinished", t.Name)
		}
	}
	if len(e.Result.Tasks) != len(c.tasks) {
		return fmt.Errorf("%d tasks have events, %d a result", len(c.tasks), len(e.Result.Tasks))
	}
	for _, s := range e.Result.Stages {
		if p := c.stages[s.ID]; p == nil || !p.finished {
			return fmt.Errorf("stage %q has a result and no StageFinished", s.ID)
		}
	}
	if len(e.Result.Stages) != len(c.stages) {
		return fmt.Errorf("%d stages have events, %d a result", len(c.stages), len(e.Result.Stages))
	}
	return nil
}
