package owner

import (
	"errors"
	"strconv"

	"golang.org/x/sys/windows"
	"golang.org/x/sys/windows/registry"
)

// initialSpace is that of a system that has but one.
const initialSpace = ""

// system has no id of the boot: the start of a process is absolute.
func system() Process {
	key, err := registry.OpenKey(registry.LOCAL_MACHINE, `SOFTWARE\Microsoft\Cryptography`, registry.QUERY_VALUE|registry.WOW64_64KEY)
	if err != nil {
		return Process{}
	}
	defer func() { _ = key.Close() }()
	id, _, err := key.GetStringValue("MachineGuid")
	if err != nil {
		return Process{}
	}
	return Process{Machine: machine(id)}
}

// exists asks for a process. Windows says "invalid parameter" of an id that no process has.
func exists(pid int) Fate {
	process, err := windows.OpenProcess(windows.PROCESS_QUERY_LIMITED_INFORMATION, false, uint32(pid))
	switch {
	case err == nil:
		_ = windows.CloseHandle(process)
		return Alive
	case errors.Is(err, windows.ERROR_INVALID_PARAMETER):
		return Dead
	}
	return Unknown
}

// started gives the time at which a process was created, in units of 100 ns since 1601.
func started(pid int) (string, error) {
	process, err := windows.OpenProcess(windows.PROCESS_QUERY_LIMITED_INFORMATION|windows.SYNCHRONIZE, false, uint32(pid))
	if err != nil {
		return "", err
	}
	defer func() { _ = windows.CloseHandle(process) }()
	// A process that has ended stays while somebody has a handle of it.
	if event, err := windows.WaitForSingleObject(process, 0); err == nil && event == windows.WAIT_OBJECT_0 {
		return ended, nil
	}
	var created, exited, kernel, user windows.Filetime
	if err := windows.GetProcessTimes(process, &created, &exited, &kernel, &user); err != nil {
		return "", err
	}
	return strconv.FormatUint(uint64(created.HighDateTime)<<32|uint64(created.LowDateTime), 10), nil
}
