package docker

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/strslice"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/plan"
)

// terminal connects a user to the container of an attempt. A nil terminal connects nobody.
type terminal struct {
	engine.Terminal
	cancel  context.CancelFunc
	working sync.WaitGroup
}

// noDetachKeys are keys that nobody presses one after the other. Without them Docker ends the connection at ^P ^Q, and holds back
// each ^P, which shells use.
const noDetachKeys = "ctrl-@,ctrl-_,ctrl-@,ctrl-_,ctrl-@,ctrl-_"

// theShell is where images have a shell that starts another one.
const theShell = "/bin/sh"

const (
	// openShell becomes the best shell that the image has. It also finds one that the task's PATH leaves out.
	openShell = "for shell in bash /bin/bash ash /bin/ash; do command -v \"$shell\" >/dev/null 2>&1 && exec \"$shell\"; done; exec " + theShell
	// runFirst runs the arguments. A ^C ends the task, not the shell.
	runFirst = "trap : INT QUIT; \"$@\"; code=$?; trap - INT QUIT; [ \"$code\" -ne 0 ] || { echo 'ktask: the task passed'; exit 0; }; " +
		"printf '\\nktask: the task failed with exit code %s; this is its container (exit ends it)\\n' \"$code\"; "
)

// RunTerminal runs one attempt with a shell in place of the task, or after it.
func (e *Engine) RunTerminal(ctx context.Context, c plan.Container, labels engine.Labels, t engine.Terminal, out engine.Output) (exit engine.Exit, err error) {
	image, err := e.imageOf(ctx, c)
	if err != nil {
		return engine.Exit{}, err
	}
	killed, leave, err := e.enter(ctx, c, labels)
	if err != nil {
		return engine.Exit{}, err
	}
	defer func() { err = leave(err) }()
	command := arguments(c, image)
	if len(command) == 0 && t.AfterFailure {
		return engine.Exit{}, notStarted(noCommand(c), c)
	}
	if !t.AfterFailure {
		_, _ = fmt.Fprintln(out.Stdout, "the task's command: "+shown(command))
	}
	c.TTY, c.Stdin = true, true
	exit, err = e.runNew(ctx, labels, func() *attempt {
		return &attempt{engine: e, container: c, out: out, killed: killed, terminal: &terminal{Terminal: t}}
	})
	if err == nil && exit.Reason != "" && exit.Reason != engine.OOMKilled {
		err = notStarted(exit, c)
	}
	return exit, err
}

// notStarted returns the error of a shell that has not started.
func notStarted(exit engine.Exit, c plan.Container) error {
	failure := &engine.Error{Reason: exit.Reason, Err: errors.New(exit.Message)}
	switch exit.Reason {
	case engine.CommandNotFound:
		failure.Err = fmt.Errorf("image %q has no shell (%s)", c.Image, theShell)
		failure.Remedy = engine.Remedy{Text: "use an image of the task that has one", Option: engine.OptionImage}
	case engine.CommandNotRunnable, engine.WrongArchitecture:
		failure.Err = fmt.Errorf("the shell %s of image %q cannot be executed", theShell, c.Image)
	}
	return failure
}

// shown returns a command as it is typed in a shell.
func shown(command []string) string {
	if len(command) == 0 {
		return "none"
	}
	words := make([]string, len(command))
	for i, word := range command {
		if words[i] = word; word == "" || strings.Trim(word, plainLetters) != "" {
			words[i] = "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
		}
	}
	return plan.Printable(strings.Join(words, " "))
}

// plainLetters need no quotes in a shell.
const plainLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=:,./@%"

// startShell starts a shell in place of a command, or after it has failed.
func (r *request) startShell(command []string, afterFailure bool) {
	script := openShell
	if afterFailure {
		script = runFirst + openShell
	}
	r.config.Entrypoint = strslice.StrSlice{theShell, "-c", script, "ktask"}
	r.config.Cmd = strslice.StrSlice{}
	if afterFailure {
		r.config.Cmd = command
	}
	r.config.OpenStdin, r.config.StdinOnce, r.config.AttachStdin = true, true, true
}

// begin passes on what comes from the user.
func (t *terminal) begin(ctx context.Context, a *attempt) error {
	if t == nil {
		return nil
	}
	in, err := t.Open()
	if err != nil {
		return fmt.Errorf("use the terminal: %w", err)
	}
	ctx, t.cancel = context.WithCancel(context.WithoutCancel(ctx))
	t.working.Go(func() { t.sendKeys(ctx, a, in.Keys) })
	t.working.Go(func() { t.resize(ctx, a, in.Sizes) })
	return nil
}

// sendKeys sends keys until the end of the attempt, or of the connection, which closes the connection of a.stream.
func (t *terminal) sendKeys(ctx context.Context, a *attempt, keys <-chan []byte) {
	for {
		select {
		case key, ok := <-keys:
			if !ok {
				return
			}
			// There is no deadline: a program need not read.
			if _, err := a.stream.conn.conn.Write(key); err != nil {
				return
			}
		case <-ctx.Done():
			return
		}
	}
}

// resize lets the container's terminal have the size of the user's.
func (t *terminal) resize(ctx context.Context, a *attempt, sizes <-chan engine.TerminalSize) {
	for {
		select {
		case size := <-sizes:
			_ = a.engine.do(ctx, "resize the terminal", once, func(ctx context.Context) error { // a shell works with another size, too
				return a.engine.client.ContainerResize(ctx, a.id, container.ResizeOptions{Height: uint(size.Rows), Width: uint(size.Columns)})
			})
		case <-ctx.Done():
			return
		}
	}
}

// end waits until nothing is passed on any more. The connection is closed before.
func (t *terminal) end() {
	if t != nil && t.cancel != nil {
		t.cancel()
		t.working.Wait()
	}
}
