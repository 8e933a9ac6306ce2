package docker

import (
	"context"
	"fmt"
	"io"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/events"
	"github.com/docker/docker/api/types/filters"

	"github.com/ktask/ktask/engine"
)

// ownEnd is for a container that has ended while the engine was out of reach: an engine that stops takes its containers
// along, and what exit code that makes is no word of theirs. The end is the container's own where the engine has been
// there all the time and has ended nothing, or where it leaves containers alone when it restarts.
func (a *attempt) ownEnd(ctx context.Context, found container.InspectResponse) error {
	ctx = context.WithoutCancel(ctx)
	known, err := a.recall(ctx, found, found.State.FinishedAt)
	if err != nil || known.created && !known.killed {
		return err
	}
	restores := false
	err = a.engine.do(ctx, "ask the engine whether it keeps containers alive", a.repeatedly(), func(ctx context.Context) error {
		info, err := a.engine.client.Info(ctx)
		restores = info.LiveRestoreEnabled
		return err
	})
	if err != nil || restores {
		return err
	}
	return &engine.Error{
		Reason: engine.EngineLost,
		Err:    fmt.Errorf("the Docker engine at %s went away while the container ran, and may have ended it", a.engine.endpoint.Host),
		Remedy: "run the task again; with \"live-restore\": true in Docker's daemon.json containers outlive a restart of the engine",
	}
}

// memory is what an engine remembers of a container: no more than a few hundred of its last events, and none across its
// restart.
type memory struct{ created, started, killed bool }

// recall asks for what has happened to a container until a time of the engine.
func (a *attempt) recall(ctx context.Context, of container.InspectResponse, until string) (known memory, err error) {
	err = a.engine.do(ctx, "ask what happened to the container", a.repeatedly(), func(ctx context.Context) error {
		known = memory{}
		heard, failed := a.engine.client.Events(ctx, events.ListOptions{
			Since: of.Created, Until: until, Filters: filters.NewArgs(filters.Arg("container", of.ID)),
		})
		for {
			select {
			case event := <-heard:
				known.created = known.created || event.Action == events.ActionCreate
				known.started = known.started || event.Action == events.ActionStart
				known.killed = known.killed || event.Action == events.ActionKill
			case err := <-failed:
				if err == io.EOF { //nolint:errorlint // the client's own word for the end
					return nil
				}
				return err
			}
		}
	})
	return known, err
}

// neverStarted makes sure that a container which the engine calls created has not run: an engine that was killed may
// have started it and have lost the knowledge.
func (a *attempt) neverStarted(ctx context.Context, found container.InspectResponse) error {
	var now string
	err := a.engine.do(ctx, "ask the engine for its time", a.repeatedly(), func(ctx context.Context) error {
		info, err := a.engine.client.Info(ctx)
		now = info.SystemTime
		return err
	})
	if err != nil {
		return err
	}
	known, err := a.recall(ctx, found, now)
	if err != nil || known.created && !known.started {
		return err
	}
	return &engine.Error{
		Reason: engine.EngineLost,
		Err:    fmt.Errorf("the Docker engine at %s went away while it started the container, and no longer knows whether it has", a.engine.endpoint.Host),
		Remedy: "see whether the task has done something, and run it again",
	}
}
