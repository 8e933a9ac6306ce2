package docker

import (
	"context"
	"errors"
	"fmt"
	"time"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/plan"
)

// attempt is one container from its creation to its removal. One goroutine uses it.
type attempt struct {
	*Engine
	container plan.Container
	image     imageFacts
	request   request
	mask      *engine.Mask
	output    *watched
	// killed is closed when the run is killed.
	killed <-chan struct{}
	// id is the container's, its name while the engine has not answered, and "" where there is none.
	id string
	// volumes are the names of those that may be on the engine.
	volumes []string
}

// Run is one attempt: create, copy the files in, attach, register the wait, start, take the output to its end,
// wait, inspect, remove. What ends ctx while the engine creates or starts the container is acted upon once the engine
// has answered, so that there is never a container nobody knows of.
func (e *Engine) Run(ctx context.Context, c plan.Container, labels engine.Labels, sink engine.Sink) (exit engine.Exit, err error) {
	if ctx.Err() != nil {
		return engine.Exit{}, context.Cause(ctx)
	}
	a := &attempt{
		Engine: e, container: c, mask: engine.NewMask(c.Secrets()),
		output: &watched{sink: sink, keep: c.TerminationMessage.FallbackToLogs},
	}
	killed, leave := e.switches.join(labels.Run)
	defer leave()
	a.killed = killed
	if err := a.convert(ctx, labels); err != nil {
		return engine.Exit{}, err
	}
	defer func() {
		// It is removed before the caller hears of it: the contract leaves nothing behind.
		if failure := a.remove(ctx, err != nil || exit.Code != 0); failure != nil {
			err = errors.Join(err, failure)
		}
	}()
	if err := a.create(ctx); err != nil {
		if exit, ok := startFailure(err, c); ok {
			return exit, nil
		}
		return engine.Exit{}, err
	}
	if err := a.fill(ctx); err != nil {
		return engine.Exit{}, lost(err)
	}
	exit, err = a.run(ctx)
	return exit, lost(err)
}

// call is Engine.call for requests of which the engine may repeat what the container was given.
func (a *attempt) call(ctx context.Context, what string, request func(context.Context) error) error {
	err := a.Engine.call(ctx, what, request)
	if failure, ok := errors.AsType[*engine.Error](err); ok {
		failure.Err = masked{failure.Err, a.mask}
	}
	return err
}

// convert makes the request, asking the engine only for what this container depends on.
func (a *attempt) convert(ctx context.Context, labels engine.Labels) (err error) {
	known := facts{kept: a.keep == KeepFailed || a.keep == KeepAlways}
	if needsMemory(a.container) {
		if known.memory, err = a.memoryBytes(ctx); err != nil {
			return err
		}
	}
	if needsImage(a.container) {
		if known.image, err = a.imageOf(ctx, a.container); err != nil {
			return err
		}
	}
	a.image, _ = a.images.known(imageKey{a.container.Image, a.container.Platform})
	a.request, err = convert(a.container, labels, known)
	return err
}

// create makes the volumes and the container. An engine that fails to answer may have made it all the same, so
// its name is then kept for the removal.
func (a *attempt) create(ctx context.Context) error {
	if err := a.createVolumes(ctx); err != nil {
		return err
	}
	r := a.request
	err := a.call(context.WithoutCancel(ctx), fmt.Sprintf("create container %q", r.name), func(ctx context.Context) error {
		created, err := a.client.ContainerCreate(ctx, r.config, r.host, nil, r.platform, r.name)
		a.id = created.ID
		return err
	})
	failure, _ := errors.AsType[*engine.Error](err)
	switch {
	case err == nil:
		return context.Cause(ctx)
	case failure != nil && failure.Reason != engine.EngineRefused:
		a.id = r.name
	case cerrdefs.IsNotFound(err) && a.imageGone(ctx):
		return imageMissing(a.container.Image)
	}
	return err
}

// imageGone says whether the image is what the engine did not find: a network or a volume may be missing as well,
// and the answer to create names the kind of thing in its text alone.
func (a *attempt) imageGone(ctx context.Context) bool {
	key := imageKey{a.container.Image, a.container.Platform}
	present, err := a.look(context.WithoutCancel(ctx), key)
	if err != nil || present {
		return false
	}
	a.images.forget(key)
	return true
}

func (a *attempt) createVolumes(ctx context.Context) error {
	mountpoints := map[string]string{}
	for _, v := range a.request.volumes {
		a.volumes = append(a.volumes, v.Name)
		err := a.call(context.WithoutCancel(ctx), fmt.Sprintf("create volume %q", v.Name), func(ctx context.Context) error {
			created, err := a.client.VolumeCreate(ctx, v)
			mountpoints[v.Name] = created.Mountpoint
			return err
		})
		if err != nil {
			return err
		}
	}
	a.request.mountInside(mountpoints)
	return nil
}

// fill copies the files into the container.
func (a *attempt) fill(ctx context.Context) error {
	if len(a.container.Files)+len(a.request.directories) == 0 {
		return nil
	}
	if a.container.Security.ReadOnlyRootfs {
		return &engine.Error{
			Reason: engine.EngineRefused,
			Err:    errors.New("copy files into the container: Docker writes to no container whose root file system is read-only"),
			Remedy: "leave readOnlyRootFilesystem out, or mount the volume once and without subPath",
		}
	}
	content, err := archive(a.request.directories, a.container.Files)
	if err != nil {
		return &engine.Error{Reason: engine.EngineRefused, Err: err}
	}
	return a.call(ctx, "copy files into the container", func(ctx context.Context) error {
		return a.client.CopyToContainer(ctx, a.id, "/", content, container.CopyToContainerOptions{})
	})
}

// run starts the container and sees it through.
func (a *attempt) run(ctx context.Context) (engine.Exit, error) {
	stream, err := a.attach(ctx)
	if err != nil {
		return engine.Exit{}, err
	}
	defer stream.end()

	waiting, endWait := context.WithCancel(context.WithoutCancel(ctx))
	exited := a.wait(waiting)
	defer func() {
		endWait()
		exited.drop()
	}()

	if err := context.Cause(ctx); err != nil {
		return engine.Exit{}, err
	}
	err = a.call(context.WithoutCancel(ctx), "start the container", func(ctx context.Context) error {
		return a.client.ContainerStart(ctx, a.id, container.StartOptions{})
	})
	if exit, ok := a.startFailed(err); ok {
		return exit, nil
	}
	if err != nil {
		return engine.Exit{}, err
	}
	stopped, err := a.await(ctx, exited)
	if err != nil {
		return engine.Exit{}, err
	}
	if err := stream.finish(); err != nil {
		return engine.Exit{}, err
	}
	exit, err := a.inspect(ctx)
	exit.Stopped = stopped
	return exit, err
}

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

// inspect reads how the container ended: the wait knows the exit code, and neither the times nor why.
func (a *attempt) inspect(ctx context.Context) (engine.Exit, error) {
	var found container.InspectResponse
	err := a.call(context.WithoutCancel(ctx), "ask how the container ended", func(ctx context.Context) (err error) {
		found, err = a.client.ContainerInspect(ctx, a.id)
		return err
	})
	if err != nil {
		return engine.Exit{}, err
	}
	digest := found.Image
	if a.image.id == found.Image {
		digest = a.image.digest
	}
	if exit, ok := execFailure(found.State.ExitCode, a.output.only(), a.container); ok {
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
	if exit.Finished.Before(exit.Started) {
		// Engines note the start after they have made it: a quick process can be over by then.
		exit.Finished = exit.Started
	}
	if exit.OOMKilled {
		exit.Reason = engine.OOMKilled
	}
	exit.Message, err = a.lastWords(ctx, exit.Code)
	return exit, err
}

// engineTime reads a time of the engine; the zero time stands for one that it does not know.
func engineTime(s string) time.Time {
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return time.Time{}
	}
	return t
}
