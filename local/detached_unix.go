//go:build unix

package local

import "syscall"

// detached returns attributes that start a process in a session of its own: the terminal's signals and hangup do not reach
// it.
func detached() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setsid: true} }
