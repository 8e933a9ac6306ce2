package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"time"
)

// start starts a component in the background, unless it runs.
func (c cluster) start(name string, args ...string) error {
	program, err := os.Executable()
	if err != nil {
		return err
	}
	return c.background(name, program, append([]string{name}, args...)...)
}

func (c cluster) background(name, program string, args ...string) error {
	if c.runs(name) {
		return nil
	}
	log, err := os.Create(c.path("logs", name))
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }()
	cmd := exec.Command(program, args...)
	cmd.Stdout, cmd.Stderr, cmd.SysProcAttr = log, log, &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return err
	}
	return os.WriteFile(c.path(componentsDirectory, name), []byte(strconv.Itoa(cmd.Process.Pid)), everyone)
}

// stop ends a component, by force if it takes long.
func (c cluster) stop(name string) {
	if !c.runs(name) {
		return
	}
	pid := c.pid(name)
	_ = syscall.Kill(pid, syscall.SIGTERM)
	for end := time.Now().Add(stopsWithin); c.runs(name) && time.Now().Before(end); {
		time.Sleep(50 * time.Millisecond)
	}
	if c.runs(name) {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
	_ = os.Remove(c.path(componentsDirectory, name))
}

// pid returns the process of a component, or 0.
func (c cluster) pid(name string) int {
	text, err := os.ReadFile(c.path(componentsDirectory, name))
	if err != nil {
		return 0
	}
	pid, _ := strconv.Atoi(string(text))
	return pid
}

// runs reports whether a component runs. Its number may since belong to another process; a component has the directory in its
// arguments.
func (c cluster) runs(name string) bool {
	args, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", c.pid(name)))
	return err == nil && bytes.Contains(args, []byte(c.dir+"/"))
}

// forgetEnded removes the process numbers of components that have ended.
func (c cluster) forgetEnded() {
	for _, name := range c.started() {
		if !c.runs(name) {
			_ = os.Remove(c.path(componentsDirectory, name))
		}
	}
}

// started returns the components that have a process number.
func (c cluster) started() (names []string) {
	files, _ := os.ReadDir(c.path(componentsDirectory))
	for _, f := range files {
		names = append(names, f.Name())
	}
	return names
}

// await calls met until it returns no error. It fails at once when a component has ended.
func (c cluster) await(what string, met func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(context.Background(), startsWithin)
	defer cancel()
	for {
		err := met(ctx)
		if err == nil {
			return nil
		}
		for _, name := range c.started() {
			if !c.runs(name) {
				return fmt.Errorf("%s has ended; its log is %s", name, c.path("logs", name))
			}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s: not within %v: %w", what, startsWithin, err)
		case <-time.After(100 * time.Millisecond):
		}
	}
}
