package engines

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// Remove removes the directory of an engine, with its processes and what is mounted below it. A process that was killed and
// a mount that was detached can keep the directory busy for a while.
func Remove(t testing.TB, dir string) {
	t.Helper()
	var err error
	var running []int
	if !Awaited(func() bool {
		running = kill(dir)
		unmount(dir)
		err = os.RemoveAll(dir)
		return err == nil && len(running) == 0
	}) {
		t.Errorf("remove %s: %v; processes %v", dir, err, running)
	}
}

// kill kills the processes that were started with something below a directory, and those of containers whose files are
// there, and returns their ids.
func kill(dir string) (running []int) {
	files, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, file := range files {
		var pid int
		if _, err := fmt.Sscanf(file, "/proc/%d/", &pid); err == nil && (Owns(dir, pid) || contains(dir, pid)) {
			running = append(running, pid)
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	}
	return running
}

// Owns reports whether a process runs that was started with something below a directory.
func Owns(dir string, pid int) bool {
	line, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	return pid != os.Getpid() && strings.Contains(string(line), dir+"/")
}

// contains reports whether a process is in a container whose root file system consists of directories below a directory.
// Containers outlive an engine that was killed together with their supervisors.
func contains(dir string, pid int) bool {
	mounts, _ := os.ReadFile(fmt.Sprintf("/proc/%d/mountinfo", pid))
	root, _, _ := strings.Cut(string(mounts), "\n") // the fields are those of proc_pid_mountinfo(5)
	fields := strings.Fields(root)
	return len(fields) > 4 && fields[4] == "/" && strings.Contains(root, "upperdir="+dir+"/")
}

// unmount unmounts what is mounted below a directory, the innermost first: engines that were killed leave mounts.
func unmount(dir string) {
	mounts, _ := os.ReadFile("/proc/mounts")
	lines := strings.Split(string(mounts), "\n")
	slices.Reverse(lines)
	for _, line := range lines {
		if fields := strings.Fields(line); len(fields) > 1 && strings.HasPrefix(fields[1], dir+"/") {
			_ = syscall.Unmount(fields[1], syscall.MNT_DETACH)
		}
	}
}
