package owner

import (
	"strconv"

	"golang.org/x/sys/unix"
)

// initialSpace is that of a system that has but one.
const initialSpace = ""

func system() Process {
	id, _ := unix.Sysctl("kern.uuid") // "" proves nothing
	session, err := unix.Sysctl("kern.bootsessionuuid")
	if err != nil {
		return Process{}
	}
	return Process{Machine: machine(id), Boot: hashed(session)}
}

// zombie is SZOMB of sys/proc.h.
const zombie = 5

// started gives the time at which a process started.
func started(pid int) (string, error) {
	info, err := unix.SysctlKinfoProc("kern.proc.pid", pid)
	if err != nil {
		return "", err
	}
	if info.Proc.P_stat == zombie {
		return ended, nil
	}
	start := info.Proc.P_starttime
	return strconv.FormatInt(start.Nano(), 10), nil
}
