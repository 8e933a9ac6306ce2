package docker

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/docker/docker/api/types/events"
	"github.com/docker/docker/api/types/filters"
)

// Sweep removes what a dead process has left, and what the engine is still creating for it. Until ctx ends it tries again:
// the engine may be restarting, or be busy with what is to be removed.
func (e *Engine) Sweep(ctx context.Context, run string, quiet time.Duration) (err error) {
	retry(ctx, unlimited, func() (again bool) {
		err = e.sweep(ctx, run, quiet)
		return err != nil
	})
	if err != nil {
		return errors.Join(context.Cause(ctx), err)
	}
	return nil
}

// sweep listens for events, so that what appears is removed immediately, and lists again after the quiet time: the engine
// sends no events for what it creates while it sets up the listening.
func (e *Engine) sweep(ctx context.Context, run string, quiet time.Duration) error {
	if err := e.do(ctx, "listen to the engine", once, nil); err != nil {
		return err
	}
	listening, end := context.WithCancel(ctx)
	appeared, failed := e.client.Events(listening, events.ListOptions{Filters: filters.NewArgs(
		filters.Arg("type", string(events.ContainerEventType)), filters.Arg("type", string(events.VolumeEventType)),
		filters.Arg("event", string(events.ActionCreate)),
	)})
	defer func() {
		end()
		for range failed { // until the client's goroutine has ended
		}
	}()
	silence := time.NewTimer(quiet)
	defer silence.Stop()
	for over := false; ; {
		some, err := e.removeRun(ctx, run)
		if err != nil {
			return err
		}
		if over && !some {
			return nil
		}
		if some {
			silence.Reset(quiet)
		}
		if over, err = news(run, appeared, failed, silence.C); err != nil {
			return err
		}
	}
}

// news waits for an event that may be the run's, or for the end of the silence; over is true then.
func news(run string, appeared <-chan events.Message, failed <-chan error, silence <-chan time.Time) (over bool, err error) {
	for {
		select {
		case event := <-appeared:
			// Engines report the labels of containers only.
			if event.Type != events.ContainerEventType || event.Actor.Attributes[labelRun] == run {
				return false, nil
			}
		case err := <-failed:
			return false, err
		case <-silence:
			return true, nil
		}
	}
}

// removals is how many containers are removed at a time: an engine takes long for each and has few threads for it.
const removals = 8

// removeRun removes what there is of a run, first the containers, then the volumes. some reports whether there was anything.
func (e *Engine) removeRun(ctx context.Context, run string) (some bool, err error) {
	RemoveMessageFiles(run)
	all, err := e.Leftovers(ctx, run)
	if err != nil {
		return false, err
	}
	var failures []error
	for _, kind := range []string{"container", "volume"} {
		var (
			work  sync.WaitGroup
			mu    sync.Mutex
			slots = make(chan struct{}, removals)
		)
		for _, left := range all {
			if left.Kind != kind || left.Kept {
				continue
			}
			some = true
			slots <- struct{}{}
			work.Go(func() {
				defer func() { <-slots }()
				if err := e.Remove(ctx, left); err != nil {
					mu.Lock()
					defer mu.Unlock()
					failures = append(failures, err)
				}
			})
		}
		work.Wait()
	}
	return some, errors.Join(failures...)
}
