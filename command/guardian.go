package command

// A guardian removes what a run has on the engine if ktask is killed in a way that it cannot handle: kill -9, the kernel's
// out-of-memory killer, a crash. It is ktask itself, started again, detached, with a pipe as its standard input of which
// ktask holds the only other end. The kernel closes that end when ktask is gone, whatever ended it. A dismissed guardian
// exits; one that reads the end of the pipe before a dismissal removes the run by its label.
//
// A guardian is a process next to ktask, not a container next to the task (a "holder" whose namespaces the task joins and
// which ends with its attached input), because the task cannot observe it: with a holder the task would not be process 1 and
// would see the holder. A second container would also add a tenth of a second to a short task, and the other usual way, a
// reaper container that mounts the engine's socket, is refused by many engines. A guardian ends with its machine, or if
// something kills all processes of a job; the next run then removes what is left, see leftover.go.

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/ktask/ktask/engine"
)

const (
	guardName = "guard"
	// dismissed is what ktask writes before it closes the pipe.
	dismissed = "done\n"
	// dismissal is how long ktask waits for a dismissed guardian to exit.
	dismissal = time.Second
	// guardQuiet is how long nothing of the run must appear before a guardian stops: an engine continues a request after its
	// client has died.
	guardQuiet = 5 * time.Second
	// guardLimit limits how long a guardian goes on after the end of its ktask if the engine does not answer.
	guardLimit = 5 * time.Minute
)

// guardRequest is what a guardian has to guard, sent as one line of JSON on its standard input: everybody can see a command
// line.
type guardRequest struct {
	Run    string
	Engine EngineOptions
}

// guardian is a guardian's process as ktask holds it. A nil guardian guards nothing.
type guardian struct {
	process *exec.Cmd
	line    *os.File
}

// guard starts the guardian of a run, before anything of the run is on the engine.
func (app App) guard(e engine.Engine, o EngineOptions, run string) (*guardian, error) {
	keepDescriptors() // also for credential helpers, which the engine may start
	if _, ok := e.(engine.Cleaner); !ok || app.Executable == "" {
		return nil, nil
	}
	text, err := json.Marshal(guardRequest{Run: run, Engine: o.absolute()})
	if err != nil {
		return nil, fmt.Errorf("start a guardian: %w", err)
	}
	theirs, ours, err := os.Pipe() // close-on-exec, so that no other child of ktask holds it open
	if err != nil {
		return nil, fmt.Errorf("start a guardian: %w", err)
	}
	defer func() { _ = theirs.Close() }()
	// The guardian has no output: a reader of ktask's output must see its end when ktask ends. Its directory is the root,
	// since the current one may be unmounted.
	process := exec.Command(app.Executable, guardName, run)
	process.Stdin, process.Dir, process.SysProcAttr = theirs, filepath.VolumeName(app.Executable)+string(filepath.Separator), detached()
	if err := process.Start(); err != nil {
		return nil, errors.Join(fmt.Errorf("start a guardian: %w", err), ours.Close())
	}
	g := &guardian{process: process, line: ours}
	if _, err := ours.Write(append(text, '\n')); err != nil {
		g.dismiss()
		return nil, fmt.Errorf("instruct the guardian: %w", err)
	}
	return g, nil
}

// dismiss ends the guardian, which then removes nothing, and waits for its exit. A guardian that is not dismissed takes over
// when this process ends.
func (g *guardian) dismiss() {
	if g == nil {
		return
	}
	_, _ = g.line.WriteString(dismissed) // fails if the guardian is gone
	_ = g.line.Close()
	stuck := time.AfterFunc(dismissal, func() { _ = g.process.Process.Kill() })
	defer stuck.Stop()
	_ = g.process.Wait()
}

// absolute returns the options with absolute paths, for a process in another working directory.
func (o EngineOptions) absolute() EngineOptions {
	for _, path := range []*string{&o.ConfigDir, &o.CertPath} {
		if *path != "" {
			*path = absolute(*path)
		}
	}
	for _, host := range []*string{&o.Host, &o.DefaultHost} {
		if socket, ok := strings.CutPrefix(*host, "unix://"); ok {
			*host = "unix://" + absolute(socket)
		}
	}
	return o
}

func absolute(path string) string {
	if abs, err := filepath.Abs(path); err == nil {
		return abs
	}
	return path
}

// guardCommand returns the command that runs as a guardian, which users do not call.
func (app App) guardCommand() *cli.Command {
	return &cli.Command{
		Name: guardName, Hidden: true, ArgsUsage: "RUN",
		Usage:  "remove what a run leaves on the engine when ktask is killed; ktask run starts it",
		Action: func(c *cli.Context) error { return app.standGuard(c.Context) },
	}
}

// standGuard waits for the end of the pipe. It ignores signals: those for ktask reach it too.
func (app App) standGuard(ctx context.Context) error {
	app.signals()
	in := bufio.NewReader(app.In)
	line, err := in.ReadBytes('\n')
	if err != nil {
		return nil // ktask ended before it had written the request
	}
	var c guardRequest
	if err := json.Unmarshal(line, &c); err != nil || c.Run == "" {
		return usagef("%s is started by ktask run only", guardName)
	}
	if last, _ := io.ReadAll(in); string(last) == dismissed {
		return nil
	}
	e, err := app.NewEngine(c.Engine)
	if err != nil {
		return exitError{exitEngine, err}
	}
	defer closeEngine(e)
	cleaner, ok := e.(engine.Cleaner)
	if !ok {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, guardLimit)
	defer cancel()
	if err := cleaner.Sweep(ctx, c.Run, guardQuiet); err != nil {
		return exitError{exitEngine, err}
	}
	app.runs().Forget(c.Run)
	return nil
}
