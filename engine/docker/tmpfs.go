package docker

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/docker/docker/api/types/mount"
	"github.com/docker/docker/api/types/versions"
	"github.com/docker/docker/api/types/volume"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/plan"
)

// addTmpfs adds the memory-backed volumes of the container to the request.
//
// Each volume is one tmpfs with one limit, however many mounts it has. A volume with one mount belongs to the container and
// needs nothing else. A volume with several mounts, or one that attempts share, is a volume of Docker's local driver.
//
// A subPath that all mounts of a volume have in common stands for the whole volume: nothing else of it is ever visible.
// Different parts of a volume are mounted by the engine itself, see mountsParts. A bind mount of the directory's path is not
// safe: a task that mounts a part above it can replace it with a link, which the engine would follow to any directory of its
// machine. See "A subPath is safe or refused" in docs/fidelity.md.
func (r *request) addTmpfs(c plan.Container, labels engine.Labels, known facts) {
	if known.shared {
		labels.Attempt = 0 // the volumes are the task's
	}
	for _, mounts := range byVolume(c.Tmpfs) {
		size := mounts[0].SizeBytes
		if half := known.machine.memoryBytes / 2; needsMemory(c) && half > 0 {
			size = min(size, half)
		}
		if len(mounts) == 1 && !known.shared {
			r.mountOnce(mounts[0], size)
			continue
		}
		options := map[string]string{"type": "tmpfs", "device": "tmpfs", "o": "mode=1777"}
		if size > 0 {
			options["o"] += ",size=" + strconv.FormatInt(size, 10)
		}
		name := r.newVolume(options, labels)
		for _, m := range mounts {
			part := ""
			if hasParts(mounts) {
				part = partOf(m)
			}
			r.mountVolume(name, part, m)
		}
	}
}

// mountOnce mounts a tmpfs that is not shared. Docker's are noexec by default, a pod's are not.
func (r *request) mountOnce(m plan.Tmpfs, size int64) {
	options := []string{"rw", "exec", "mode=1777"}
	if m.ReadOnly {
		options[0] = "ro"
	}
	if size > 0 {
		options = append(options, "size="+strconv.FormatInt(size, 10))
	}
	if r.host.Tmpfs == nil {
		r.host.Tmpfs = map[string]string{}
	}
	r.host.Tmpfs[m.Path] = strings.Join(options, ",")
}

func (r *request) newVolume(options map[string]string, labels engine.Labels) string {
	name := volumeName(labels, len(r.volumes)+1)
	r.volumes = append(r.volumes, volume.CreateOptions{
		Name: name, Driver: "local", DriverOpts: options, Labels: labelMap(labels),
	})
	return name
}

func (r *request) mountVolume(name, part string, m plan.Tmpfs) {
	r.host.Mounts = append(r.host.Mounts, mount.Mount{
		Type: mount.TypeVolume, Source: name, Target: m.Path, ReadOnly: m.ReadOnly,
		// An emptyDir is empty, even if the image has files at its path.
		VolumeOptions: &mount.VolumeOptions{NoCopy: true, Subpath: part},
	})
}

// subpathAPI is the first version of the API with VolumeOptions.Subpath (Docker 26): the engine resolves the part one
// component after the other, refuses one that leads out of the volume, and mounts what it has resolved, see
// internal/safepath of moby.
const subpathAPI = "1.45"

// mountsParts returns an error if the container mounts parts of a volume and the engine does not support that. The error is
// an *engine.Error.
func (e *Engine) mountsParts(ctx context.Context, c plan.Container) error {
	i := slices.IndexFunc(byVolume(c.Tmpfs), hasParts)
	if i < 0 {
		return nil
	}
	if err := e.do(ctx, "ask for the engine's version", once, nil); err != nil {
		return err
	}
	version := e.client.ClientVersion()
	if versions.GreaterThanOrEqualTo(version, subpathAPI) {
		return nil
	}
	return &engine.Error{
		Reason: engine.EngineRefused,
		Err: fmt.Errorf("volume %q is mounted with different subPaths, which an engine with version %s of the API cannot do safely: the task could put a link to the engine's machine in their place",
			byVolume(c.Tmpfs)[i][0].Name, version),
		Remedy: engine.Remedy{Text: "use Docker 26 or later (API " + subpathAPI + "), or the same subPath, or none, for all mounts of the volume"},
	}
}

// byVolume groups mounts by the name of their volume, in the order of the plan.
func byVolume(mounts []plan.Tmpfs) [][]plan.Tmpfs {
	var groups [][]plan.Tmpfs
	at := map[string]int{}
	for _, m := range mounts {
		i, ok := at[m.Name]
		if !ok {
			i = len(groups)
			at[m.Name] = i
			groups = append(groups, nil)
		}
		groups[i] = append(groups[i], m)
	}
	return groups
}

// hasParts reports whether the mounts of a volume show different parts of it.
func hasParts(mounts []plan.Tmpfs) bool {
	return slices.ContainsFunc(mounts, func(m plan.Tmpfs) bool { return partOf(m) != partOf(mounts[0]) })
}

// partOf returns the cleaned subPath, "" for the whole volume.
func partOf(m plan.Tmpfs) string {
	return strings.TrimPrefix(path.Clean("/"+m.SubPath), "/")
}

// directories returns the directories that the mounts of a volume need in it, each after those above it.
func directories(mounts []plan.Tmpfs) []string {
	var all []string
	for _, m := range mounts {
		for dir := partOf(m); dir != "" && dir != "."; dir = path.Dir(dir) {
			all = append(all, dir)
		}
	}
	slices.Sort(all) // a directory is a prefix of those in it
	return slices.Compact(all)
}
