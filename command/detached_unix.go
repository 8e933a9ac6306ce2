//go:build unix

package command

import "syscall"

// detached starts a process in a session of its own: the terminal's signals and its end do not reach it.
func detached() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setsid: true} }
