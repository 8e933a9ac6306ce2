package local

import (
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
)

func (r *reader) directory(path string) error {
	root := path + string(filepath.Separator) // so that a link to a directory is walked, too
	real, err := filepath.EvalSymlinks(root)
	if err != nil {
		return fmt.Errorf("%s: %w", path, WithoutPath(err))
	}
	w := walk{reader: r, path: path, root: root, real: real}
	if r.Tracked {
		if w.tracked, err = trackedIn(path); err != nil {
			return err
		}
	} else {
		w.ignored = ignoredIn(path)
	}
	before := len(r.left)
	err = filepath.WalkDir(root, w.visit)
	switch {
	case err != nil:
		return err
	case !w.found && len(w.others) == 0 && len(r.left) > before:
		return fmt.Errorf("directory %s holds no .yaml, .yml or .json file but what is left out, such as %s (name it to read it)", path, r.left[before])
	case !w.found && len(w.others) == 0 && !r.Tracked: // a repository may have none yet
		return fmt.Errorf("directory %s holds no .yaml, .yml or .json file", path)
	}
	if !w.found && len(r.untracked) > 0 {
		r.leave(path, notRead("git add them", "git tracks none of the manifests here"))
	}
	return r.manifests(w.manifests, readKustomizations(append(w.others, w.manifests...)))
}

// walk looks for manifests below a directory.
type walk struct {
	*reader
	// path is the directory, root is path with a separator at its end, and real is path without links.
	path, root, real string
	tracked, ignored map[string]bool
	// found is set if there are manifests. others are the kustomizations with names that no manifest has.
	found             bool
	manifests, others []string
}

func (w *walk) visit(name string, entry fs.DirEntry, err error) error {
	if err != nil && name == w.root {
		return fmt.Errorf("%s: %w", w.path, WithoutPath(err))
	}
	if name != w.root && w.leavesOut(name, entry) {
		if entry.IsDir() {
			return fs.SkipDir
		}
		return nil
	}
	if err != nil {
		w.found = true // perhaps
		w.leave(name, unreadable(err))
		return nil
	}
	switch {
	case entry.IsDir() || !isManifest(name) && !isKustomization(name):
		return nil
	case w.Tracked && !w.tracked[filepath.Clean(name)]:
		w.untracked = append(w.untracked, name)
		return nil
	case !isManifest(name):
		if entry.Type().IsRegular() {
			w.others = append(w.others, name)
		}
		return nil
	}
	w.found = true
	if left := leftAlone(w.real, name, entry.Type()); left != nil {
		w.reader.leave(name, *left)
		return nil
	}
	w.manifests = append(w.manifests, name)
	return nil
}

// leavesOut reports whether a file or directory is left out without a warning.
func (w *walk) leavesOut(name string, entry fs.DirEntry) bool {
	clean := filepath.Clean(name)
	switch {
	case strings.HasPrefix(entry.Name(), "."): // .git, .github: not what a directory of manifests holds
		return true
	case entry.IsDir() && slices.Contains(dependencies, entry.Name()), w.ignored[clean], w.Exclude != nil && w.Exclude(clean):
		if entry.IsDir() || isManifest(name) {
			w.left = append(w.left, clean)
		}
		return true
	}
	return false
}
