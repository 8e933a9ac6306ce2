package engines

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Remove takes away what an engine has left of its directory: its processes, what is mounted below it, and itself. A
// process that was killed and a mount that was taken off can hold something for a while.
func Remove(t testing.TB, dir string) {
	t.Helper()
	for limit := time.Now().Add(patience); ; {
		running := kill(dir)
		unmount(dir)
		err := os.RemoveAll(dir)
		if err == nil && len(running) == 0 {
			return
		}
		if time.Now().After(limit) {
			t.Errorf("remove %s: %v; processes %v", dir, err, running)
			return
		}
		time.Sleep(20 * time.Millisecond) // they are no children of ours, so there is nothing to wait for
	}
}

// kill kills the processes that were started with something below a directory, and says which there were.
func kill(dir string) (running []int) {
	files, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, file := range files {
		var pid int
		if _, err := fmt.Sscanf(file, "/proc/%d/", &pid); err == nil && Owns(dir, pid) {
			running = append(running, pid)
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	}
	return running
}

// Owns says whether a process was started with something below a directory. One that has ended was not.
func Owns(dir string, pid int) bool {
	line, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	return pid != os.Getpid() && strings.Contains(string(line), dir+"/")
}

// unmount takes away what is mounted below a directory, the innermost first: engines that were killed leave mounts.
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
