package local

import "syscall"

// detachedProcess is DETACHED_PROCESS of processthreadsapi.h: the process has no console.
const detachedProcess = 0x00000008

// detached returns attributes that start a process without the console, whose ^C and end do not reach it.
func detached() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{CreationFlags: detachedProcess | syscall.CREATE_NEW_PROCESS_GROUP, HideWindow: true}
}
