package docker

import (
	"bytes"
	"context"
	"fmt"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/mount"
	"github.com/docker/docker/api/types/strslice"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/plan"
)

// companion is a container of ktask's own that accompanies a task's container. It is created from the task's image, although
// it uses nothing of it, since no other image is known to be on the engine. It shares only volumes with the task: it has its
// own namespaces, no network, no capabilities, none of the task's environment, and no name by which a task could find it.
type companion struct {
	engine    *Engine
	name      string
	container plan.Container
	platform  *ocispec.Platform
	config    container.Config
	host      container.HostConfig
	// foreign is true if somebody else's container has this name.
	foreign bool
}

// newCompanion returns a companion that runs program once it is started. Nothing is created on the engine yet.
func (e *Engine) newCompanion(name, program string, c plan.Container, labels engine.Labels) (*companion, error) {
	platform, err := platformOf(c.Platform)
	if err != nil {
		return nil, err
	}
	return &companion{
		engine: e, name: name, container: c, platform: platform,
		config: container.Config{
			Image:      c.Image,
			Entrypoint: strslice.StrSlice{program},
			// The image's working directory may be closed to this user.
			User: "65534:65534", WorkingDir: "/",
			Labels: labelMap(labels),
			// The kernel delivers no signal to PID 1 that it does not handle, except this one.
			StopSignal:  "SIGKILL",
			Healthcheck: &container.HealthConfig{Test: []string{"NONE"}},
		},
		host: container.HostConfig{
			NetworkMode: "none",
			LogConfig:   noLog.config(),
			CapDrop:     []string{"ALL"},
			SecurityOpt: []string{"no-new-privileges"},
		},
	}, nil
}

// mount adds a volume to the companion.
func (c *companion) mount(volume, target string, readOnly bool) {
	c.host.Mounts = append(c.host.Mounts, mount.Mount{
		Type: mount.TypeVolume, Source: volume, Target: target, ReadOnly: readOnly,
		VolumeOptions: &mount.VolumeOptions{NoCopy: true},
	})
}

func (c *companion) create(ctx context.Context) error {
	c.engine.labelCreation(c.config.Labels)
	err := c.engine.do(ctx, fmt.Sprintf("create container %q", c.name), repeatedly, func(ctx context.Context) error {
		_, err := c.engine.client.ContainerCreate(ctx, &c.config, &c.host, nil, c.platform, c.name)
		if !nameTaken(err) {
			return err
		}
		// The answer to an earlier try may have been lost.
		found, failure := c.engine.client.ContainerInspect(ctx, c.name)
		if failure == nil && found.Config != nil && found.Config.Labels[labelCreate] == c.config.Labels[labelCreate] {
			return nil
		}
		return err
	})
	c.foreign = nameTaken(err)
	if cerrdefs.IsNotFound(err) {
		if gone := c.engine.imageGone(ctx, c.container); gone != nil {
			return gone
		}
	}
	return err
}

// fill unpacks an archive in a directory of the container.
func (c *companion) fill(ctx context.Context, directory string, archive []byte) error {
	return c.engine.do(ctx, fmt.Sprintf("copy files into container %q", c.name), repeatedly, func(ctx context.Context) error {
		return c.engine.client.CopyToContainer(ctx, c.name, directory, bytes.NewReader(archive), container.CopyToContainerOptions{})
	})
}

func (c *companion) start(ctx context.Context) error {
	return c.engine.do(ctx, fmt.Sprintf("start container %q", c.name), repeatedly, func(ctx context.Context) error {
		return c.engine.client.ContainerStart(ctx, c.name, container.StartOptions{})
	})
}

// remove removes the companion from the engine. It goes by the name, so it also finds a container whose creation was never
// confirmed.
func (c *companion) remove(ctx context.Context) error {
	return c.engine.retryUntilGone(ctx, c.removeOnce)
}

func (c *companion) removeOnce(ctx context.Context) error {
	if c.foreign {
		return nil
	}
	return c.engine.removeContainer(ctx, c.name)
}
