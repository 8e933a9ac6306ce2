package docker

import (
	"context"
	"errors"
	"fmt"
	"strings"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"

	"github.com/ktask/ktask/engine"
)

// create creates the volumes and the container. If the engine does not answer, it may have created the container all the
// same; its name is then kept for the removal.
func (a *attempt) create(ctx context.Context) error {
	if err := a.createVolumes(ctx); err != nil {
		return err
	}
	err := a.createOnce(ctx)
	for a.refusesLogDriver(err) {
		refused := int32(a.request.logDriver)
		a.engine.logDriver.CompareAndSwap(refused, refused+1) // unless another attempt has changed it already
		a.request.keepOutput(logDriver(refused + 1))
		err = a.createOnce(ctx)
	}
	if err == nil {
		return context.Cause(ctx)
	}
	if cerrdefs.IsNotFound(err) {
		if gone := a.engine.imageGone(ctx, a.container); gone != nil {
			return gone
		}
	}
	return a.advised(err)
}

// createOnce creates the container and repeats the request until the engine answers.
func (a *attempt) createOnce(ctx context.Context) (err error) {
	a.engine.labelCreation(a.request.config.Labels)
	ctx = context.WithoutCancel(ctx)
	retry(ctx, a.engine.reconnectWithin, func() (again bool) {
		again, err = a.tryCreate(ctx)
		return again
	})
	return err
}

// tryCreate requests the container once. If the engine does not answer, or answers that the name is taken, tryCreate looks
// for the container that an earlier request of this attempt may have created. again reports whether it may still appear:
// while the engine creates a container, only its name is taken.
func (a *attempt) tryCreate(ctx context.Context) (again bool, err error) {
	r := a.request
	err = a.engine.do(ctx, fmt.Sprintf("create container %q", r.name), once, func(ctx context.Context) error {
		created, err := a.engine.client.ContainerCreate(ctx, r.config, r.host, nil, r.platform, r.name)
		if err == nil {
			a.id = created.ID
		}
		return err
	})
	switch {
	case ambiguous(err):
		a.id = r.name
	case !nameTaken(err):
		if err != nil {
			a.id = "" // nothing to remove
		}
		return false, err
	}
	found, failure := a.stateOf(ctx, r.name)
	switch {
	case failure != nil:
		return a.id != "" && !hasReason(err, engine.EngineDidNotAnswer), err
	case !a.madeThis(found):
		a.id = "" // it is somebody else's, and is not removed
		return false, err
	}
	a.id = found.ID
	return false, nil
}

// nameTaken reports whether a container has the name already. Podman reports that as an internal error, which only its text
// identifies.
func nameTaken(err error) bool {
	return cerrdefs.IsConflict(err) || cerrdefs.IsInternal(err) && strings.Contains(err.Error(), "name is already in use")
}

// madeThis reports whether this attempt has created the container: it has the random label of this creation.
func (a *attempt) madeThis(found container.InspectResponse) bool {
	return found.Config != nil && !hasRun(found) && found.Config.Labels[labelCreate] == a.request.config.Labels[labelCreate]
}

// refusesLogDriver reports whether the engine does not have the log driver. Only the text of the error shows it: "no log
// driver named …" is from Docker before 18.09, "invalid log driver" from podman.
func (a *attempt) refusesLogDriver(err error) bool {
	return hasReason(err, engine.EngineRefused) && strings.Contains(strings.ToLower(err.Error()), "log driver") && a.recorded()
}

// recorded reports whether the engine keeps the output of this container.
func (a *attempt) recorded() bool { return a.request.logDriver != noLog }

func (a *attempt) createVolumes(ctx context.Context) error {
	ctx = context.WithoutCancel(ctx)
	for _, v := range a.request.volumes {
		if a.keeper.holds(v.Name) {
			continue
		}
		mountpoint, err := a.engine.createVolume(ctx, v)
		if !errors.Is(err, errForeign) {
			a.volumes = append(a.volumes, v.Name)
		}
		if err != nil {
			return err
		}
		if v.Name == a.request.message {
			if err := a.layMessage(ctx, mountpoint); err != nil {
				return err
			}
		}
	}
	return nil
}
