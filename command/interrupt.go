package command

import (
	"context"
	"fmt"
	"os"
	"sync/atomic"
	"time"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/plan"
)

// killLimit is how long ktask waits for the engine to report the end of killed containers.
const killLimit = 10 * time.Second

// interruption connects the user's signals to a run.
type interruption struct {
	// abandoned is closed when the user does not want to wait for the engine any longer.
	abandoned chan struct{}
	done      chan struct{}
	ended     chan struct{}
	cancel    context.CancelCauseFunc
}

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
// at the second signal. It abandons the run at a third signal, or if the engine has not reported the end of the containers
// within killLimit: ktask must end when its user wants it to, and the guardian continues.
func (app App) interruptible(ctx context.Context, e engine.Engine, run string, active *activeTasks) (context.Context, *interruption) {
	ctx, cancel := context.WithCancelCause(ctx)
	i := &interruption{abandoned: make(chan struct{}), done: make(chan struct{}), ended: make(chan struct{}), cancel: cancel}
	signals := app.signals()
	go func() {
		defer close(i.ended)
		var killTimeout <-chan time.Time
		for count := 1; ; count++ {
			select {
			case signal := <-signals:
				switch count {
				case 1:
					_, _ = fmt.Fprintf(app.Err, "\n%s: stopping %v (up to %v). Press ^C again to kill.\n", interrupt{signal}.title(), active, active.grace)
					cancel(interrupt{signal})
					continue
				case 2:
					_, _ = fmt.Fprintf(app.Err, "\n%s: killing %v. Press ^C again to stop waiting for the engine.\n", interrupt{signal}.title(), active)
					killTimeout = time.After(killLimit)
					if killer, ok := e.(engine.Killer); ok {
						_ = killer.Kill(context.WithoutCancel(ctx), run) // the attempts report the result
					}
					continue
				}
			case <-killTimeout:
			case <-i.done:
				return
			}
			close(i.abandoned)
			return
		}
	}()
	return ctx, i
}

// stoppable returns a context that ends at the first signal, with the signal as its cause, for commands that have nothing to
// kill.
func (app App) stoppable(ctx context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	signals, ended := app.signals(), make(chan struct{})
	go func() {
		defer close(ended)
		select {
		case signal := <-signals:
			_, _ = fmt.Fprintf(app.Err, "\n%s: stopping.\n", interrupt{signal}.title())
			cancel(interrupt{signal})
		case <-ctx.Done():
		}
	}()
	return ctx, func() {
		cancel(nil)
		<-ended
	}
}

func (app App) signals() <-chan os.Signal {
	if app.Signals == nil {
		return nil
	}
	return app.Signals()
}

// stop stops the handling of signals and waits for its end.
func (i *interruption) stop() {
	close(i.done)
	<-i.ended
	i.cancel(nil)
}
