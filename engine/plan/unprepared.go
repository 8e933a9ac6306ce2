package plan

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
	}
	return ""
}
