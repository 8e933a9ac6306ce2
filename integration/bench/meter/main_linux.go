// Command meter runs a command and writes what it has used, as JSON, to descriptor 3. It passes the standard streams and the exit
// code on. It ends when all processes that the command has started have ended, with -leave when the command itself has.
//
//	meter [-leave] COMMAND [ARGUMENT...] 3>FILE
//
// It is a small program of its own because the kernel counts, as memory of a process, also what its parent had when it was started.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"time"

	"github.com/ktask/ktask/integration/bench/usage"
)

// prSetChildSubreaper is PR_SET_CHILD_SUBREAPER of prctl(2).
const prSetChildSubreaper = 36

func main() {
	code, err := run(os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "meter:", err)
		os.Exit(125)
	}
	os.Exit(code)
}

func run(args []string) (code int, err error) {
	leave := len(args) > 0 && args[0] == "-leave"
	if leave {
		args = args[1:]
	}
	if len(args) == 0 {
		return 0, errors.New("usage: meter [-leave] COMMAND [ARGUMENT...] 3>FILE")
	}
	results := os.NewFile(3, "results")
	syscall.CloseOnExec(3)
	if !leave { // the process becomes the parent of all descendants whose parents end, so that it can wait for them
		if _, _, errno := syscall.Syscall(syscall.SYS_PRCTL, prSetChildSubreaper, 1, 0); errno != 0 {
			return 0, fmt.Errorf("become a subreaper: %w", errno)
		}
	}
	signal.Notify(make(chan os.Signal, 1), syscall.SIGTERM) // it is for the command, which is in the same process group
	program, err := exec.LookPath(args[0])
	if err != nil {
		return 0, err
	}
	var u usage.Usage
	u.Start = time.Now()
	pid, err := syscall.ForkExec(program, args, &syscall.ProcAttr{Env: os.Environ(), Files: []uintptr{0, 1, 2}})
	if err != nil {
		return 0, fmt.Errorf("start %s: %w", program, err)
	}
	for {
		var status syscall.WaitStatus
		var r syscall.Rusage
		ended, err := syscall.Wait4(-1, &status, 0, &r)
		switch {
		case errors.Is(err, syscall.EINTR):
			continue
		case errors.Is(err, syscall.ECHILD):
			return code, json.NewEncoder(results).Encode(u)
		case err != nil:
			return 0, fmt.Errorf("wait: %w", err)
		}
		if ended == pid {
			u.End, code = time.Now(), status.ExitStatus()
			_ = os.Stdout.Close() // its reader need not wait for what the command has left
		}
		u.CPU += time.Duration(r.Utime.Nano() + r.Stime.Nano())
		u.Peak = max(u.Peak, r.Maxrss<<10) // KiB
	}
}
