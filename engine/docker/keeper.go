package docker

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/volume"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/plan"
)

// keeper holds the volumes of a task from its first attempt to its last. Engines unmount a volume when the last
// container that uses it ends, and a tmpfs is empty then; so a container of ktask's own
// mounts them all the time. It runs the pauseProgram, and nothing is copied into its volumes once an attempt has had them.
//
// It has no memory limit: the program cannot ask for memory, while the runtime that starts it needs more than any limit
// that would be worth setting. What a volume holds is charged to the containers that wrote it.
type keeper struct {
	engine    *Engine
	volumes   []volume.CreateOptions
	container *companion
	// directories are those that the mounts of a volume need in it, by the place at which the container has the volume.
	directories map[string][]string
}

// keepers are those of the tasks that are under way. The zero value is ready.
type keepers struct {
	mu    sync.Mutex
	tasks map[taskKey]*keeper
}

type taskKey struct{ run, task string }

// of gives the keeper of a task, nil where its attempts share nothing.
func (k *keepers) of(l engine.Labels) *keeper {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.tasks[taskKey{l.Run, l.Task}]
}

// set notes the keeper of a task, nil for none.
func (k *keepers) set(l engine.Labels, of *keeper) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.tasks == nil {
		k.tasks = map[taskKey]*keeper{}
	}
	if k.tasks[taskKey{l.Run, l.Task}] = of; of == nil {
		delete(k.tasks, taskKey{l.Run, l.Task})
	}
}

// KeepVolumes makes the volumes of a task and holds them, so that what an attempt leaves in one is there for the next.
// It returns when they are held: an attempt that ended earlier would take their content along. Requests go on where ctx
// ends, so that there is never anything nobody knows of.
func (e *Engine) KeepVolumes(ctx context.Context, c plan.Container, labels engine.Labels) (release func(context.Context) error, err error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	labels.Attempt = 0
	k := &keeper{engine: e, directories: map[string][]string{}}
	program, err := k.plan(ctx, c, labels)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, k.release(ctx))
		}
	}()
	if err := k.hold(context.WithoutCancel(ctx), program); err != nil {
		return nil, lost(err)
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	e.keepers.set(labels, k)
	return func(ctx context.Context) error {
		e.keepers.set(labels, nil)
		return k.release(ctx)
	}, nil
}

// holdParts makes the volumes of a single attempt whose mounts show different parts of a volume: the parts have to be
// there before the attempt starts. For any other attempt there is nothing to do.
func (e *Engine) holdParts(ctx context.Context, c plan.Container, labels engine.Labels) (release func(context.Context) error, err error) {
	if e.keepers.of(labels) != nil || !slices.ContainsFunc(byVolume(c.Tmpfs), hasParts) {
		return func(context.Context) error { return nil }, nil
	}
	return e.KeepVolumes(ctx, c, labels)
}

// plan sets what there is to hold, and returns the program that does.
func (k *keeper) plan(ctx context.Context, c plan.Container, labels engine.Labels) (program []byte, err error) {
	if err := k.engine.mountsParts(ctx, c); err != nil {
		return nil, err
	}
	image, err := k.engine.imageOf(ctx, c)
	if err != nil {
		return nil, err
	}
	program, ok := pauseProgram(image.architecture)
	if !ok {
		return nil, &engine.Error{
			Reason: engine.EngineRefused,
			Err:    fmt.Errorf("hold the volumes of the task: ktask has no program for the architecture %q of image %q that could hold them in memory between attempts", image.architecture, c.Image),
			Remedy: "set retries to 0, leave the volume out, or use an image for amd64 or arm64",
		}
	}
	known := facts{shared: true}
	if needsMemory(c) {
		if known.machine, err = k.engine.machine(ctx); err != nil {
			return nil, err
		}
	}
	r := request{host: &container.HostConfig{}}
	r.addTmpfs(c, labels, known)
	k.volumes = r.volumes
	if k.container, err = k.engine.newCompanion(containerName(labels)+keeperEnding, "/ktask-keeper", c, labels); err != nil {
		return nil, err
	}
	for i, mounts := range byVolume(c.Tmpfs) {
		at := fmt.Sprintf("/ktask-volume-%d", i+1)
		if hasParts(mounts) {
			k.directories[at] = directories(mounts)
		}
		k.container.mount(k.volumes[i].Name, at, k.directories[at] == nil)
	}
	return program, nil
}

// hold makes the volumes, starts the container that mounts them, and makes the directories that the task mounts: after
// that nothing is copied into the volumes, since a task decides what is in them.
func (k *keeper) hold(ctx context.Context, program []byte) error {
	for i, v := range k.volumes {
		_, err := k.engine.createVolume(ctx, v)
		if errors.Is(err, errForeign) {
			k.volumes = k.volumes[:i] // what follows is not made
		}
		if err != nil {
			return err
		}
	}
	if err := k.container.create(ctx); err != nil {
		return err
	}
	file := plan.File{Path: k.container.config.Entrypoint[0], Mode: 0o555, Content: program}
	content, err := archive(nil, []plan.File{file})
	if err != nil {
		return err
	}
	if err := k.container.fill(ctx, "/", content.Bytes()); err != nil {
		return err
	}
	if err := k.container.start(ctx); err != nil {
		return err
	}
	for at, directories := range k.directories {
		content, err := archive(directories, nil)
		if err != nil {
			return err
		}
		if err := k.container.fill(ctx, at, content.Bytes()); err != nil {
			return err
		}
	}
	return nil
}

// check makes sure that the volumes have been held since the first attempt: an attempt that finds them empty although
// an earlier one has filled them would not be one that a pod sees. The nil keeper holds nothing.
func (k *keeper) check(ctx context.Context, attempt int) error {
	if k == nil || attempt < 2 {
		return nil
	}
	var found container.InspectResponse
	err := k.engine.do(ctx, "see whether the task's volumes are still held", repeatedly, func(ctx context.Context) (err error) {
		found, err = k.engine.client.ContainerInspect(ctx, k.container.name)
		return err
	})
	switch {
	case cerrdefs.IsNotFound(err):
		return volumesLost(fmt.Errorf("container %q, which held them, has been removed", k.container.name))
	case err != nil:
		return err
	case !found.State.Running:
		return volumesLost(fmt.Errorf("container %q, which held them, has ended with exit code %d", k.container.name, found.State.ExitCode))
	}
	return nil
}

func volumesLost(err error) error {
	return &engine.Error{
		Reason: engine.EngineLost,
		Err:    fmt.Errorf("the content of the task's volumes is lost: %w", err),
		Remedy: "see what stopped it: somebody who cleans up, or a restart of the engine; then run the task again",
	}
}

// holds reports whether it holds a volume. The nil keeper holds none.
func (k *keeper) holds(name string) bool {
	return k != nil && slices.ContainsFunc(k.volumes, func(v volume.CreateOptions) bool { return v.Name == name })
}

// release takes the container and the volumes off the engine, but for volumes of attempts that the user keeps. What
// is in memory is gone also then.
func (k *keeper) release(ctx context.Context) error {
	ctx = context.WithoutCancel(ctx)
	failures := []error{k.container.remove(ctx)}
	kept := k.engine.keep == KeepFailed || k.engine.keep == KeepAlways
	for _, v := range k.volumes {
		failures = append(failures, k.engine.retryUntilGone(ctx, func(ctx context.Context) error {
			err := k.engine.removeVolume(ctx, v.Name)
			if kept && cerrdefs.IsConflict(err) {
				return nil
			}
			return err
		}))
	}
	return errors.Join(failures...)
}
