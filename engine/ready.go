package engine

import (
	"context"
	"time"

	"github.com/ktask/ktask/engine/plan"
)

// Readier is an engine that can start a container before it is needed, so that a later attempt starts at once.
type Readier interface {
	// Ready prepares what the call of Run with the same container and labels uses. That call works as well without it. Ready
	// may prepare nothing, for example if the engine does not have the image. If the engine's machine is busy, Ready waits
	// until it is not, or until ctx ends; after that the end of ctx does not interrupt it. It is safe for concurrent use.
	//
	// release removes from the engine what no call of Run has used. It is called once, after that call, and works also after
	// the end of ctx. After an error release is nil and something may be left; the error is no failure of the task.
	Ready(ctx context.Context, c plan.Container, labels Labels) (release func(context.Context) error, err error)
}

const (
	// leastWait is the shortest wait between two attempts in which the next one is prepared, which takes about as long as a
	// start.
	leastWait = 500 * time.Millisecond
	// readyBefore is how long before its start such an attempt is prepared: what is prepared for long gets old.
	readyBefore = 5 * time.Second
	// tasksAhead is how many of the tasks that wait for others are prepared.
	tasksAhead = 2
)

// readying is the preparation of an attempt. A nil readying is that of nothing.
type readying struct {
	cancel context.CancelFunc
	done   chan struct{}
	// release and err are set when done is closed.
	release func(context.Context) error
	err     error
}

// ready begins to prepare an attempt of the task, if the engine can.
func (x *taskRun) ready(ctx context.Context, number int) {
	engine, ok := x.Engine.(Readier)
	if !ok || ctx.Err() != nil {
		return
	}
	ctx, cancel := context.WithCancel(ctx)
	r := &readying{cancel: cancel, done: make(chan struct{})}
	labels := x.labels(number)
	go func() {
		defer close(r.done)
		r.release, r.err = engine.Ready(ctx, x.task.Container, labels)
	}()
	x.readying = r
}

// waitReady waits before an attempt, and prepares it meanwhile.
func (x *taskRun) waitReady(ctx context.Context, number int, wait time.Duration) {
	over := time.Now().Add(wait)
	if wait >= leastWait {
		sleep(ctx, wait-readyBefore)
		x.ready(ctx, number)
	}
	sleep(ctx, time.Until(over))
}

// await returns when the attempt can start. It cancels a preparation that still waits for the machine.
func (r *readying) await() {
	if r != nil {
		r.cancel()
		<-r.done
	}
}

// endReady removes what the attempt has not used.
func (x *taskRun) endReady(ctx context.Context) {
	r := x.readying
	if r == nil {
		return
	}
	x.readying = nil
	r.await()
	x.recordFailure(ctx, r.err)
	if r.release != nil {
		x.recordFailure(ctx, r.release(context.WithoutCancel(ctx)))
	}
}

// readyTasks prepares the tasks that start next, while others run.
func (s *scheduler) readyTasks(ctx context.Context) {
	startable := 0
	for _, i := range s.waiting {
		if s.mayStart(i) {
			if startable++; startable > tasksAhead {
				return
			}
			if x := s.taskRunOf(i); x.readying == nil {
				x.ready(ctx, 1)
			}
		}
	}
}
