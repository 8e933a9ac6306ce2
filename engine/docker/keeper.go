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

// keeper holds the volumes of a task from its first attempt to its last. Engines unmount a volume when the last container
// that uses it ends, which empties a tmpfs; so a container of ktask's own mounts them all the time. It runs the
// pauseProgram, and nothing is copied into its volumes after an attempt has used them.
//
// It has no memory limit: the program cannot allocate memory, while the runtime that starts it needs more than any limit
// that would be worth setting. What a volume holds counts toward the containers that wrote it.
type keeper struct {
	engine    *Engine
	volumes   []volume.CreateOptions
	container *companion
	// directories maps the path of a volume in the container to the directories that the task's mounts need in it.
	directories map[string][]string
}

// keepers holds the keepers of the tasks that are running. The zero value is ready for use.
type keepers struct {
	mu    sync.Mutex
	tasks map[taskKey]*keeper
}

type taskKey struct{ run, task string }

// of returns the keeper of a task, nil if its attempts share no volumes.
func (k *keepers) of(l engine.Labels) *keeper {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.tasks[taskKey{l.Run, l.Task}]
}

// set sets the keeper of a task, nil for none.
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

// KeepVolumes creates the volumes of a task and holds them, so that the next attempt finds what an attempt has left in them.
// It returns when they are held: an attempt that ended earlier would empty them. The end of ctx does not interrupt a
// request, so that nothing is created that ktask does not remove.
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

// holdParts creates the volumes of a single attempt whose mounts show different parts of a volume: the parts must exist
// before the attempt starts. For other attempts it does nothing.
func (e *Engine) holdParts(ctx context.Context, c plan.Container, labels engine.Labels) (release func(context.Context) error, err error) {
	if e.keepers.of(labels) != nil || !slices.ContainsFunc(byVolume(c.Tmpfs), hasParts) {
		return func(context.Context) error { return nil }, nil
	}
	return e.KeepVolumes(ctx, c, labels)
}

// plan sets the volumes, the container and its directories, and returns the program that it runs.
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
			Err:    fmt.Errorf("hold the volumes of the task: ktask has no program for the architecture %q of image %q, which is needed to hold them in memory between attempts", image.architecture, c.Image),
			Remedy: engine.Remedy{Text: "set retries to 0, leave the volume out, or use an image for amd64 or arm64"},
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

// hold creates the volumes, starts the container that mounts them, and creates the directories that the task mounts. After
// that nothing is copied into the volumes, since the task controls what is in them.
func (k *keeper) hold(ctx context.Context, program []byte) error {
	for i, v := range k.volumes {
		_, err := k.engine.createVolume(ctx, v)
		if errors.Is(err, errForeign) {
			k.volumes = k.volumes[:i] // the rest has not been created
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

// check returns an error if the volumes have not been held since the first attempt: a later attempt must find what an
// earlier one has written, as in a pod. A nil keeper holds nothing.
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
		Remedy: engine.Remedy{Text: "find out what stopped it, such as a cleanup job or a restart of the engine; then run the task again"},
	}
}

// holds reports whether the keeper holds a volume. A nil keeper holds none.
func (k *keeper) holds(name string) bool {
	return k != nil && slices.ContainsFunc(k.volumes, func(v volume.CreateOptions) bool { return v.Name == name })
}

// release removes the container and the volumes from the engine, except volumes of attempts that the user keeps. Their
// content, which is in memory, is lost even then.
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
