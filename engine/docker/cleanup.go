package docker

import (
	"context"
	"errors"
	"fmt"
	"sync"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"

	"github.com/ktask/ktask/engine"
)

// remove removes the container and its volumes from the engine, unless they are kept. It also works after ctx has ended: its
// requests have deadlines of their own. What is already gone is not an error.
func (a *attempt) remove(ctx context.Context, failed bool) error {
	ctx = context.WithoutCancel(ctx)
	kept := a.engine.keep == KeepAlways || a.engine.keep == KeepFailed && failed
	failures := together(
		func() error { return a.removePorter(ctx) },
		func() error { return a.removeContainer(ctx, kept) },
	)
	if kept {
		return failures
	}
	for _, name := range a.volumes {
		failures = errors.Join(failures, a.removeReliably(ctx, func(ctx context.Context) error { return a.engine.removeVolume(ctx, name) }))
	}
	return failures
}

// together calls functions at the same time and returns when all of them have returned.
func together(calls ...func() error) error {
	failures := make([]error, len(calls))
	var all sync.WaitGroup
	for i, call := range calls {
		all.Go(func() { failures[i] = call() })
	}
	all.Wait()
	return errors.Join(failures...)
}

func (a *attempt) removePorter(ctx context.Context) error {
	if a.porter == nil {
		return nil
	}
	return a.removeReliably(ctx, a.porter.removeOnce)
}

func (a *attempt) removeContainer(ctx context.Context, kept bool) error {
	switch {
	case a.id == "":
		return nil
	case kept:
		return a.removeReliably(ctx, a.keepContainer)
	}
	remove := a.engine.removeContainer
	if a.mayRun {
		remove = a.engine.endContainer
	}
	return a.removeReliably(ctx, func(ctx context.Context) error { return remove(ctx, a.id) })
}

// keepContainer ends the container and gives it the name that marks it as kept. A sweep leaves a container of that name
// alone, even if the user starts it again to look around in it.
func (a *attempt) keepContainer(ctx context.Context) error {
	if a.mayRun {
		err := a.engine.do(ctx, "kill the container", once, func(ctx context.Context) error {
			return a.engine.client.ContainerKill(ctx, a.id, "SIGKILL")
		})
		if err != nil && !hasReason(err, engine.EngineRefused) { // one that does not run cannot be killed
			return err
		}
	}
	return a.engine.do(ctx, "rename the container that is kept", once, func(ctx context.Context) error {
		return a.engine.client.ContainerRename(ctx, a.id, a.request.name+keptEnding)
	})
}

// endContainer removes a container that may be running. Docker kills a container that is removed by force, but podman stops
// it and waits for its whole grace, so it is killed first.
func (e *Engine) endContainer(ctx context.Context, id string) error {
	err := e.do(ctx, removing(id), once, func(ctx context.Context) error {
		return e.client.ContainerKill(ctx, id, "SIGKILL")
	})
	if err != nil && !hasReason(err, engine.EngineRefused) { // one that does not run cannot be killed
		return err
	}
	return e.removeContainer(ctx, id)
}

// removeContainer removes a container and returns when it is gone, even if somebody else removes it at the same time.
func (e *Engine) removeContainer(ctx context.Context, id string) error {
	return e.removed(ctx, removing(id), func(ctx context.Context) error {
		err := e.client.ContainerRemove(ctx, id, container.RemoveOptions{Force: true, RemoveVolumes: true})
		if cerrdefs.IsConflict(err) { // a forced removal conflicts only with another removal
			return e.awaitRemoval(ctx, id)
		}
		return err
	}, func(ctx context.Context) error {
		_, err := e.client.ContainerInspect(ctx, id)
		return err
	})
}

func removing(id string) string { return fmt.Sprintf("remove container %q", id) }

func (e *Engine) awaitRemoval(ctx context.Context, id string) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var removal registration
	removal.done, removal.failed = e.client.ContainerWait(ctx, id, container.WaitConditionRemoved)
	return removal.answer() // an error if the removal fails, too
}

func (e *Engine) removeVolume(ctx context.Context, name string) error {
	return e.removed(ctx, fmt.Sprintf("remove volume %q", name), func(ctx context.Context) error {
		return e.client.VolumeRemove(ctx, name, true)
	}, func(ctx context.Context) error {
		_, err := e.client.VolumeInspect(ctx, name)
		return err
	})
}

// removed makes a removal; what is already gone counts as removed. Podman answers a removal that another one has overtaken
// with an error of its database, so after a refusal inspect shows whether the thing is gone.
func (e *Engine) removed(ctx context.Context, what string, remove, inspect func(context.Context) error) error {
	err := e.do(ctx, what, once, remove)
	switch {
	case cerrdefs.IsNotFound(err):
		return nil
	case hasReason(err, engine.EngineRefused) && cerrdefs.IsNotFound(e.do(ctx, what, once, inspect)):
		return nil
	}
	return err
}
