package docker

import (
	"context"
	"fmt"
	"syscall"
	"time"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"

	"github.com/ktask/ktask/engine"
)

// ended returns how the container ended, from its state: the wait returns the exit code, but neither the times nor the reason.
func (a *attempt) ended(ctx context.Context, found container.InspectResponse, stopped bool) (engine.Exit, error) {
	switch {
	case isGoing(found) && !stopped:
		return engine.Exit{}, a.wasRemoved()
	case !hasEnded(found):
		return engine.Exit{}, &engine.Error{
			Reason: engine.EngineRefused,
			Err:    fmt.Errorf("ask how the container ended: the engine reported that it had ended, and now reports that it is %s", found.State.Status),
			Remedy: a.engine.remedyRefused(),
		}
	}
	a.mayRun = false
	if !stopped && a.goes(ctx, found.State.ExitCode) {
		return engine.Exit{}, a.wasRemoved()
	}
	if a.wasLost.Load() && !stopped {
		if err := a.ownEnd(ctx, found); err != nil {
			return engine.Exit{}, err
		}
	}
	digest := ""
	if a.image.id == found.Image { // else the name has moved to another image
		digest = a.image.digest
	}
	if exit, ok := execFailure(found.State.ExitCode, a.head.only(), a.container); ok {
		exit.ImageDigest = digest
		return exit, nil
	}
	exit := engine.Exit{
		Code:        found.State.ExitCode,
		Signal:      signalName(found.State.ExitCode),
		OOMKilled:   found.State.OOMKilled && found.State.ExitCode != 0,
		Started:     engineTime(found.State.StartedAt),
		Finished:    engineTime(found.State.FinishedAt),
		ImageDigest: digest,
	}
	if a.prepared != nil {
		exit.Started = a.prepared.startedAt(exit.Started)
	}
	if exit.Finished.Before(exit.Started) {
		// Engines record the start after the process has started: a short process may have ended by then.
		exit.Finished = exit.Started
	}
	if exit.OOMKilled {
		exit.Reason = engine.OOMKilled
	}
	return exit, nil
}

// removedWithin is how long after the end of a container podman may take to remove it.
const removedWithin = 500 * time.Millisecond

// goes reports whether the container, which has ended by a signal, is removed by somebody else. Podman reports the end before that.
func (a *attempt) goes(ctx context.Context, code int) (gone bool) {
	if !a.engine.isPodman() || code != 128+int(syscall.SIGKILL) && code != 128+int(syscall.SIGTERM) {
		return false
	}
	retry(context.WithoutCancel(ctx), removedWithin, func() (again bool) {
		_, err := a.state(context.WithoutCancel(ctx))
		gone = cerrdefs.IsNotFound(err)
		return !gone
	})
	return gone
}

// engineTime parses a time of the engine. It returns the zero time if the engine has none.
func engineTime(s string) time.Time {
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return time.Time{}
	}
	return t
}
