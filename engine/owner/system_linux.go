package owner

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// initialSpace is the inode of the namespace in which the kernel starts (PROC_PID_INIT_INO of linux/proc_ns.h).
const initialSpace = "4026531836"

// system reads the ids of machine, kernel and namespace. Starts of processes are counted from the kernel's, so without
// the latter two nothing can be proven; nor with a /proc that is another namespace's.
func system() Process {
	kernel := content("/proc/sys/kernel/random/boot_id")
	space, err := os.Readlink("/proc/self/ns/pid") // "pid:[4026531836]"
	self, _ := os.Readlink("/proc/self")
	if kernel == "" || err != nil || self != strconv.Itoa(os.Getpid()) {
		return Process{}
	}
	return Process{
		Machine: machine(content("/etc/machine-id", "/var/lib/dbus/machine-id")),
		Boot:    hashed(kernel),
		Space:   strings.Trim(strings.TrimPrefix(space, "pid:"), "[]"),
	}
}

// content gives the text of the first file that has any.
func content(names ...string) string {
	for _, name := range names {
		if data, err := os.ReadFile(name); err == nil && len(bytes.TrimSpace(data)) > 0 {
			return string(bytes.TrimSpace(data))
		}
	}
	return ""
}

// started gives the start of a process in clock ticks since the kernel's. See proc_pid_stat(5): the second field is
// the name of the program, in parentheses and with whatever characters it has.
func started(pid int) (string, error) {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return "", err
	}
	fields := strings.Fields(string(data[bytes.LastIndexByte(data, ')')+1:]))
	const state, start = 0, 19 // fields 3 and 22
	if len(fields) <= start {
		return "", fmt.Errorf("/proc/%d/stat has %d fields", pid, len(fields)+2)
	}
	if fields[state] == "Z" || fields[state] == "X" {
		return ended, nil
	}
	return fields[start], nil
}
