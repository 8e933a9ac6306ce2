package command

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/ktask/ktask/engine"
)

// killLimit is how long ktask waits, once it has killed its containers, for the engine to tell of their end.
const killLimit = 10 * time.Second

// interruption is how the user's signals reach a run.
type interruption struct {
	// abandoned is closed when the user will not wait for the engine any longer.
	abandoned chan struct{}
	done      chan struct{}
	ended     chan struct{}
	cancel    context.CancelCauseFunc
}

// interruptible ends the context at the first signal, with the signal as its cause, and kills the run's containers
// at the second. When the engine has not told of their end within killLimit, or at a third signal, it gives the
// run up: ktask must end when its user says so, and the guardian goes on.
func (app App) interruptible(ctx context.Context, e engine.Engine, run string) (context.Context, *interruption) {
	ctx, cancel := context.WithCancelCause(ctx)
	i := &interruption{abandoned: make(chan struct{}), done: make(chan struct{}), ended: make(chan struct{}), cancel: cancel}
	signals := app.signals()
	go func() {
		defer close(i.ended)
		var patience <-chan time.Time
		for count := 1; ; count++ {
			select {
			case signal := <-signals:
				switch count {
				case 1:
					_, _ = fmt.Fprintf(app.Err, "\nktask: %s: stopping, once more to kill\n", interrupt{signal}.name())
					cancel(interrupt{signal})
					continue
				case 2:
					_, _ = fmt.Fprintf(app.Err, "\nktask: %s: killing, once more to wait no longer\n", interrupt{signal}.name())
					patience = time.After(killLimit)
					if killer, ok := e.(engine.Killer); ok {
						_ = killer.Kill(context.WithoutCancel(ctx), run) // the attempts say what came of it
					}
					continue
				}
			case <-patience:
			case <-i.done:
				return
			}
			close(i.abandoned)
			return
		}
	}()
	return ctx, i
}

// stoppable ends the context at the first signal, with the signal as its cause: for what has nothing to kill.
func (app App) stoppable(ctx context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	signals, ended := app.signals(), make(chan struct{})
	go func() {
		defer close(ended)
		select {
		case signal := <-signals:
			_, _ = fmt.Fprintf(app.Err, "\nktask: %s: stopping\n", interrupt{signal}.name())
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

// stop ends the listening and waits for it.
func (i *interruption) stop() {
	close(i.done)
	<-i.ended
	i.cancel(nil)
}
