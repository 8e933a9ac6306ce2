package command

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/urfave/cli/v2"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/plan"
	"github.com/ktask/ktask/local"
	"github.com/ktask/ktask/resolve"
	"github.com/ktask/ktask/spec"
)

func (app App) lockCommand() *cli.Command {
	return &cli.Command{
		Name:      "lock",
		Usage:     "write ktask.lock: the digests of images and the hashes of scripts",
		ArgsUsage: pathArguments,
		Description: "Writes which images and downloaded scripts the tasks of these manifests use now. `ktask run --locked` uses exactly\n" +
			"these. Images that the engine lacks are pulled; --pull always gets what the registry has now. Values of secrets may be\n" +
			"missing.",
		Flags:  append(taskFlags(), engineFlags()...),
		Action: app.lock,
	}
}

func (app App) lock(c *cli.Context) error {
	s, err := app.settings(c)
	if err != nil {
		return err
	}
	tasks, err := s.taskOptions()
	if err != nil {
		return err
	}
	host, err := s.engineOptions(app)
	if err != nil {
		return err
	}
	tasks.Node, tasks.OnCluster = host.Node()
	tasks.Preview, tasks.WithoutSecrets = true, true
	p, err := app.load(s, tasks, showWarnings)
	if err != nil {
		return err
	}
	e, err := app.NewEngine(host)
	if err != nil {
		return exitError{exitEngine, err}
	}
	defer local.CloseEngine(e)
	l, err := local.MakeLock(c.Context, p, e, app.scripts(s), app.progress())
	if err != nil {
		return app.lockFailed(s, err)
	}
	name := rebasedPath(spec.LockName, s.project.dir)
	changed, err := local.WriteLock(name, l)
	if err != nil {
		return exitError{exitUsage, fmt.Errorf("%s: %w", name, err)}
	}
	what := fmt.Sprintf("%s, %s", counted(len(l.Images), "image"), counted(len(l.Scripts), "script"))
	if !changed {
		what += ", unchanged"
	}
	_, err = fmt.Fprintf(app.Err, "%s: %s\n", name, what)
	return err
}

// lockFailed prints the problems that prevent a lock, and returns the error of another failure with its exit code.
func (app App) lockFailed(s settings, err error) error {
	invalid, _ := errors.AsType[*spec.InvalidError](err)
	refused, _ := errors.AsType[*engine.Error](err)
	switch {
	case invalid != nil:
		app.printer(s, nil).print(invalid.Problems)
		return exitError{exitUsage, nil}
	case refused != nil:
		return exitError{exitEngine, err}
	}
	return exitError{exitUsage, err}
}

// scripts returns what gets the scripts of URLs.
func (app App) scripts(s settings) local.Scripts {
	return local.Scripts{Dir: app.ScriptDir, Offline: s.yes("offline"), UserAgent: "ktask/" + app.Version}
}

// locked is a plan that --locked has pinned, and what is left to compare with the lock.
type locked struct {
	plan plan.Plan
	// before is the plan with the names of images, and lock what they are compared with. They are empty without --locked.
	before plan.Plan
	lock   spec.Lock
}

// applyLock pins a plan if --locked is given, and otherwise checks what --offline forbids. It prints the problems.
func (app App) applyLock(ctx context.Context, s settings, p plan.Plan) (locked, error) {
	switch {
	case s.yes("locked"):
		scripts := app.scripts(s)
		return app.pin(s, p, func(l spec.LockedScript) ([]byte, error) { return scripts.Locked(ctx, l) })
	case s.yes("offline"):
		return locked{plan: p}, app.refuse(s, nil, resolve.CheckOffline(p))
	}
	return locked{plan: p}, nil
}

// applyLockToImages pins a plan of which only the images are used if --locked is given. It prints the problems.
func (app App) applyLockToImages(s settings, p plan.Plan) (locked, error) {
	if !s.yes("locked") {
		return locked{plan: p}, nil
	}
	return app.pin(s, p, func(spec.LockedScript) ([]byte, error) { return nil, nil })
}

// pin replaces the images and scripts of a plan by those of the lock file. script returns the content of a script. It prints the
// problems.
func (app App) pin(s settings, p plan.Plan, script func(spec.LockedScript) ([]byte, error)) (locked, error) {
	name := rebasedPath(spec.LockName, s.project.dir)
	l, file, problems, err := local.ReadLock(name)
	if errors.Is(err, fs.ErrNotExist) {
		return locked{}, exitError{exitUsage, fmt.Errorf("--locked: there is no %s (write it with ktask lock)", name)}
	} else if err != nil {
		return locked{}, exitError{exitUsage, fmt.Errorf("%s: %w", name, err)}
	}
	if err := app.refuse(s, []spec.File{file}, problems); err != nil {
		return locked{}, err
	}
	pinned, problems := resolve.Pin(p, l, script)
	return locked{plan: pinned, before: p, lock: l}, app.refuse(s, []spec.File{file}, problems)
}

// settle compares the images that the lock knows by their IDs with those of the engine, and prints what has changed. If the engine
// fails, the run reports it; it uses the IDs all the same.
func (app App) settle(ctx context.Context, s settings, l *locked, e engine.Engine) error {
	p, problems, err := local.Settle(ctx, l.before, l.plan, l.lock, e)
	if err != nil {
		return nil
	}
	l.plan = p
	return app.refuse(s, nil, problems)
}

// refuse prints problems, and returns an error with the exit code if one of them is an error.
func (app App) refuse(s settings, files []spec.File, problems spec.Problems) error {
	app.printer(s, files).print(problems)
	if problems.Err() != nil {
		return exitError{exitUsage, nil}
	}
	return nil
}
