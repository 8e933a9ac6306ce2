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

// ownEnd returns an error if the engine, not the task, may have ended a container while the engine was out of reach: an
// engine that stops takes its containers along, so their exit codes are not their own. The end is the container's own if the
// engine has been running all the time and has killed nothing, or if it keeps containers running across a restart.
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
		Remedy: engine.Remedy{Text: "run the task again; with \"live-restore\": true in Docker's daemon.json containers outlive a restart of the engine"},
	}
}

// memory is what an engine's events report about a container. Engines keep no more than a few hundred of their last events,
// and none across a restart.
type memory struct{ created, started, killed bool }

// recall reads the events of a container up to a time of the engine's clock.
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
				if err == io.EOF { //nolint:errorlint // how the client reports the end
					return nil
				}
				return err
			}
		}
	})
	return known, err
}

// neverStarted returns an error if a container in the state "created" may have run: an engine that was killed may have
// started it without recording that.
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
		Err:    fmt.Errorf("the Docker engine at %s went away while it started the container; whether the container has run is not known", a.engine.endpoint.Host),
		Remedy: engine.Remedy{Text: "see whether the task has done something, and run it again"},
	}
}
