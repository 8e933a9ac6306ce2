package command

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/ktask/ktask/engine/plan"
	"github.com/ktask/ktask/local"
	"github.com/ktask/ktask/resolve"
)

// mounts reads --mount.
func (s settings) mounts(o *resolve.Options) error {
	for _, v := range s.all("mount") {
		m := plan.Mount{Origin: v.origin}
		text, readOnly := strings.CutSuffix(v.text, ":ro")
		var ok bool
		if m.Source, m.Target, ok = splitMount(text); !ok {
			return v.wrong("SRC:DST[:ro] with an absolute DST")
		}
		m.ReadOnly = readOnly
		if !plan.IsPlainPath(m.Source) || !plan.IsPlainPath(m.Target) {
			return v.wrong("paths without commas, quotes and control characters, which engines may read as options of the mount")
		}
		if strings.HasPrefix(m.Source, ".") || !strings.ContainsAny(m.Source, `/\`) {
			dir, err := os.Getwd()
			if err != nil {
				return fmt.Errorf("find the current directory: %w", err)
			}
			m.Source = filepath.Join(dir, m.Source)
		}
		for _, other := range o.Mounts {
			for _, pair := range [][2]plan.Mount{{m, other}, {other, m}} {
				if outer, inner := pair[0], pair[1]; !outer.ReadOnly && below(outer.Source, inner.Source) {
					return v.failed(fmt.Errorf("%q is inside of %q, which the task can write to: it could replace it with a link to any directory (mount %q alone, or read-only)",
						inner.Source, outer.Source, outer.Source))
				}
			}
		}
		o.Mounts = append(o.Mounts, m)
	}
	return nil
}

// below reports whether a path is inside of a directory, by its text or after resolving links, and is not the directory
// itself.
func below(dir, path string) bool {
	inside := func(dir, path string) bool {
		rel, ok := local.Within(dir, path)
		return ok && rel != "."
	}
	realDir, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return inside(dir, path) // it is on another machine, or does not exist
	}
	realPath, err := filepath.EvalSymlinks(path)
	return inside(dir, path) || err == nil && inside(realDir, realPath)
}

// splitMount parses SRC:DST[:rw].
func splitMount(text string) (source, target string, ok bool) {
	text = strings.TrimSuffix(text, ":rw")
	i := strings.LastIndex(text, ":") // a Windows source has a colon of its own
	if i < 1 || !strings.HasPrefix(text[i+1:], "/") {
		return "", "", false
	}
	return text[:i], text[i+1:], true
}
