package docker

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/plan"
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
	switch {
	case err == nil:
		return context.Cause(ctx)
	case cerrdefs.IsNotFound(err) && a.imageGone(ctx):
		return imageMissing(a.container.Image)
	}
	return a.advised(err)
}

// advised adds a remedy to a refusal that a flag or a limit has caused. The remedy depends on what was asked for and on the
// kind of the refusal.
func (a *attempt) advised(err error) error {
	failure, ok := errors.AsType[*engine.Error](err)
	if !ok || failure.Reason != engine.EngineRefused {
		return err
	}
	c := a.container
	switch {
	case cerrdefs.IsNotFound(err) && !slices.Contains([]string{"", "none", "host", "bridge"}, c.Network):
		failure.Remedy = engine.Remedy{Option: engine.OptionNetwork}
	case cerrdefs.IsInvalidArgument(err) && c.Limits.MemoryBytes > 0 && c.Limits.MemoryBytes < leastMemory:
		failure.Remedy = engine.Remedy{Text: "raise resources.limits.memory: the engine requires more"}
	case cerrdefs.IsInvalidArgument(err) && len(c.Mounts) > 0, slices.ContainsFunc(c.Mounts, names(err)):
		failure.Remedy = engine.Remedy{Option: engine.OptionMounts}
	}
	return err
}

// names returns a function that reports whether an error names the target of a mount. Engines answer a mount that their
// runtime rejects with an internal error, so only the text identifies it.
func names(err error) func(plan.Mount) bool {
	return func(m plan.Mount) bool { return strings.Contains(err.Error(), m.Target) }
}

// leastMemory is the lowest limit that Docker accepts, see linuxMinMemory of its daemon; older versions accept 4 MiB.
const leastMemory = 6 << 20

// createOnce creates the container and repeats the request until the engine answers.
func (a *attempt) createOnce(ctx context.Context) (err error) {
	a.request.config.Labels[labelCreate] = rand.Text()
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

// imageGone reports whether it is the image that the engine did not find. A network or a volume may be missing as well, and
// the answer to create names the kind of thing in its text alone.
func (a *attempt) imageGone(ctx context.Context) bool {
	key := imageKey{a.container.Image, a.container.Platform}
	present, err := a.engine.look(context.WithoutCancel(ctx), key)
	if err != nil || present {
		return false
	}
	a.engine.images.forget(key)
	return true
}

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
