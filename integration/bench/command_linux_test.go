package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"github.com/ktask/ktask/integration/bench/usage"
)

// command is a program that is measured, and what it must do for the measurement to count.
type command struct {
	args  []string
	env   []string // on top of this process's
	stdin string
	exit  int    // the expected exit code
	wants string // what the beginning of its standard output must contain
	bytes int64  // how much it must write at least
	// leave says that what the command leaves goes on, and is neither waited for nor counted.
	leave bool
	// before waits until the command may begin; it may be nil.
	before func(context.Context) error
}

// sample is what one run of a command took.
type sample struct {
	usage       usage.Usage
	first, last time.Time // when the first and the last bytes of standard output arrived
	written     int64
	head        bytes.Buffer // the first bytes of standard output, at most headLimit
}

const headLimit = 64 << 10

// run runs the command once, with the meter, and waits until all of its processes have ended.
func (c command) run(ctx context.Context, meter string) (*sample, error) {
	if c.before != nil {
		if err := c.before(ctx); err != nil {
			return nil, err
		}
	}
	results, theirs, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer func() { _ = results.Close() }()
	var complaints bytes.Buffer
	s := &sample{}
	args := c.args
	if c.leave {
		args = append([]string{"-leave"}, args...)
	}
	cmd := exec.CommandContext(ctx, meter, args...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) } // ktask and docker clean up
	cmd.WaitDelay = time.Minute
	cmd.Env, cmd.Stdin, cmd.ExtraFiles = append(os.Environ(), c.env...), strings.NewReader(c.stdin), []*os.File{theirs}
	cmd.Stdout, cmd.Stderr = s, &complaints
	err = cmd.Run()
	_ = theirs.Close()
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if cmd.ProcessState == nil {
		return nil, err
	}
	if got := cmd.ProcessState.ExitCode(); got != c.exit || !strings.Contains(s.head.String(), c.wants) || s.written < c.bytes {
		return nil, fmt.Errorf("%s: exit code %d, %d bytes of output, expected %d, at least %d and %q in:\n%s%s", strings.Join(c.args, " "),
			got, s.written, c.exit, c.bytes, c.wants, s.head.String(), complaints.String())
	}
	return s, json.NewDecoder(results).Decode(&s.usage)
}

// Write takes standard output.
func (s *sample) Write(p []byte) (int, error) {
	s.last = time.Now()
	if s.written == 0 {
		s.first = s.last
	}
	s.written += int64(len(p))
	s.head.Write(p[:min(len(p), headLimit-s.head.Len())])
	return len(p), nil
}
