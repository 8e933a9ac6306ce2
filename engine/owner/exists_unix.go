//go:build unix

package owner

import (
	"errors"
	"syscall"
)

// exists asks for a process without touching it. It does not read /proc, which may hide other users' processes.
func exists(pid int) Fate {
	switch err := syscall.Kill(pid, 0); {
	case err == nil, errors.Is(err, syscall.EPERM):
		return Alive
	case errors.Is(err, syscall.ESRCH):
		return Dead
	}
	return Unknown
}
