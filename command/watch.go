package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/ktask/ktask/engine/plan"
	"github.com/ktask/ktask/local"
)

// errChanged cancels a run whose input has changed.
var errChanged = errors.New("its input has changed")

// watch is `run --watch`: it runs the tasks, and again those that a change of their input affects. A change cancels what runs.
type watch struct {
	app  App
	once func(ctx context.Context, choose func(plan.Plan) plan.Plan) error
	// inputs are the files and directories that are read, and mounts the sources of mounts.
	inputs, mounts []string
	// outputs are the files and directories that the run itself writes.
	outputs []string

	// streams are the files that the output of the run goes to.
	streams []os.FileInfo
	tasks   taskChoice
	// changed are the files that have changed since the last run.
	changed []string
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
	for _, stream := range []io.Writer{app.Out, app.screen} {
		if f, ok := stream.(*os.File); ok {
			if info, err := f.Stat(); err == nil {
				w.streams = append(w.streams, info)
			}
		}
	}
	o.after = w.tasks.note
	w.once = func(ctx context.Context, choose func(plan.Plan) plan.Plan) error {
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

// round runs what has to run. If something changes meanwhile, it cancels that, and w.changed is set. What tasks may write
// themselves does not count while they run.
func (w *watch) round(ctx context.Context, watcher *local.Watcher) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	w.tasks.changed = append(w.tasks.changed, w.changed...)
	w.changed = nil
	done, planned := make(chan error, 1), make(chan mounted, 1)
	go func() {
		done <- w.once(ctx, func(p plan.Plan) plan.Plan {
			m := mountsOf(p)
			if err := watcher.Add(m.all...); err != nil {
				_, _ = fmt.Fprintf(w.app.Err, "ktask: not all of the mounted sources is watched: %v\n", err)
			}
			planned <- m
			p = w.tasks.choose(p)
			if len(p.Tasks) == 0 {
				_, _ = fmt.Fprintln(w.app.Err, "ktask: the change affects no task")
			}
			return p
		})
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

// counted returns the changes of what is read. In directories of manifests nothing else is, and reports, logs and the files that
// output goes to are only written. A directory that was moved away may have had manifests.
func (w *watch) counted(changed []string) []string {
	return slices.DeleteFunc(changed, func(name string) bool {
		manifest := slices.Contains([]string{".yaml", ".yml", ".json"}, filepath.Ext(name)) || os.IsPathSeparator(name[len(name)-1])
		named := slices.ContainsFunc(w.inputs, func(input string) bool { return local.Resolved(input) == name })
		return within(w.outputs, name) || w.streamsTo(name) || !manifest && !named && !within(w.mounts, name)
	})
}

// streamsTo reports whether the output of the run goes to a file.
func (w *watch) streamsTo(name string) bool {
	info, err := os.Stat(name)
	return err == nil && slices.ContainsFunc(w.streams, func(stream os.FileInfo) bool { return os.SameFile(stream, info) })
}

func within(dirs []string, name string) bool {
	return slices.ContainsFunc(dirs, func(dir string) bool {
		_, ok := local.Within(local.Resolved(dir), name)
		return ok
	})
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
	if w.tasks.summary != "" {
		last = " (last run: " + w.tasks.summary + ")"
	}
	_, _ = fmt.Fprintf(w.app.Err, "ktask: changed: %s%s\n", strings.Join(names, ", "), last)
}
