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

// create makes the volumes and the container. An engine that fails to answer may have made it all the same, so
// its name is then kept for the removal.
func (a *attempt) create(ctx context.Context) error {
	if err := a.createVolumes(ctx); err != nil {
		return err
	}
	err := a.createOnce(ctx)
	for a.refusesLogDriver(err) {
		refused := int32(a.request.logDriver)
		a.engine.logDriver.CompareAndSwap(refused, refused+1) // unless another attempt was told so
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

// advised says what to do about a refusal that comes from a flag or a limit. The remedy goes by what was asked for and by
// the kind of the refusal.
func (a *attempt) advised(err error) error {
	failure, ok := errors.AsType[*engine.Error](err)
	if !ok || failure.Reason != engine.EngineRefused {
		return err
	}
	c := a.container
	switch {
	case cerrdefs.IsNotFound(err) && !slices.Contains([]string{"", "none", "host", "bridge"}, c.Network):
		failure.Remedy = "see --network: it takes none, host, bridge or the name of a network that the engine has (`docker network ls`)"
	case cerrdefs.IsInvalidArgument(err) && c.Limits.MemoryBytes > 0 && c.Limits.MemoryBytes < leastMemory:
		failure.Remedy = "raise resources.limits.memory: engines run nothing with so little"
	case cerrdefs.IsInvalidArgument(err) && len(c.Mounts) > 0, slices.ContainsFunc(c.Mounts, names(err)):
		failure.Remedy = "see --mount: SRC is an absolute path, or a directory here, that the engine's own machine has, and DST where a file or directory can be"
	}
	return err
}

// names tells the mounts of which an error names the target: what a runtime finds wrong with one is an internal error.
func names(err error) func(plan.Mount) bool {
	return func(m plan.Mount) bool { return strings.Contains(err.Error(), m.Target) }
}

// leastMemory is the lowest limit that Docker takes, see linuxMinMemory of its daemon; older ones take 4 MiB.
const leastMemory = 6 << 20

// createOnce makes the container, however often it has to ask: what bears its name and the random label of this creation
// is what was asked for.
func (a *attempt) createOnce(ctx context.Context) error {
	r := a.request
	r.config.Labels[labelCreate] = rand.Text()
	ctx = context.WithoutCancel(ctx)
	p := a.engine.newRetry()
	for {
		err := a.engine.do(ctx, fmt.Sprintf("create container %q", r.name), once, func(ctx context.Context) error {
			created, err := a.engine.client.ContainerCreate(ctx, r.config, r.host, nil, r.platform, r.name)
			a.id = created.ID
			return err
		})
		switch {
		case ambiguous(err):
			a.id = r.name
		case nameTaken(err): // its name is given: by this very attempt?
		default:
			return err
		}
		if found, failure := a.stateOf(ctx, r.name); failure == nil {
			if !a.madeThis(found) {
				a.id = ""
				return err
			}
			a.id = found.ID
			return nil
		}
		// It is not there, or not yet: while the engine makes it only its name is taken.
		if hasReason(err, engine.EngineDidNotAnswer) || a.id == "" || !p.wait(ctx) {
			return err
		}
	}
}

// nameTaken says whether there is a container of the name already. Podman calls that an internal error, and nothing but
// its text tells.
func nameTaken(err error) bool {
	return cerrdefs.IsConflict(err) || cerrdefs.IsInternal(err) && strings.Contains(err.Error(), "name is already in use")
}

// madeThis says whether a container is the one that this attempt has asked for.
func (a *attempt) madeThis(found container.InspectResponse) bool {
	return found.Config != nil && !hasRun(found) && found.Config.Labels[labelCreate] == a.request.config.Labels[labelCreate]
}

// refusesLogDriver says whether the engine does not know the way in which it is to keep the output. Nothing but its text
// tells: "no log driver named …" is Docker's before 18.09, "invalid log driver" podman's.
func (a *attempt) refusesLogDriver(err error) bool {
	return hasReason(err, engine.EngineRefused) && strings.Contains(strings.ToLower(err.Error()), "log driver") && a.recorded()
}

// recorded says whether the engine keeps the output of this container.
func (a *attempt) recorded() bool { return a.request.logDriver != noLog }

// imageGone says whether the image is what the engine did not find: a network or a volume may be missing as well,
// and the answer to create names the kind of thing in its text alone.
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
