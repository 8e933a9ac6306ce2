package local

// A guardian removes what a run has on the engine if its process is killed in a way that it cannot handle: kill -9, the
// kernel's out-of-memory killer, a crash. It is ktask, started detached, with a pipe as its standard input of which the run's
// process holds the only other end. The kernel closes that end when the process is gone, whatever ended it. A dismissed
// guardian exits; one that reads the end of the pipe before a dismissal removes the run by its label.
//
// A guardian is a process next to ktask, not a container next to the task (a "holder" whose namespaces the task joins and
// which ends with its attached input), because the task cannot observe it: with a holder the task would not be process 1 and
// would see the holder. A second container would also add a tenth of a second to a short task, and the other usual way, a
// reaper container that mounts the engine's socket, is refused by many engines. A guardian ends with its machine, or if
// something kills all processes of a job; the next run then removes what is left, see runs.go.

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
	"slices"
	"strings"
	"time"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/docker"
	"github.com/ktask/ktask/engine/owner"
	"github.com/ktask/ktask/local/internal/guard"
)

// GuardCommand is the first argument of a guardian; the second is the run.
const GuardCommand = guard.Command

const (
	// dismissal is how long a run waits for its dismissed guardian to exit.
	dismissal = time.Second
	// guardQuiet is how long nothing of the run must appear before a guardian stops: an engine continues a request after its
	// client has died.
	guardQuiet = 5 * time.Second
	// guardLimit limits how long a guardian goes on after the end of the run's process if the engine does not answer.
	guardLimit = 5 * time.Minute
)

// guardRequest is what a guardian has to guard, sent as one line of JSON on its standard input: everybody can see a command
// line.
type guardRequest struct {
	Run    string
	Engine requestedEngine
}

type requestedEngine struct {
	EngineOptions
	Notice bool `json:",omitempty"` // hides the function of this name, which JSON cannot encode
	Pool   bool `json:",omitempty"` // hides the Pool, which is another process's
}

// ErrGuardRequest is returned by Guard if its input is not from a run.
var ErrGuardRequest = errors.New("a guardian is started by a run only")

// guardian is a guardian's process as the run's process holds it. A nil guardian guards nothing.
type guardian struct {
	process *exec.Cmd
	line    *os.File
}

// startGuardian starts the guardian of a run if one is wanted, before anything of the run is on the engine.
func startGuardian(e engine.Engine, o Options) (*guardian, error) {
	if o.Guardian == "" {
		return nil, nil
	}
	keepDescriptors() // also for credential helpers, which the engine may start
	if _, ok := e.(engine.Cleaner); !ok {
		return nil, nil
	}
	g, err := newGuardian(o)
	if err != nil {
		return nil, fmt.Errorf("start a guardian: %w", err)
	}
	text, err := json.Marshal(guardRequest{o.RunID, requestedEngine{EngineOptions: o.EngineOptions.pinned(e).absolute()}})
	if err == nil {
		_, err = g.line.Write(append(text, '\n'))
	}
	if err != nil {
		g.dismiss()
		return nil, fmt.Errorf("instruct the guardian: %w", err)
	}
	return g, nil
}

func newGuardian(o Options) (*guardian, error) {
	program, err := exec.LookPath(o.Guardian)
	if err != nil {
		return nil, err
	}
	program = absolute(program)
	theirs, ours, err := os.Pipe() // close-on-exec, so that no other child of this process holds it open
	if err != nil {
		return nil, err
	}
	defer func() { _ = theirs.Close() }()
	// The guardian has no output: a reader of this process's output must see its end when the process ends. Its directory is
	// the root, since the current one may be unmounted.
	process := exec.Command(program, GuardCommand, o.RunID)
	process.Stdin, process.Dir, process.SysProcAttr = theirs, filepath.VolumeName(program)+string(filepath.Separator), detached()
	if err := process.Start(); err != nil {
		return nil, errors.Join(err, ours.Close())
	}
	return &guardian{process: process, line: ours}, nil
}

// takeOver lets the guardian remove the run at once, and does not wait for it.
func (g *guardian) takeOver() {
	if g == nil {
		return
	}
	_ = g.line.Close()
	go func() { _ = g.process.Wait() }() // so that the system forgets it when it has ended
}

// dismiss ends the guardian, which then removes nothing, and waits for its exit.
func (g *guardian) dismiss() {
	if g == nil {
		return
	}
	_, _ = g.line.WriteString(guard.Dismissed) // fails if the guardian is gone
	_ = g.line.Close()
	stuck := time.AfterFunc(dismissal, func() { _ = g.process.Process.Kill() })
	defer stuck.Stop()
	_ = g.process.Wait()
}

// warmRequest is what a guardian reads if it is to become a pool.
type warmRequest struct {
	Socket string
	Fill   poolFill
}

// warms is what the run's process writes before a warmRequest.
const warms = "warm "

// keepWarm lets the pool prepare what the run has used. If there is no pool, the guardian becomes it, and nobody waits for it.
func (g *guardian) keepWarm(e engine.Engine, o Options) {
	client, ok := o.EngineOptions.Pool.(poolClient)
	d, isDocker := e.(*docker.Engine)
	if !ok || !isDocker || o.Warm < 1 || g == nil {
		g.dismiss()
		return
	}
	fill := poolFill{min(o.Warm, MostWarm), d.Needs()}
	if len(fill.Needs) == 0 || client.fill(fill) {
		g.dismiss()
		return
	}
	text, err := json.Marshal(warmRequest{client.path, fill})
	if err == nil {
		_, err = fmt.Fprintf(g.line, "%s%s\n", warms, text)
	}
	if err != nil {
		g.dismiss()
		return
	}
	g.takeOver() // by itself: the run is over
}

// pinned returns the options with which a guardian finds the engine of its run.
func (o EngineOptions) pinned(e engine.Engine) EngineOptions {
	if d, ok := e.(*docker.Engine); ok {
		o.Options = d.Pinned(o.Options)
	}
	return o
}

// absolute returns the options with absolute paths, for a process in another working directory.
func (o EngineOptions) absolute() EngineOptions {
	for _, path := range []*string{&o.ConfigDir, &o.CertPath} {
		if *path != "" {
			*path = absolute(*path)
		}
	}
	o.Cluster.Kubeconfigs = slices.Clone(o.Cluster.Kubeconfigs)
	for i, path := range o.Cluster.Kubeconfigs {
		o.Cluster.Kubeconfigs[i] = absolute(path)
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

// Guard does the work of a guardian: it waits for the end of the run that in names, and if the run's process was killed,
// removes what the run has on the engine. A program that is started with GuardCommand must ignore signals and call Guard with its
// standard input: signals for the run's process may reach it too.
func Guard(ctx context.Context, in io.Reader, newEngine func(EngineOptions) (engine.Engine, error), runs owner.Runs) error {
	input := bufio.NewReader(in)
	line, err := input.ReadBytes('\n')
	if err != nil {
		return nil // the process ended before it had written the request
	}
	var request guardRequest
	if err := json.Unmarshal(line, &request); err != nil || request.Run == "" {
		return ErrGuardRequest
	}
	last, _ := io.ReadAll(input)
	if string(last) == guard.Dismissed {
		return nil
	}
	e, err := newEngine(request.Engine.EngineOptions)
	if err != nil {
		return err
	}
	defer CloseEngine(e)
	if text, ok := strings.CutPrefix(string(last), warms); ok {
		var warm warmRequest
		d, isDocker := e.(*docker.Engine)
		if json.Unmarshal([]byte(text), &warm) != nil || !isDocker {
			return ErrGuardRequest
		}
		return servePool(ctx, warm.Socket, warm.Fill, d, runs)
	}
	cleaner, ok := e.(engine.Cleaner)
	if !ok {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, guardLimit)
	defer cancel()
	if err := cleaner.Sweep(ctx, request.Run, guardQuiet); err != nil {
		return err
	}
	runs.Forget(request.Run)
	return nil
}
