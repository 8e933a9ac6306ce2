package command

import "syscall"

// detachedProcess is DETACHED_PROCESS of processthreadsapi.h: no console.
const detachedProcess = 0x00000008

// detached starts a process away from the console, whose ^C and end do not reach it.
func detached() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{CreationFlags: detachedProcess | syscall.CREATE_NEW_PROCESS_GROUP, HideWindow: true}
}
