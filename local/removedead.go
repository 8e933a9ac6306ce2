package local

import (
	"context"
	"time"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/docker"
	"github.com/ktask/ktask/engine/kubernetes"
	"github.com/ktask/ktask/engine/owner"
)

// removalLimit is how long a finished run waits for the removal of what others left.
const removalLimit = 3 * time.Second

// removalDelay is the longest time that the removal waits for the first task.
const removalDelay = time.Second

// removeDead starts to remove what dead runs have left when the first task is under way, or soon after. It ignores failures: the next
// run tries again. join waits for the end and returns how many things were removed.
func removeDead(ctx context.Context, e engine.Engine, runs owner.Runs, underWay <-chan struct{}) (join func() int) {
	cleaner, ok := e.(engine.Cleaner)
	if !ok {
		return func() int { return 0 }
	}
	ctx, cancel := context.WithCancel(ctx)
	removed, over := make(chan int, 1), make(chan struct{})
	go func() {
		count := 0
		defer func() { removed <- count }()
		select {
		case <-underWay:
		case <-over:
		case <-ctx.Done():
		case <-time.After(removalDelay):
		}
		all, err := cleaner.Leftovers(ctx, "")
		if err != nil {
			return
		}
		remain := map[string]bool{}
		for _, left := range all {
			switch {
			case left.Kept || Fate(runs, left) != owner.Dead:
				remain[left.Labels.Run], remain[left.ID] = true, true
			case cleaner.Remove(ctx, left) == nil:
				count++
			default:
				remain[left.Labels.Run], remain[left.ID] = true, true
			}
		}
		for _, left := range all {
			if !remain[left.Labels.Run] {
				runs.Forget(left.Labels.Run)
			}
		}
		ForgetDead(cleaner, runs, remain)
	}()
	return func() int {
		defer cancel()
		close(over)
		defer time.AfterFunc(removalLimit, cancel).Stop()
		return <-removed
	}
}

// ForgetDead removes the files that killed processes have left on this machine: the sockets of pools, and the files of runs of which
// nothing remains on the engine. remain has the ids of the runs and containers that remain.
func ForgetDead(e engine.Cleaner, runs owner.Runs, remain map[string]bool) {
	for _, run := range runs.ForgetDead(placeOf(e), func(run string) bool { return remain[run] }) {
		docker.RemoveMessageFiles(run)
	}
	if dir, err := runs.Directory(); err == nil {
		poolSockets(dir)
	}
}

// placeOf returns where an engine is, or "".
func placeOf(e any) string {
	switch e := e.(type) {
	case *docker.Engine:
		o := e.Pinned(docker.Options{})
		return o.Host + o.Context
	case *kubernetes.Engine:
		return e.Place()
	}
	return ""
}

// startWatch is a sink that passes events on to another one, which may be nil, and calls begun when a task has started.
type startWatch struct {
	to    engine.Sink
	begun func()
}

// Emit passes an event on.
func (s startWatch) Emit(e engine.Event) {
	switch e.(type) {
	case engine.OutputLine, engine.AttemptFinished:
		s.begun()
	}
	if s.to != nil {
		s.to.Emit(e)
	}
}

// Flush flushes the other sink.
func (s startWatch) Flush() {
	if f, ok := s.to.(engine.Flusher); ok {
		f.Flush()
	}
}
