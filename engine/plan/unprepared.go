package plan

import (
	"slices"
	"strings"
)

// leastPreparedMemory is the memory limit under which what is sent to a prepared container would count.
const leastPreparedMemory = 16 << 20

// Unprepared returns why no engine starts the container before its task is needed, or "". An engine may know more reasons.
func (c Container) Unprepared() string {
	switch {
	case c.TTY, c.Stdin:
		return "it has a terminal or a standard input"
	case c.Security.ReadOnlyRootfs:
		return "its root file system is read-only"
	case len(c.Mounts) > 0:
		return "it mounts files of this machine"
	case c.Platform != "":
		return "it asks for a platform"
	case c.Limits.MemoryBytes > 0 && c.Limits.MemoryBytes < leastPreparedMemory:
		return "its memory limit is under " + Bytes(leastPreparedMemory)
	case c.searchesRelative():
		return "its PATH has relative directories"
	}
	return ""
}

// searchesRelative reports whether the command is looked up in directories of which one is relative.
func (c Container) searchesRelative() bool {
	if len(c.Command) == 0 || strings.Contains(c.Command[0].String(), "/") {
		return false
	}
	i := slices.IndexFunc(c.Env, func(e EnvVar) bool { return e.Name == "PATH" })
	return i >= 0 && slices.ContainsFunc(strings.Split(c.Env[i].Value.String(), ":"), func(dir string) bool { return !strings.HasPrefix(dir, "/") })
}
