package engine

import (
	"fmt"
	"path"
	"regexp"
	"strings"

	"github.com/ktask/ktask/engine/plan"
)

// fileSystem reads the C library's words for a file system that takes no more.
func fileSystem(e evidence) (cause, bool) { return fileTrouble(e.task.Container, e.last()) }

// fileTrouble is what a line that tells of a file says of the file systems of a container.
func fileTrouble(c plan.Container, line string) (cause, bool) {
	text := strings.ToLower(line)
	switch {
	case strings.Contains(text, "read-only file system"):
		return readOnly(c, fileIn(line))
	case strings.Contains(text, "no space left on device"):
		return full(c, fileIn(line))
	}
	return cause{}, false
}

// paths finds absolute paths; a slash within a word is none.
var paths = regexp.MustCompile(`(?:^|[\s'"‘(=\[])(/[^\s'"’:,()\[\]]*)`)

// fileIn is the file that a line tells of, or "". Programs name themselves first, and the file that they want to write
// to behind the one that they read.
func fileIn(line string) string {
	if all := paths.FindAllStringSubmatch(line, -1); all != nil {
		return path.Clean(all[len(all)-1][1])
	}
	return ""
}

// readOnly says why a file cannot be written.
func readOnly(c plan.Container, file string) (cause, bool) {
	why := cause{reason: ReadOnlyFileSystem, remedy: "leave readOnly out of the mount, or write elsewhere"}
	if v, ok := volumeOf(c, file); ok {
		why.message = fmt.Sprintf("%s is on volume %q, which is mounted read-only%s", file, v.Name, in(v.Origin))
		return why, v.ReadOnly
	}
	if m, ok := mountOf(c, file); ok {
		why.message = fmt.Sprintf("%s is on the mount of %s, which is read-only%s", file, m.Source, in(m.Origin))
		return why, m.ReadOnly
	}
	why.message = fmt.Sprintf("%s is on the root file system, which is read-only", file)
	if file == "" {
		why.message = "the root file system is read-only"
	}
	why.message += in(c.Origin("security"))
	why.remedy = "write to a volume (volumeMounts), or leave readOnlyRootFilesystem out"
	kernels := within("/proc", file) || within("/sys", file)
	return why, c.Security.ReadOnlyRootfs && !kernels && (file != "" || !anyReadOnly(c))
}

// anyReadOnly is true where a file that was not named may be on a mount that takes nothing.
func anyReadOnly(c plan.Container) bool {
	for _, v := range c.Tmpfs {
		if v.ReadOnly {
			return true
		}
	}
	for _, m := range c.Mounts {
		if m.ReadOnly {
			return true
		}
	}
	return false
}

// full says which volume is full, and what decides its size. Shells do not name the file that they write to: then it is
// a hint and no cause, since the engine's disk can be full as well.
func full(c plan.Container, file string) (cause, bool) {
	if file == "" {
		if len(c.Tmpfs) == 0 {
			return cause{}, false
		}
		v := c.Tmpfs[0]
		size, _ := sizeOf(c, v)
		return cause{remedy: fmt.Sprintf("either volume %q at %s is full, its size is %s, or the engine's disk is", v.Name, v.Path, size)}, true
	}
	v, ok := volumeOf(c, file)
	if !ok {
		return cause{}, false
	}
	size, remedy := sizeOf(c, v)
	return cause{reason: VolumeFull, message: fmt.Sprintf("volume %q at %s is full: its size is %s", v.Name, v.Path, size), remedy: remedy}, true
}

// sizeOf says how big a volume is and why, and how to make it bigger: see plan.Tmpfs.
func sizeOf(c plan.Container, v plan.Tmpfs) (size, remedy string) {
	if c.Limits.MemoryBytes == 0 {
		return quantity(v.SizeBytes) + ", as there is no memory limit",
			"write less, or set resources.limits.memory: the volume then has that size"
	}
	return fmt.Sprintf("%s, that of the memory limit%s, or half of the engine's memory where that is less", quantity(v.SizeBytes), in(c.Origin("limits.memory"))),
		"write less, or raise resources.limits.memory"
}

// volumeOf finds the volume that holds a file.
func volumeOf(c plan.Container, file string) (found plan.Tmpfs, ok bool) {
	for _, v := range c.Tmpfs {
		if within(v.Path, file) && (!ok || len(v.Path) > len(found.Path)) {
			found, ok = v, true
		}
	}
	if m, mounted := mountOf(c, file); mounted && len(m.Target) > len(found.Path) {
		return plan.Tmpfs{}, false
	}
	return found, ok
}

// mountOf finds the host's directory that holds a file.
func mountOf(c plan.Container, file string) (found plan.Mount, ok bool) {
	for _, m := range c.Mounts {
		if within(m.Target, file) && (!ok || len(m.Target) > len(found.Target)) {
			found, ok = m, true
		}
	}
	return found, ok
}

// within is true for a directory and what is in it.
func within(directory, file string) bool {
	directory = path.Clean(directory)
	return file == directory || strings.HasPrefix(file, strings.TrimSuffix(directory, "/")+"/")
}
