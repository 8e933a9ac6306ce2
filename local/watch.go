package local

import (
	"context"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"sync"
	"time"

	"github.com/fsnotify/fsnotify"

	"github.com/ktask/ktask/engine/plan"
)

// Watcher reports changes of files and of what is below directories. It does not look into .git and node_modules.
// It is safe for concurrent use.
type Watcher struct {
	events *fsnotify.Watcher
	mu     sync.Mutex
	// files and directories are absolute.
	files, directories []string
	// watched are the directories that the system watches.
	watched map[string]bool
}

// unwatched are the names of directories that a Watcher does not look into.
var unwatched = []string{".git", "node_modules"}

// settled is how long nothing changes before a change is reported: an editor writes a file in several steps.
const settled = 100 * time.Millisecond

// NewWatcher watches paths, of which some need not exist. The caller closes it.
func NewWatcher(paths ...string) (*Watcher, error) {
	events, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, err
	}
	w := &Watcher{events: events, watched: map[string]bool{}}
	if err := w.Add(paths...); err != nil {
		_ = events.Close()
		return nil, err
	}
	return w, nil
}

// Add watches further paths.
func (w *Watcher) Add(paths ...string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, path := range paths {
		path := Resolved(path)
		if info, err := os.Stat(path); err != nil || !info.IsDir() {
			w.files = append(w.files, path)
			w.near(path)
			continue
		}
		w.directories = append(w.directories, path)
		if err := w.below(path, func(string) {}); err != nil {
			return err
		}
	}
	return nil
}

// near watches the directory of a file, since a file that is replaced is another one. If that directory does not exist, it watches
// the nearest one above it. The caller holds w.mu.
func (w *Watcher) near(file string) {
	for last, dir := "", existing(filepath.Dir(file)); dir != last; last, dir = dir, existing(filepath.Dir(file)) {
		w.watched[dir] = true
		_ = w.events.Add(dir) // what cannot be watched does not change
	}
}

// existing returns the directory, or the nearest one above it that exists.
func existing(dir string) string {
	info, err := os.Stat(dir)
	if above := filepath.Dir(dir); (err != nil || !info.IsDir()) && above != dir {
		return existing(above)
	}
	return dir
}

// returned watches the files below a directory that is new, and returns those that exist.
func (w *Watcher) returned(dir string) (files []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, file := range w.files {
		if _, ok := Within(dir, file); ok && file != dir {
			w.near(file)
			if _, err := os.Lstat(file); err == nil {
				files = append(files, file)
			}
		}
	}
	return files
}

// Resolved returns the absolute path of a file without links, as a Watcher reports it. Neither the file nor its directory need exist.
func Resolved(path string) string {
	if abs, err := filepath.Abs(path); err == nil {
		path = abs
	}
	if target, err := filepath.EvalSymlinks(path); err == nil {
		return target
	}
	if dir := filepath.Dir(path); dir != path {
		return filepath.Join(Resolved(dir), filepath.Base(path))
	}
	return path
}

// mostWatched is how many directories below one are watched: a system counts them, and looking at them takes time.
const mostWatched = 10_000

// below watches a directory and those in it, and calls found for each file in them. The caller holds w.mu.
func (w *Watcher) below(dir string, found func(file string)) error {
	directories := 0
	return filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return nil // it is gone, or not for this user
		case !entry.IsDir():
			found(path)
			return nil
		case path != dir && slices.Contains(unwatched, entry.Name()):
			return fs.SkipDir
		}
		if directories++; directories > mostWatched {
			return fmt.Errorf("%s has more than %d directories", dir, mostWatched)
		}
		w.watched[path] = true
		return w.events.Add(path)
	})
}

// Next waits for changes and returns the absolute paths of what has changed, without repetition. That of a directory that was moved
// away ends with a separator: nothing reports the files in it. If ctx ends, Next returns what it has seen so far, which may be nothing.
func (w *Watcher) Next(ctx context.Context) []string {
	changed := map[string]bool{}
	var quiet <-chan time.Time
	for {
		select {
		case e, ok := <-w.events.Events:
			if !ok {
				return nil
			}
			if e.Has(fsnotify.Create) {
				for _, file := range w.returned(e.Name) {
					changed[file] = true
					quiet = time.After(settled)
				}
			}
			name := w.moved(e)
			if name == e.Name && !w.has(name) || e.Op == fsnotify.Chmod {
				continue
			}
			if info, err := os.Lstat(e.Name); err == nil && info.IsDir() && e.Has(fsnotify.Create) {
				if slices.Contains(unwatched, info.Name()) {
					continue
				}
				// A directory that was moved here is one event. What cannot be watched does not change.
				w.mu.Lock()
				_ = w.below(e.Name, func(file string) { changed[file] = true })
				w.mu.Unlock()
			}
			changed[name] = true
			quiet = time.After(settled)
		case <-w.events.Errors: // more changes than the system counts: some are known
		case <-quiet:
			return slices.Sorted(maps.Keys(changed))
		case <-ctx.Done():
			return slices.Sorted(maps.Keys(changed))
		}
	}
}

// moved returns the name of what an event reports, with a separator at its end if it is a directory that was moved away.
func (w *Watcher) moved(e fsnotify.Event) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	if e.Has(fsnotify.Rename) && w.watched[e.Name] {
		return e.Name + string(filepath.Separator)
	}
	return e.Name
}

func (w *Watcher) has(name string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Contains(w.files, name) || slices.ContainsFunc(w.directories, func(dir string) bool {
		_, ok := Within(dir, name)
		return ok
	})
}

// Close ends the watch.
func (w *Watcher) Close() { _ = w.events.Close() }

// SameTask reports whether two tasks are carried out in the same way, wherever they stand in their files.
func SameTask(a, b plan.Task) bool { return same(reflect.ValueOf(a), reflect.ValueOf(b)) }

var originType = reflect.TypeFor[plan.Origin]()

// same compares values, and leaves out where they come from.
func same(a, b reflect.Value) bool {
	switch a.Kind() {
	case reflect.Struct:
		if a.Type() == originType {
			return true
		}
		for i := range a.NumField() {
			if name := a.Type().Field(i).Name; name != "Line" && !same(a.Field(i), b.Field(i)) {
				return false
			}
		}
		return true
	case reflect.Slice:
		if a.Len() != b.Len() || a.IsNil() != b.IsNil() {
			return false
		}
		for i := range a.Len() {
			if !same(a.Index(i), b.Index(i)) {
				return false
			}
		}
		return true
	case reflect.Map:
		if a.Type().Elem() == originType {
			return true
		}
		if a.Len() != b.Len() {
			return false
		}
		for _, key := range a.MapKeys() {
			if other := b.MapIndex(key); !other.IsValid() || !same(a.MapIndex(key), other) {
				return false
			}
		}
		return true
	case reflect.Pointer:
		return a.IsNil() == b.IsNil() && (a.IsNil() || same(a.Elem(), b.Elem()))
	default: // texts, numbers and booleans
		return a.Equal(b)
	}
}
