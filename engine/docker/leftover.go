package docker

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/volume"

	"github.com/ktask/ktask/engine"
)

// Leftovers lists what ktask has created: what has both its labels and the name that derives from them. It determines the
// age by the engine's own clock, which also set the creation times.
func (e *Engine) Leftovers(ctx context.Context, run string) (all []engine.Leftover, err error) {
	label := labelRun
	if run != "" {
		label += "=" + run
	}
	filter := filters.NewArgs(filters.Arg("label", label))
	err = e.do(ctx, "list what ktask has on the engine", once, func(ctx context.Context) error {
		containers, err := e.client.ContainerList(ctx, container.ListOptions{All: true, Filters: filter})
		if err != nil {
			return err
		}
		volumes, err := e.client.VolumeList(ctx, volume.ListOptions{Filters: filter})
		if err != nil {
			return err
		}
		all = leftovers(containers, volumes.Volumes, e.clock())
		return nil
	})
	return all, err
}

// leftovers returns the containers and volumes that ktask has created. now is the engine's time.
func leftovers(containers []container.Summary, volumes []*volume.Volume, now time.Time) (all []engine.Leftover) {
	for _, c := range containers {
		left := engine.Leftover{
			Kind: "container", ID: c.ID, Labels: labelsOf(c.Labels), Running: c.State == container.StateRunning,
		}
		if left.Name = ownName(c.Names, left.Labels); left.Name == "" {
			continue
		}
		left.Kept = strings.HasSuffix(left.Name, keptEnding)
		left.Overdue = overdue(time.Unix(c.Created, 0), left.Labels, now)
		all = append(all, left)
	}
	for _, v := range volumes {
		left := engine.Leftover{Kind: "volume", ID: v.Name, Name: v.Name, Labels: labelsOf(v.Labels)}
		if !named(left.Name, left.Labels) {
			continue
		}
		left.Kept = keptVolume(all, left.Labels)
		left.Overdue = overdue(engineTime(v.CreatedAt), left.Labels, now)
		all = append(all, left)
	}
	return all
}

// ownName returns the name among those of a container that ktask gives to one with these labels, or "".
func ownName(names []string, l engine.Labels) string {
	for _, name := range names {
		if name = strings.TrimPrefix(name, "/"); named(name, l) {
			return name
		}
	}
	return ""
}

// overdue reports whether something is too old to be still in use by its run.
func overdue(created time.Time, l engine.Labels, now time.Time) bool {
	return l.Lifetime > 0 && !created.IsZero() && now.After(created.Add(l.Lifetime))
}

// keptVolume reports whether a container that may use the volume is kept.
func keptVolume(all []engine.Leftover, of engine.Labels) bool {
	return slices.ContainsFunc(all, func(left engine.Leftover) bool {
		return left.Kept && left.Labels.Run == of.Run && left.Labels.Task == of.Task &&
			(of.Attempt == 0 || left.Labels.Attempt == of.Attempt)
	})
}

// volumeRelease is how long a volume may remain in use after its container is gone: if somebody else removes a container at
// the same time, engines report its removal before they release its volumes.
const volumeRelease = time.Second

// refusedRemoval is how long Docker may refuse to remove a container that its run renames at the same time.
const refusedRemoval = time.Second

// Remove removes a leftover from the engine; a running container is killed first. A volume that somebody else's container
// uses stays, and Remove returns an error. Files for messages that the run has left on this machine are removed as well.
func (e *Engine) Remove(ctx context.Context, left engine.Leftover) (err error) {
	RemoveMessageFiles(left.Labels.Run)
	switch left.Kind {
	case "container":
		retry(ctx, refusedRemoval, func() (again bool) {
			err = e.endContainer(ctx, left.ID)
			return hasReason(err, engine.EngineRefused)
		})
		return err
	case "volume":
		retry(ctx, volumeRelease, func() (again bool) {
			err = e.removeVolume(ctx, left.ID)
			return cerrdefs.IsConflict(err)
		})
		return err
	}
	return fmt.Errorf("remove %s %q: not a container or volume", left.Kind, left.Name)
}
