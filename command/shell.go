package command

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/urfave/cli/v2"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/plan"
	"github.com/ktask/ktask/local"
)

// Keyboard is a terminal with a user.
type Keyboard struct {
	// Raw lets In return each key at once, also ^C, until restore is called.
	Raw func() (restore func(), err error)
	// Size returns the columns and rows.
	Size func() (columns, rows int)
	// Resized returns a channel that receives a value after a change of the size, or nil if the system does not report it.
	Resized func() <-chan os.Signal
}

func (app App) shellCommand() *cli.Command {
	return &cli.Command{
		Name:      "shell",
		Usage:     "open a terminal in the container of a task",
		ArgsUsage: "TASK | " + pathArguments,
		Description: "Starts a shell in place of the task: bash, ash or sh, with the task's image, variables, files, mounts, network, user and\n" +
			"limits. TASK is a task of the current directory; with PATHs, -t names the task. ktask shows the task's command, so that\n" +
			"it can be started in the terminal. The container is removed when the shell ends, whose exit code is ktask's.",
		Flags: append(append(taskFlags(), engineFlags()...), lockedFlag(),
			&cli.BoolFlag{Category: groupRetries, Name: "after-failure", Usage: "run the task first, as a child of a shell, and open the terminal in its container if it fails"}),
		Action: app.shell,
	}
}

func (app App) shell(c *cli.Context) error {
	if app.Keyboard == nil {
		return exitError{exitUsage, errors.New("ktask shell needs a terminal as its standard input and output (ktask run runs tasks without one)")}
	}
	args, name := taskArgument(c.Args().Slice(), c.IsSet("task"))
	s, err := app.settingsWith(c, args)
	if err != nil {
		return err
	}
	if _, err := s.paths(); err != nil {
		s.args = []string{"."}
	}
	if slices.Contains(s.args, "-") {
		return usagef("ktask shell reads your keys from standard input: name a file in place of -")
	}
	tasks, err := s.taskOptions()
	if err != nil {
		return err
	}
	if name != "" {
		tasks.Tasks = []string{name}
	}
	o := runOptions{Options: local.Options{Version: app.Version, Runs: local.UserRuns(), Guardian: app.Executable}}
	if o.EngineOptions, err = s.engineOptions(app); err != nil {
		return err
	}
	tasks.Node, tasks.OnCluster = o.EngineOptions.Node()
	p, err := app.load(s, tasks, showWarnings)
	if err != nil {
		return err
	}
	if p, err = onlyTask(p); err != nil {
		return err
	}
	l, err := app.applyLock(c.Context, s, p)
	if err != nil {
		return err
	}
	return app.openShell(c.Context, s, o, l)
}

// taskArgument returns the arguments that are paths, and the name of a task if the only argument is one: neither a file that exists
// nor the name of a manifest.
func taskArgument(args []string, named bool) (paths []string, task string) {
	if len(args) != 1 || named || args[0] == "-" || exists(args[0]) || slices.Contains([]string{".yaml", ".yml", ".json"}, filepath.Ext(args[0])) {
		return args, ""
	}
	return nil, args[0]
}

// onlyTask returns the plan of a shell: of one task, without retries, time limit and stages.
func onlyTask(p plan.Plan) (plan.Plan, error) {
	switch len(p.Tasks) {
	case 0:
		return p, usagef("there is no task at this stage")
	case 1:
	default:
		var names []string
		for _, t := range p.Tasks {
			names = append(names, plan.OneLine(t.Name))
		}
		return p, usagef("ktask shell opens one task, and %d are selected: add -t %s (or one of: %s)", len(names), names[0], strings.Join(names[1:], ", "))
	}
	t := p.Tasks[0]
	t.Stage, t.Semantics, t.Retry, t.Timeout = "", plan.Local, plan.Retry{}, 0
	t.Container.Grace = 0 // shells ignore the signal that ends a task
	return plan.Plan{Tasks: []plan.Task{t}}, nil
}

// openShell opens the terminal and returns the exit code of the shell as an error.
func (app App) openShell(ctx context.Context, s settings, o runOptions, l locked) (err error) {
	if o.Engine, err = app.NewEngine(o.EngineOptions); err != nil {
		return exitError{exitEngine, err}
	}
	defer local.CloseEngine(o.Engine)
	if err := app.settle(ctx, s, &l, o.Engine); err != nil {
		return err
	}
	t := &shellTerminal{app: app, closed: make(chan struct{})}
	o.Terminal = &engine.Terminal{Output: app.Out, Open: t.open, AfterFailure: s.yes("after-failure")}
	progress := app.progress()
	o.Sink = engine.SinkFunc(func(event engine.Event) {
		if p, ok := event.(engine.ImageProgress); ok {
			progress(p.Image, p.Status)
		}
	})
	result, stopped, err := app.carryOut(ctx, l.plan, o.Options)
	t.close()
	by, interrupted := errors.AsType[interrupt](stopped)
	switch {
	case errors.Is(err, errAbandoned):
		return exitError{exitEngine, err}
	case interrupted:
		return exitError{by.code(), nil}
	case len(result.Tasks) == 0:
		return exitError{exitEngine, err}
	}
	return app.shellEnded(result.Tasks[0])
}

// shellEnded returns the exit code of the shell as an error. It prints why there was none.
func (app App) shellEnded(t engine.TaskResult) error {
	if t.Status == engine.Errored {
		return exitError{exitEngine, &engine.Error{Reason: t.Reason, Err: errors.New(t.Message), Remedy: t.Remedy}}
	}
	if n := len(t.Attempts); n > 0 && t.Attempts[n-1].OOMKilled {
		app.complain(errors.New(t.Message))
	}
	if t.ExitCode != 0 {
		return exitError{t.ExitCode, nil}
	}
	return nil
}

// shellTerminal is the user's terminal while a shell runs on it.
type shellTerminal struct {
	app App
	// closed is closed by close.
	closed chan struct{}
	// mu guards restore: a run that is abandoned goes on.
	mu      sync.Mutex
	restore func()
}

// open passes on keys and sizes until close is called. The goroutine that reads keys ends with the next key after that, or with the
// process: a read from a terminal cannot be canceled.
func (t *shellTerminal) open() (engine.TerminalInput, error) {
	if err := t.raw(); err != nil {
		return engine.TerminalInput{}, err
	}
	keys, sizes := make(chan []byte), make(chan engine.TerminalSize)
	go func() {
		defer close(keys)
		for {
			key := make([]byte, 4<<10)
			n, err := t.app.In.Read(key)
			if n == 0 && err != nil {
				return
			}
			select {
			case keys <- key[:n]:
			case <-t.closed:
				return
			}
		}
	}()
	resized := t.app.Keyboard.Resized()
	go func() {
		for {
			columns, rows := t.app.Keyboard.Size()
			select {
			case sizes <- engine.TerminalSize{Columns: columns, Rows: rows}:
			case <-t.closed:
				return
			}
			select {
			case <-resized:
			case <-t.closed:
				return
			}
		}
	}()
	return engine.TerminalInput{Keys: keys, Sizes: sizes}, nil
}

// raw sets the terminal to raw mode unless it is closed.
func (t *shellTerminal) raw() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	select {
	case <-t.closed:
		return errAbandoned
	default:
	}
	restore, err := t.app.Keyboard.Raw()
	if err == nil {
		t.restore = restore
	}
	return err
}

// close restores the terminal. It is called once.
func (t *shellTerminal) close() {
	t.mu.Lock()
	defer t.mu.Unlock()
	close(t.closed)
	if t.restore != nil {
		t.restore()
	}
}
