package command

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/plan"
	"github.com/ktask/ktask/local"
)

// errChanged cancels a run whose input has changed.
var errChanged = errors.New("its input has changed")

// watch is `run --watch`: it runs the tasks, and again those that a change of their input affects. A change cancels what runs.
type watch struct {
	app  App
	once func(ctx context.Context, choose func(plan.Plan) plan.Plan, after func(engine.Result)) error
	// inputs are the files and directories that are read, and mounts the sources of mounts.
	inputs, mounts []string
	// outputs are the files and directories that the run itself writes.
	outputs []string

	// last is the last plan, by name of its tasks. unfinished are tasks that have still to run.
	last       map[string]plan.Task
	unfinished map[string]bool
	// changed are the files that have changed since the last run.
	changed []string
	// summary is how the last run ended.
	summary string
}

// watches reports whether --watch is on the command line. In a file it would keep hooks from ending.
func (s settings) watches() bool { return settings{flags: s.flags}.yes("watch") }

// watch runs tasks again and again.
func (app App) watch(ctx context.Context, s settings, o runOptions) error {
	paths, err := s.paths()
	if err != nil {
		return err
	}
	if slices.Contains(paths, "-") {
		return usagef("--watch needs files: standard input does not change")
	}
	w := &watch{app: app, inputs: append(s.namedFiles(), paths...), outputs: o.files()}
	w.once = func(ctx context.Context, choose func(plan.Plan) plan.Plan, after func(engine.Result)) error {
		o.after = after
		return app.runOnce(ctx, s, o, func(p plan.Plan) (plan.Plan, error) { return choose(p), nil })
	}
	return w.run(ctx)
}

// namedFiles returns the files that other settings name.
func (s settings) namedFiles() (all []string) {
	for _, flag := range []string{"params-file", "secret-file"} {
		for _, v := range s.all(flag) {
			all = append(all, v.text)
		}
	}
	for _, v := range s.all("secret") {
		if _, value, _ := strings.Cut(v.text, "="); strings.HasPrefix(value, "@") {
			all = append(all, value[1:])
		}
	}
	return all
}

// run runs until the user or the system interrupts it.
func (w *watch) run(ctx context.Context) error {
	signals := w.app.signals()
	for {
		watcher, err := local.NewWatcher(w.inputs...)
		if err != nil {
			return exitError{exitEngine, fmt.Errorf("watch files: %w (run without --watch)", err)}
		}
		err = w.round(ctx, watcher)
		code, coded := errors.AsType[exitError](err)
		ended := coded && code.code > exitSignal
		select {
		case by := <-signals: // a change may have canceled the run first
			if !ended {
				err = exitError{interrupt{by}.code(), nil}
			}
			ended = true
		default:
		}
		if ended {
			watcher.Close()
			return err
		}
		if err != nil && (!coded || code.err != nil) {
			w.app.complain(err)
		}
		if w.changed == nil {
			_, _ = fmt.Fprintln(w.app.Err, "ktask: waiting for a change (^C ends it)")
			err = w.wait(ctx, watcher, signals)
		}
		watcher.Close()
		if w.changed == nil {
			return err
		}
		w.clear()
	}
}

// wait waits for a change. If the user or the system ends that, it returns an error with the exit code.
func (w *watch) wait(ctx context.Context, watcher *local.Watcher, signals <-chan os.Signal) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	done := make(chan struct{})
	go func() {
		defer close(done)
		for len(w.changed) == 0 && ctx.Err() == nil {
			w.changed = w.counted(watcher.Next(ctx))
		}
	}()
	select {
	case by := <-signals:
		cancel()
		<-done
		w.changed = nil
		return exitError{interrupt{by}.code(), nil}
	case <-done:
		return nil
	}
}

// mounted are the sources of a plan's mounts, and those of them that tasks can write to.
type mounted struct{ all, writable []string }

// round runs what has to run. If something changes meanwhile, it cancels that, and w.changed is set. What tasks may write
// themselves does not count while they run.
func (w *watch) round(ctx context.Context, watcher *local.Watcher) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	before := w.changed
	w.changed = nil
	done, planned := make(chan error, 1), make(chan mounted, 1)
	go func() {
		done <- w.once(ctx, func(p plan.Plan) plan.Plan {
			m := mountsOf(p)
			if err := watcher.Add(m.all...); err != nil {
				_, _ = fmt.Fprintf(w.app.Err, "ktask: not all of the mounted sources is watched: %v\n", err)
			}
			planned <- m
			return w.choose(p, before)
		}, w.after)
	}()
	changes, last := make(chan []string), make(chan []string, 1)
	watching, stop := context.WithCancel(ctx)
	defer stop()
	go func() {
		for {
			found := watcher.Next(watching)
			select {
			case changes <- found:
			case <-watching.Done():
				last <- found
				return
			}
		}
	}()
	var own []string
	note := func(found []string) {
		found = slices.DeleteFunc(w.counted(found), func(name string) bool { return within(own, name) })
		if len(found) > 0 {
			w.changed = append(w.changed, found...)
			cancel(errChanged)
		}
	}
	for {
		select {
		case err := <-done:
			if len(planned) > 0 {
				m := <-planned
				w.mounts, own = m.all, m.writable
			}
			stop()
			note(<-last) // what was not reported yet
			return err
		case m := <-planned:
			w.mounts, own = m.all, m.writable
		case found := <-changes:
			note(found)
		}
	}
}

func mountsOf(p plan.Plan) (m mounted) {
	for _, t := range p.Tasks {
		for _, mount := range t.Container.Mounts {
			m.all = append(m.all, mount.Source)
			if !mount.ReadOnly {
				m.writable = append(m.writable, mount.Source)
			}
		}
	}
	return m
}

// counted returns the changes of what is read: in directories of manifests nothing else is, and reports and logs are only written.
func (w *watch) counted(changed []string) []string {
	named := func(file string) func(string) bool {
		return func(input string) bool { return local.Resolved(input) == file }
	}
	return slices.DeleteFunc(changed, func(name string) bool {
		manifest := slices.Contains([]string{".yaml", ".yml", ".json"}, filepath.Ext(name))
		return within(w.outputs, name) || !manifest && !slices.ContainsFunc(w.inputs, named(name)) && !within(w.mounts, name)
	})
}

func within(dirs []string, name string) bool {
	return slices.ContainsFunc(dirs, func(dir string) bool {
		_, ok := local.Within(local.Resolved(dir), name)
		return ok
	})
}

// choose returns the plan with the tasks that changes affect or that have not finished. The stages of a deployment depend on each
// other, so all of them run.
func (w *watch) choose(p plan.Plan, changed []string) plan.Plan {
	now, affected := map[string]plan.Task{}, map[string]bool{}
	for _, t := range p.Tasks {
		now[t.Name] = t
		before, known := w.last[t.Name]
		mounted := slices.ContainsFunc(t.Container.Mounts, func(m plan.Mount) bool {
			return slices.ContainsFunc(changed, func(name string) bool { return within([]string{m.Source}, name) })
		})
		if !known || mounted || w.unfinished[t.Name] || !local.SameTask(before, t) {
			affected[t.Name] = true
		}
	}
	w.last, w.unfinished = now, affected
	if len(p.Stages) == 0 || len(affected) == 0 {
		p.Tasks = slices.DeleteFunc(slices.Clone(p.Tasks), func(t plan.Task) bool { return !affected[t.Name] })
	}
	if len(p.Tasks) == 0 {
		p.Stages = nil
		_, _ = fmt.Fprintln(w.app.Err, "ktask: the change affects no task")
	}
	return p
}

// after notes how a run ended.
func (w *watch) after(r engine.Result) {
	number := map[engine.Status]int{}
	for _, t := range r.Tasks {
		number[t.Status]++
		if t.Status != engine.Canceled {
			delete(w.unfinished, t.Name)
		}
	}
	var parts []string
	for _, s := range []engine.Status{engine.Passed, engine.Failed, engine.TimedOut, engine.Errored, engine.Canceled} {
		if number[s] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", number[s], s))
		}
	}
	if parts != nil {
		w.summary = strings.Join(parts, ", ")
	}
}

// clear begins the next run on an empty screen, with the last result on top.
func (w *watch) clear() {
	if w.app.ErrTerminal && w.app.OutTerminal {
		_, _ = fmt.Fprint(w.app.screen, "\x1b[2J\x1b[H")
	}
	names := make([]string, len(w.changed))
	for i, name := range w.changed {
		names[i] = filepath.Base(name)
	}
	if len(names) > 3 {
		names = append(names[:3], fmt.Sprintf("%d more", len(names)-3))
	}
	last := ""
	if w.summary != "" {
		last = " (last run: " + w.summary + ")"
	}
	_, _ = fmt.Fprintf(w.app.Err, "ktask: changed: %s%s\n", strings.Join(names, ", "), last)
}
