package docker

import (
	"context"
	"errors"
	"fmt"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/network"
	"github.com/docker/docker/api/types/volume"

	"github.com/ktask/ktask/engine"
)

// remove takes the container and its volumes off the engine, unless they are to be kept. It has a deadline of its
// own, so it works when ctx has ended. What is gone already is no error.
func (a *attempt) remove(ctx context.Context, failed bool) error {
	if a.keep == KeepAlways || a.keep == KeepFailed && failed {
		return nil
	}
	ctx = context.WithoutCancel(ctx)
	var failures []error
	if a.id != "" {
		failures = append(failures, a.removeContainer(ctx, a.id))
	}
	for _, name := range a.volumes {
		failures = append(failures, a.removeVolume(ctx, name))
	}
	return errors.Join(failures...)
}

func (e *Engine) removeContainer(ctx context.Context, id string) error {
	err := e.call(ctx, fmt.Sprintf("remove container %q", id), func(ctx context.Context) error {
		return e.client.ContainerRemove(ctx, id, container.RemoveOptions{Force: true, RemoveVolumes: true})
	})
	if cerrdefs.IsNotFound(err) {
		return nil
	}
	return err
}

func (e *Engine) removeVolume(ctx context.Context, name string) error {
	err := e.call(ctx, fmt.Sprintf("remove volume %q", name), func(ctx context.Context) error {
		return e.client.VolumeRemove(ctx, name, true)
	})
	if cerrdefs.IsNotFound(err) {
		return nil
	}
	return err
}

// Leftover is something on the engine that bears ktask's labels.
type Leftover struct {
	// Kind is "container", "volume" or "network".
	Kind string
	ID   string
	Name string
	// Labels say whose it is; Labels.Owner tells a crashed ktask from one that is at work.
	Labels engine.Labels
	// Running is true for a container whose process runs.
	Running bool
}

// Leftovers lists what bears ktask's labels: containers, then volumes, then networks. run narrows the list down to
// one run, "" is all.
func (e *Engine) Leftovers(ctx context.Context, run string) ([]Leftover, error) {
	label := labelRun
	if run != "" {
		label += "=" + run
	}
	filter := filters.NewArgs(filters.Arg("label", label))
	var all []Leftover
	err := e.call(ctx, "list what ktask has on the engine", func(ctx context.Context) error {
		containers, err := e.client.ContainerList(ctx, container.ListOptions{All: true, Filters: filter})
		if err != nil {
			return err
		}
		for _, c := range containers {
			left := Leftover{Kind: "container", ID: c.ID, Labels: labelsOf(c.Labels), Running: c.State == container.StateRunning}
			if len(c.Names) > 0 {
				left.Name = c.Names[0][1:] // Docker puts a slash before it
			}
			all = append(all, left)
		}
		volumes, err := e.client.VolumeList(ctx, volume.ListOptions{Filters: filter})
		if err != nil {
			return err
		}
		for _, v := range volumes.Volumes {
			all = append(all, Leftover{Kind: "volume", ID: v.Name, Name: v.Name, Labels: labelsOf(v.Labels)})
		}
		networks, err := e.client.NetworkList(ctx, network.ListOptions{Filters: filter})
		if err != nil {
			return err
		}
		for _, n := range networks {
			all = append(all, Leftover{Kind: "network", ID: n.ID, Name: n.Name, Labels: labelsOf(n.Labels)})
		}
		return nil
	})
	return all, err
}

// Remove takes a leftover off the engine; a container is killed first if it runs.
func (e *Engine) Remove(ctx context.Context, left Leftover) error {
	switch left.Kind {
	case "container":
		return e.removeContainer(ctx, left.ID)
	case "volume":
		return e.removeVolume(ctx, left.ID)
	case "network":
		err := e.call(ctx, fmt.Sprintf("remove network %q", left.Name), func(ctx context.Context) error {
			return e.client.NetworkRemove(ctx, left.ID)
		})
		if cerrdefs.IsNotFound(err) {
			return nil
		}
		return err
	}
	return fmt.Errorf("remove %s %q: ktask makes no such thing", left.Kind, left.Name)
}
