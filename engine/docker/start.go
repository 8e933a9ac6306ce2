package docker

import (
	"context"
	"errors"
	"fmt"

	"github.com/docker/docker/api/types/container"

	"github.com/ktask/ktask/engine"
)

// start starts the container once. If the answer is lost, start finds out whether the container has started. If it has not,
// start renames it and tries again: if the first request is still on its way, it then finds nothing to start.
func (a *attempt) start(ctx context.Context) (err error) {
	ctx = context.WithoutCancel(ctx)
	name, tries := a.request.name, 1
	retry(ctx, a.engine.reconnectWithin, func() (again bool) {
		err = a.engine.do(ctx, "start the container", once, func(ctx context.Context) error {
			return a.engine.client.ContainerStart(ctx, name, container.StartOptions{})
		})
		if !ambiguous(err) {
			return false
		}
		a.wasLost.Store(true)
		tries++
		name = fmt.Sprintf("%s-%d", a.request.name, tries)
		started, failure := a.startedUnless(ctx, name)
		if started || failure != nil {
			err = failure
			return false
		}
		return true
	})
	return err
}

// startedUnless renames the container and reports whether it was started under its former name. The engine handles a rename
// only after a running start, so the answer is final. It returns an error if it cannot be known.
func (a *attempt) startedUnless(ctx context.Context, name string) (started bool, err error) {
	renaming := a.engine.do(ctx, "rename the container", a.repeatedly(), func(ctx context.Context) error {
		return a.engine.client.ContainerRename(ctx, a.id, name)
	})
	found, err := a.state(ctx)
	switch {
	case err != nil:
		return false, err
	case hasRun(found):
		return true, nil
	case found.Name != "/"+name: // a repeated rename is refused, but not needed
		return false, renaming
	}
	return false, a.neverStarted(ctx, found)
}

// state returns the state of the container.
func (a *attempt) state(ctx context.Context) (container.InspectResponse, error) {
	return a.stateOf(ctx, a.id)
}

func (a *attempt) stateOf(ctx context.Context, id string) (found container.InspectResponse, err error) {
	err = a.engine.do(ctx, "ask how the container is", a.repeatedly(), func(ctx context.Context) (err error) {
		found, err = a.engine.client.ContainerInspect(ctx, id)
		if err == nil && found.State == nil {
			err = errors.New("the engine returned no state")
		}
		return err
	})
	return found, err
}

// hasRun reports whether a container has been started.
func hasRun(found container.InspectResponse) bool {
	return found.State.Running || !engineTime(found.State.StartedAt).IsZero()
}

// hasEnded reports whether a container has been started and is no longer running.
func hasEnded(found container.InspectResponse) bool { return hasRun(found) && !found.State.Running }

// startFailed reports whether a start failed because of the container's command, as opposed to the engine, and returns the
// Exit.
func (a *attempt) startFailed(err error) (engine.Exit, bool) {
	failure, ok := errors.AsType[*engine.Error](err)
	if !ok || failure.Reason != engine.EngineRefused {
		return engine.Exit{}, false
	}
	exit, ok := startFailure(err, a.container)
	exit.ImageDigest = a.image.digest
	return exit, ok
}
