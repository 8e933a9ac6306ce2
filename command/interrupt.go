package command

import (
	"context"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/plan"
)

// killLimit is how long ktask waits for the engine to report the end of killed containers.
const killLimit = 10 * time.Second

// activeTasks is a sink that counts the tasks with a running attempt.
type activeTasks struct {
	grace time.Duration // the longest of the plan
	count atomic.Int32
}

func newActiveTasks(p plan.Plan) *activeTasks {
	a := &activeTasks{}
	for _, t := range p.Tasks {
		a.grace = max(a.grace, t.Container.Grace)
	}
	return a
}

// Emit counts.
func (a *activeTasks) Emit(event engine.Event) {
	switch event.(type) {
	case engine.AttemptStarted:
		a.count.Add(1)
	case engine.AttemptFinished:
		a.count.Add(-1)
	}
}

// String returns the number of tasks for a message.
func (a *activeTasks) String() string {
	if n := a.count.Load(); n != 1 {
		return fmt.Sprintf("%d tasks", n)
	}
	return "1 task"
}

// interruptible returns a context that ends at the first signal, with the signal as its cause. It kills the run's containers
// at the second signal. It closes abandoned at a third signal, or if the run goes on for killLimit after the second: ktask must
// end when its user wants it to, and the guardian continues. The caller calls stop after the run.
func (app App) interruptible(ctx context.Context, e engine.Engine, run string, active *activeTasks) (_ context.Context, abandoned <-chan struct{}, stop func()) {
	gone := make(chan struct{})
	abandon := sync.OnceFunc(func() { close(gone) })
	uncanceled := context.WithoutCancel(ctx)
	ctx, stop = app.stoppable(ctx, func() string {
		return fmt.Sprintf("stopping %v (up to %v). Press ^C again to kill.", active, active.grace)
	}, func(by interrupt) {
		_, _ = fmt.Fprintf(app.Err, "\n%s: killing %v. Press ^C again to stop waiting for the engine.\n", by.title(), active)
		time.AfterFunc(killLimit, abandon)
		if killer, ok := e.(engine.Killer); ok {
			_ = killer.Kill(uncanceled, run) // the attempts report the result
		}
	}, func(interrupt) { abandon() })
	return ctx, gone, stop
}

// stoppable returns a context that ends at the first signal, with the signal as its cause. It prints what happens then. Each
// further signal calls the next of more. The caller calls stop after the work.
func (app App) stoppable(ctx context.Context, happens func() string, more ...func(interrupt)) (_ context.Context, stop func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	first := func(by interrupt) {
		_, _ = fmt.Fprintf(app.Err, "\n%s: %s\n", by.title(), happens())
		cancel(by)
	}
	signals, done, ended := app.signals(), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for _, step := range append([]func(interrupt){first}, more...) {
			select {
			case signal := <-signals:
				step(interrupt{signal})
			case <-done:
				return
			}
		}
	}()
	return ctx, func() {
		close(done)
		<-ended
		cancel(nil)
	}
}

func (app App) signals() <-chan os.Signal {
	if app.Signals == nil {
		return nil
	}
	return app.Signals()
}
