package diagnose

import (
	"fmt"
	"path"
	"strings"

	"github.com/ktask/ktask/engine/plan"
)

// fileSystem reads the errors of the C library for a file system that is read-only or full.
func fileSystem(f Failure) (Cause, bool) { return fileSystemError(f.Task.Container, f.lastLine()) }

// fileSystemError explains a line that names such an error by the file systems of the container.
func fileSystemError(c plan.Container, line string) (Cause, bool) {
	text := strings.ToLower(line)
	switch {
	case strings.Contains(text, "read-only file system"):
		return readOnly(c, fileIn(line))
	case strings.Contains(text, "no space left on device"):
		return full(c, fileIn(line))
	}
	return Cause{}, false
}

// paths matches absolute paths, but no slash within a word.
var paths = compiled(`(?:^|[\s'"‘(=\[])(/[^\s'"’:,()\[\]]*)`)

// fileIn returns the last path in a line, or "": programs name themselves first, and the file that they write after the
// one that they read.
func fileIn(line string) string {
	if all := paths().FindAllStringSubmatch(line, -1); all != nil {
		return path.Clean(all[len(all)-1][1])
	}
	return ""
}

// readOnly explains why a file cannot be written.
func readOnly(c plan.Container, file string) (Cause, bool) {
	why := Cause{Reason: ReadOnlyFileSystem, Remedy: Remedy{Text: "leave readOnly out of the mount, or write elsewhere"}}
	if v, ok := volumeOf(c, file); ok {
		why.Message = fmt.Sprintf("%s is on volume %q, which is mounted read-only%s", file, v.Name, in(v.Origin))
		return why, v.ReadOnly
	}
	if m, ok := mountOf(c, file); ok {
		why.Message = fmt.Sprintf("%s is on the mount of %s, which is read-only%s", file, m.Source, in(m.Origin))
		return why, m.ReadOnly
	}
	why.Message = fmt.Sprintf("%s is on the root file system, which is read-only", file)
	if file == "" {
		why.Message = "the root file system is read-only"
	}
	why.Message += in(c.Origin("security"))
	why.Remedy = Remedy{Text: "write to a volume (volumeMounts), or leave readOnlyRootFilesystem out"}
	kernels := within("/proc", file) || within("/sys", file)
	return why, c.Security.ReadOnlyRootfs && !kernels && (file != "" || !anyReadOnly(c))
}

// anyReadOnly reports whether a volume or mount is read-only.
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

// full explains which volume is full and what decides its size. Shells do not name the file that they write: full then
// returns a hint, as the engine's disk can be full as well.
func full(c plan.Container, file string) (Cause, bool) {
	if file == "" {
		if len(c.Tmpfs) == 0 {
			return Cause{}, false
		}
		v := c.Tmpfs[0]
		size, _ := sizeOf(c, v)
		return Cause{Remedy: Remedy{Text: fmt.Sprintf("either volume %q at %s is full, its size is %s, or the engine's disk is", v.Name, v.Path, size)}}, true
	}
	v, ok := volumeOf(c, file)
	if !ok {
		return Cause{}, false
	}
	size, remedy := sizeOf(c, v)
	return Cause{Reason: VolumeFull, Message: fmt.Sprintf("volume %q at %s is full: its size is %s", v.Name, v.Path, size), Remedy: Remedy{Text: remedy}}, true
}

// sizeOf returns the size of a volume with what decides it, and how to make it larger, see plan.Tmpfs.
func sizeOf(c plan.Container, v plan.Tmpfs) (size, remedy string) {
	if c.Limits.MemoryBytes == 0 {
		return plan.Bytes(v.SizeBytes) + ", as there is no memory limit",
			"write less, or set resources.limits.memory: the volume then has that size"
	}
	return fmt.Sprintf("%s, that of the memory limit%s, or half of the engine's memory if that is less", plan.Bytes(v.SizeBytes), in(c.Origin("limits.memory"))),
		"write less, or raise resources.limits.memory"
}

// volumeOf returns the volume that holds a file.
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

// mountOf returns the mount that holds a file.
func mountOf(c plan.Container, file string) (found plan.Mount, ok bool) {
	for _, m := range c.Mounts {
		if within(m.Target, file) && (!ok || len(m.Target) > len(found.Target)) {
			found, ok = m, true
		}
	}
	return found, ok
}

// within reports whether file is directory or in it.
func within(directory, file string) bool {
	directory = path.Clean(directory)
	return file == directory || strings.HasPrefix(file, strings.TrimSuffix(directory, "/")+"/")
}
