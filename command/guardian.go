package command

// A guardian removes what a run has on the engine when ktask is killed in a way that it cannot answer: kill -9, the
// kernel out of memory, a crash. It is ktask itself, started once more, detached, with a pipe as its standard
// input of which ktask holds the only other end. The kernel closes that end when ktask is gone, whatever ended it.
// A guardian that has been dismissed exits at once; one that reads the end of the pipe before removes the run by its label.
//
// It is a process beside ktask and not a container beside the task (a "holder" whose namespaces the task joins and
// which ends with its attached input), because a task can observe nothing of it: in a holder's namespace the task would
// not be process 1 and would see the holder. A second container also costs a short task a tenth of a second, and the
// other usual way, a reaper container with the engine's socket in it, is refused by many engines. A guardian ends
// with its machine, or where something kills all processes of a job: what is left then, the next run removes, see leftover.go.

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
	// dismissal is how long ktask waits for a dismissed guardian.
	dismissal = time.Second
	// guardQuiet is how long nothing of the run may appear before a guardian believes that nothing will: an engine
	// goes on with a request whose client has died.
	guardQuiet = 5 * time.Second
	// guardLimit bounds the life of a guardian whose ktask is gone, where the engine does not answer.
	guardLimit = 5 * time.Minute
)

// charge is what a guardian gets to know, in one line of JSON on its standard input: the command line is for
// everybody to see.
type charge struct {
	Run    string
	Engine EngineOptions
}

// guardian is ktask's side of it. A nil guardian guards nothing.
type guardian struct {
	process *exec.Cmd
	line    *os.File
}

// guard starts the guardian of a run, before anything of the run is on the engine.
func (app App) guard(e engine.Engine, o EngineOptions, run string) (*guardian, error) {
	keepDescriptors() // also from credential helpers, which the engine may start
	if _, ok := e.(engine.Cleaner); !ok || app.Executable == "" {
		return nil, nil
	}
	text, err := json.Marshal(charge{Run: run, Engine: o.absolute()})
	if err != nil {
		return nil, fmt.Errorf("start a guardian: %w", err)
	}
	theirs, ours, err := os.Pipe() // closed on exec, so that no other child of ktask holds it open
	if err != nil {
		return nil, fmt.Errorf("start a guardian: %w", err)
	}
	defer func() { _ = theirs.Close() }()
	// No output: whoever reads ktask's must see its end when ktask ends. No directory either, which may be unmounted.
	process := exec.Command(app.Executable, guardName, run)
	process.Stdin, process.Dir, process.SysProcAttr = theirs, filepath.VolumeName(app.Executable)+string(filepath.Separator), detached()
	if err := process.Start(); err != nil {
		return nil, errors.Join(fmt.Errorf("start a guardian: %w", err), ours.Close())
	}
	g := &guardian{process: process, line: ours}
	if _, err := ours.Write(append(text, '\n')); err != nil {
		g.dismiss()
		return nil, fmt.Errorf("charge the guardian: %w", err)
	}
	return g, nil
}

// dismiss says that nothing is left to guard, and waits for the guardian to go. A guardian that is never dismissed
// takes over when this process ends.
func (g *guardian) dismiss() {
	if g == nil {
		return
	}
	_, _ = g.line.WriteString(dismissed) // a guardian that is gone needs no telling
	_ = g.line.Close()
	stuck := time.AfterFunc(dismissal, func() { _ = g.process.Process.Kill() })
	defer stuck.Stop()
	_ = g.process.Wait()
}

// absolute holds in a process with another working directory.
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

// guardCommand is the guardian's side, which no user calls.
func (app App) guardCommand() *cli.Command {
	return &cli.Command{
		Name: guardName, Hidden: true, ArgsUsage: "RUN",
		Usage:  "remove what a run leaves on the engine when ktask is killed; ktask run starts it",
		Action: func(c *cli.Context) error { return app.standGuard(c.Context) },
	}
}

// standGuard waits for the end of the pipe. Signals do not end it: those that are meant for ktask reach it too.
func (app App) standGuard(ctx context.Context) error {
	app.signals()
	in := bufio.NewReader(app.In)
	line, err := in.ReadBytes('\n')
	if err != nil {
		return nil // ktask was gone before it began
	}
	var c charge
	if err := json.Unmarshal(line, &c); err != nil || c.Run == "" {
		return usagef("%s is what ktask run starts, not a command for people", guardName)
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
