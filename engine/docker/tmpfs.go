package docker

import (
	"fmt"
	"path"
	"strconv"
	"strings"

	"github.com/docker/docker/api/types/mount"
	"github.com/docker/docker/api/types/volume"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/plan"
)

// storage says where the memory-backed volumes of a container are, and whether they outlive it.
type storage string

const (
	// ownMemory is the default: an attempt has volumes of its own.
	ownMemory storage = ""
	// keptInMemory is that of a task whose attempts share volumes, which a keeper holds.
	keptInMemory storage = "kept in memory"
	// keptOnDisk is the same where there is no keeper for the image's architecture. Their size is then not bounded.
	keptOnDisk storage = "kept on disk"
)

// addTmpfs gives the container its memory-backed volumes.
//
// A part of a volume (the whole is the part "") that is mounted once is a tmpfs of its own: quickest, and nothing
// is left of it. A part that is mounted several times, or by several attempts, is a volume of Docker's local driver
// with a tmpfs behind it.
// Docker cannot mount a directory within such a volume, since it is not there before the container runs: where
// parts lie within each other, the volume is a plain one, on disk and without the bound on its size.
func (r *request) addTmpfs(c plan.Container, labels engine.Labels, known facts) {
	first := labels.Attempt <= 1
	if known.storage != ownMemory {
		labels.Attempt = 0 // the volumes are the task's
	}
	for _, mounts := range byVolume(c.Tmpfs) {
		size := mounts[0].SizeBytes
		if half := known.machine.memoryBytes / 2; needsMemory(c) && half > 0 {
			size = min(size, half)
		}
		switch parts := byPart(mounts); {
		case nested(parts) || known.storage == keptOnDisk:
			r.mountDisk(parts, labels)
		default:
			for _, part := range parts {
				r.mountPart(part, size, labels, known.storage)
			}
		}
	}
	if known.storage != ownMemory && !first {
		r.directories = nil // their modes are now as the attempt before left them
	}
}

// mountPart mounts one part of a volume at one place or at several.
func (r *request) mountPart(part []plan.Tmpfs, size int64, labels engine.Labels, in storage) {
	if len(part) == 1 && in == ownMemory {
		r.mountOnce(part[0], size)
		return
	}
	options := map[string]string{"type": "tmpfs", "device": "tmpfs", "o": "mode=1777"}
	if size > 0 {
		options["o"] += ",size=" + strconv.FormatInt(size, 10)
	}
	name := r.newVolume(options, labels)
	for _, m := range part {
		r.mountVolume(name, m)
	}
}

// mountOnce mounts a tmpfs that nobody shares. Docker's are noexec on their own, a pod's are not.
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

// mountDisk mounts parts of one volume that lie within each other.
func (r *request) mountDisk(parts [][]plan.Tmpfs, labels engine.Labels) {
	name := r.newVolume(nil, labels)
	for _, part := range parts {
		for _, m := range part {
			if partOf(m) == "" {
				r.mountVolume(name, m)
			} else {
				r.inside = append(r.inside, inside{volume: name, mount: m})
			}
			if !m.ReadOnly {
				r.directories = append(r.directories, m.Path)
			}
		}
	}
}

// inside is the mount of a directory within a volume.
type inside struct {
	volume string
	mount  plan.Tmpfs
}

// mountInside mounts directories within volumes, once it is known where the engine has the volumes. The API's own
// way (VolumeOptions.Subpath, API 1.45) wants the directory to be there, and there is no way to make it before;
// a bind makes it.
func (r *request) mountInside(mountpoints map[string]string) {
	for _, in := range r.inside {
		bind := path.Join(mountpoints[in.volume], partOf(in.mount)) + ":" + in.mount.Path
		if in.mount.ReadOnly {
			bind += ":ro"
		}
		r.host.Binds = append(r.host.Binds, bind)
	}
}

func (r *request) newVolume(options map[string]string, labels engine.Labels) string {
	name := fmt.Sprintf("%s-%d", containerName(labels), len(r.volumes)+1)
	r.volumes = append(r.volumes, volume.CreateOptions{
		Name: name, Driver: "local", DriverOpts: options, Labels: labelMap(labels),
	})
	return name
}

func (r *request) mountVolume(name string, m plan.Tmpfs) {
	r.host.Mounts = append(r.host.Mounts, mount.Mount{
		Type: mount.TypeVolume, Source: name, Target: m.Path, ReadOnly: m.ReadOnly,
		// An emptyDir is empty, whatever the image has at its place.
		VolumeOptions: &mount.VolumeOptions{NoCopy: true},
	})
}

// byVolume groups mounts by the name of their volume, in the order of the plan.
func byVolume(mounts []plan.Tmpfs) [][]plan.Tmpfs {
	return grouped(mounts, func(m plan.Tmpfs) string { return m.Name })
}

// byPart groups mounts of one volume by the part of it that they mount.
func byPart(mounts []plan.Tmpfs) [][]plan.Tmpfs { return grouped(mounts, partOf) }

func grouped(mounts []plan.Tmpfs, key func(plan.Tmpfs) string) [][]plan.Tmpfs {
	var groups [][]plan.Tmpfs
	at := map[string]int{}
	for _, m := range mounts {
		i, ok := at[key(m)]
		if !ok {
			i = len(groups)
			at[key(m)] = i
			groups = append(groups, nil)
		}
		groups[i] = append(groups[i], m)
	}
	return groups
}

// partOf is the cleaned subPath, "" for the whole volume.
func partOf(m plan.Tmpfs) string {
	return strings.TrimPrefix(path.Clean("/"+m.SubPath), "/")
}

// nested says whether a part lies within another.
func nested(parts [][]plan.Tmpfs) bool {
	for _, outer := range parts {
		for _, inner := range parts {
			o, i := partOf(outer[0]), partOf(inner[0])
			if o != i && (o == "" || strings.HasPrefix(i, o+"/")) {
				return true
			}
		}
	}
	return false
}
