package docker

import (
	"context"
	"fmt"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/network"
	"github.com/docker/docker/api/types/volume"

	"github.com/ktask/ktask/engine"
)

// Leftovers lists what bears ktask's labels.
func (e *Engine) Leftovers(ctx context.Context, run string) ([]engine.Leftover, error) {
	label := labelRun
	if run != "" {
		label += "=" + run
	}
	filter := filters.NewArgs(filters.Arg("label", label))
	var all []engine.Leftover
	err := e.call(ctx, "list what ktask has on the engine", func(ctx context.Context) error {
		containers, err := e.client.ContainerList(ctx, container.ListOptions{All: true, Filters: filter})
		if err != nil {
			return err
		}
		volumes, err := e.client.VolumeList(ctx, volume.ListOptions{Filters: filter})
		if err != nil {
			return err
		}
		networks, err := e.client.NetworkList(ctx, network.ListOptions{Filters: filter})
		if err != nil {
			return err
		}
		for _, c := range containers {
			left := containerLeft(c)
			if left.Kept && c.State == container.StateCreated {
				if left.Kept, err = e.failedToStart(ctx, c.ID); err != nil {
					return err
				}
			}
			all = append(all, left)
		}
		for _, v := range volumes.Volumes {
			left := engine.Leftover{Kind: "volume", ID: v.Name, Name: v.Name, Labels: labelsOf(v.Labels)}
			left.Kept = v.Labels[labelKeep] != "" && keptTask(all, left.Labels)
			all = append(all, left)
		}
		for _, n := range networks {
			all = append(all, engine.Leftover{Kind: "network", ID: n.ID, Name: n.Name, Labels: labelsOf(n.Labels)})
		}
		return nil
	})
	return all, err
}

func containerLeft(c container.Summary) engine.Leftover {
	left := engine.Leftover{
		Kind: "container", ID: c.ID, Name: c.ID, Labels: labelsOf(c.Labels), Running: c.State == container.StateRunning,
		Kept: c.Labels[labelKeep] != "" && (c.State == container.StateExited || c.State == container.StateCreated),
	}
	if len(c.Names) > 0 {
		left.Name = c.Names[0][1:] // Docker puts a slash before it
	}
	return left
}

// failedToStart tells a container that could not be started from one that nobody has started yet.
func (e *Engine) failedToStart(ctx context.Context, id string) (bool, error) {
	found, err := e.client.ContainerInspect(ctx, id)
	switch {
	case cerrdefs.IsNotFound(err):
		return false, nil
	case err != nil:
		return false, err
	}
	return found.State != nil && (found.State.Error != "" || found.State.ExitCode != 0), nil
}

// keptTask says whether a container of the task is kept, which needs its volumes.
func keptTask(all []engine.Leftover, of engine.Labels) bool {
	for _, left := range all {
		if left.Kept && left.Kind == "container" && left.Labels.Run == of.Run && left.Labels.Task == of.Task {
			return true
		}
	}
	return false
}

// Remove takes a leftover off the engine; a container is killed first if it runs. Where somebody else removes the container
// at the same time, the engine says that this is gone while it still holds its volumes and networks in use.
func (e *Engine) Remove(ctx context.Context, left engine.Leftover) error {
	switch left.Kind {
	case "container":
		return e.endContainer(ctx, left.ID)
	case "volume":
		return e.insist(ctx, func(ctx context.Context) error { return e.removeVolume(ctx, left.ID) })
	case "network":
		return e.insist(ctx, func(ctx context.Context) error { return e.removeNetwork(ctx, left.ID, left.Name) })
	}
	return fmt.Errorf("remove %s %q: ktask makes no such thing", left.Kind, left.Name)
}
