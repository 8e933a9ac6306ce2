package docker

import (
	"context"
	"errors"
	"fmt"
	"sync"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/volume"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/plan"
)

// keeper holds the volumes of a task from its first attempt to its last. Engines unmount a volume when the last
// container that uses it ends, and a tmpfs is empty then; so for the volumes in memory a container of ktask's own
// mounts them all the time. It runs the pauseProgram, and the volumes are read-only to it.
//
// It has no memory limit: the program cannot ask for memory, while the runtime that starts it needs more than any limit
// that would be worth setting. What a volume holds is charged to the containers that wrote it.
type keeper struct {
	*Engine
	storage storage
	volumes []volume.CreateOptions
	// mountpoints are where the engine has the volumes, by their names.
	mountpoints map[string]string
	// container is nil where no volume is in memory.
	container *companion
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
	k := &keeper{Engine: e, mountpoints: map[string]string{}}
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

// plan says what there is to hold, and gives the program that does.
func (k *keeper) plan(ctx context.Context, c plan.Container, labels engine.Labels) (program []byte, err error) {
	image, err := k.imageOf(ctx, c)
	if err != nil {
		return nil, err
	}
	var known facts
	if needsMemory(c) {
		if known.machine, err = k.machine(ctx); err != nil {
			return nil, err
		}
	}
	program, ok := pauseProgram(image.architecture)
	if k.storage = keptInMemory; !ok {
		k.storage = keptOnDisk
	}
	r := request{name: containerName(labels), host: &container.HostConfig{}}
	known.storage = k.storage
	r.addTmpfs(c, labels, known)
	if k.keep == KeepFailed || k.keep == KeepAlways {
		markKept(r.volumes)
	}
	k.volumes = r.volumes
	for i, v := range k.volumes {
		if len(v.DriverOpts) == 0 { // on disk: its content stays by itself
			continue
		}
		if k.container == nil {
			if k.container, err = k.newCompanion(r.name+"-keeper", "/ktask-keeper", c, labels); err != nil {
				return nil, err
			}
		}
		k.container.mount(v.Name, fmt.Sprintf("/ktask-volume-%d", i+1), true)
	}
	return program, nil
}

// hold makes the volumes, and starts the container that mounts those in memory.
func (k *keeper) hold(ctx context.Context, program []byte) error {
	for _, v := range k.volumes {
		if err := k.createVolume(ctx, v, k.mountpoints); err != nil {
			return err
		}
	}
	if k.container == nil {
		return nil
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
	return k.container.start(ctx)
}

// check makes sure that the volumes have been held since the first attempt: an attempt that finds them empty although
// an earlier one has filled them would not be one that a pod sees. The nil keeper holds nothing.
func (k *keeper) check(ctx context.Context, attempt int) error {
	if k == nil || k.container == nil || attempt < 2 {
		return nil
	}
	var found container.InspectResponse
	err := k.again(ctx, "see whether the task's volumes are still held", func(ctx context.Context) (err error) {
		found, err = k.client.ContainerInspect(ctx, k.container.name)
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

// mountpoint is where a volume that is held is on the engine; ok is false for any other.
func (k *keeper) mountpoint(name string) (at string, ok bool) {
	if k == nil {
		return "", false
	}
	at, ok = k.mountpoints[name]
	return at, ok
}

// release takes the container and the volumes off the engine, but for volumes of attempts that the user keeps. What
// is in memory is gone also then.
func (k *keeper) release(ctx context.Context) error {
	ctx = context.WithoutCancel(ctx)
	var failures []error
	if k.container != nil {
		failures = append(failures, k.container.remove(ctx))
	}
	kept := k.keep == KeepFailed || k.keep == KeepAlways
	for _, v := range k.volumes {
		failures = append(failures, k.insist(ctx, func(ctx context.Context) error {
			err := k.removeVolume(ctx, v.Name)
			if kept && cerrdefs.IsConflict(err) {
				return nil
			}
			return err
		}))
	}
	return errors.Join(failures...)
}
