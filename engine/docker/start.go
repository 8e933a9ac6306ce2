package docker

import (
	"context"
	"errors"
	"fmt"

	"github.com/docker/docker/api/types/container"

	"github.com/ktask/ktask/engine"
)

// start starts the container, once. Where the answer is lost, whether it has started is asked for; and where it has
// not, it is started again under another name: a first request that is still on its way then finds nothing to start.
func (a *attempt) start(ctx context.Context) error {
	ctx = context.WithoutCancel(ctx)
	name := a.request.name
	p := a.engine.newRetry()
	for try := 2; ; try++ {
		err := a.engine.do(ctx, "start the container", once, func(ctx context.Context) error {
			return a.engine.client.ContainerStart(ctx, name, container.StartOptions{})
		})
		if !ambiguous(err) {
			return err
		}
		a.wasLost.Store(true)
		name = fmt.Sprintf("%s-%d", a.request.name, try)
		started, failure := a.startedUnless(ctx, name)
		switch {
		case failure != nil:
			return failure
		case started:
			return nil
		case !p.wait(ctx):
			return err
		}
	}
}

// startedUnless renames the container, and says whether it was started under its former name. An engine answers both
// requests only when it is done with a start. It is an error where that cannot be known.
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
	case found.Name != "/"+name: // a second renaming is refused, and need not be done
		return false, renaming
	}
	return false, a.neverStarted(ctx, found)
}

// state asks how the container is.
func (a *attempt) state(ctx context.Context) (container.InspectResponse, error) {
	return a.stateOf(ctx, a.id)
}

func (a *attempt) stateOf(ctx context.Context, id string) (found container.InspectResponse, err error) {
	err = a.engine.do(ctx, "ask how the container is", a.repeatedly(), func(ctx context.Context) (err error) {
		found, err = a.engine.client.ContainerInspect(ctx, id)
		if err == nil && found.State == nil {
			err = errors.New("the engine does not say")
		}
		return err
	})
	return found, err
}

// hasRun says whether a container has been started.
func hasRun(found container.InspectResponse) bool {
	return found.State.Running || !engineTime(found.State.StartedAt).IsZero()
}

// hasEnded says whether a container has been started and runs no more.
func hasEnded(found container.InspectResponse) bool { return hasRun(found) && !found.State.Running }

// startFailed tells a command that cannot be run from an engine that cannot run it.
func (a *attempt) startFailed(err error) (engine.Exit, bool) {
	failure, ok := errors.AsType[*engine.Error](err)
	if !ok || failure.Reason != engine.EngineRefused {
		return engine.Exit{}, false
	}
	exit, ok := startFailure(err, a.container)
	exit.ImageDigest = a.image.digest
	return exit, ok
}
