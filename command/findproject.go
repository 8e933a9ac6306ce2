package command

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/ktask/ktask/spec"
)

// configFile is the name of a project's settings. The other name is for those who are used to it.
const (
	configFile      = ".ktask.yaml"
	otherConfigFile = ".ktask.yml"
)

// found is a file of settings that was looked for.
type found struct {
	// dir is the directory of the file, relative to the current one, and base the name of the file in it.
	dir, base string
	// foreign is set if the file belongs to another user, so its settings do not count.
	foreign bool
}

// name returns the name of the file for messages.
func (f found) name() string { return filepath.Join(f.dir, f.base) }

// findProject finds the settings that count in the current directory: those in it, or else in the nearest directory above it up to
// the root of its repository. The error is fs.ErrNotExist if there are none.
//
// Outside of a repository, and above its root, nothing is looked for: the user does not work there. A file above the current directory
// must belong to this user or to the owner of the current directory, who could have put it here.
func findProject() (found, error) {
	here, err := os.Getwd()
	if err != nil {
		return found{}, fmt.Errorf("find the current directory: %w", err)
	}
	if here, err = filepath.EvalSymlinks(here); err != nil {
		return found{}, fmt.Errorf("find the current directory: %w", err)
	}
	rel := "."
	for dir := here; ; dir, rel = filepath.Dir(dir), filepath.Join("..", rel) {
		f, err := projectIn(rel)
		if !errors.Is(err, fs.ErrNotExist) {
			if err == nil && dir != here {
				f.foreign = !ownedLike(here, dir, filepath.Join(dir, f.base))
			}
			return f, err
		}
		if !belowRoot(dir) {
			return found{}, fs.ErrNotExist
		}
	}
}

// belowRoot reports whether a directory is in a repository of git and not its root.
func belowRoot(dir string) bool {
	if exists(filepath.Join(dir, ".git")) {
		return false
	}
	for parent := filepath.Dir(dir); ; parent = filepath.Dir(parent) {
		if exists(filepath.Join(parent, ".git")) {
			return true
		}
		if parent == filepath.Dir(parent) {
			return false
		}
	}
}

// projectIn returns the settings in a directory.
func projectIn(dir string) (found, error) {
	var there []string
	for _, base := range []string{configFile, otherConfigFile} {
		if _, err := os.Lstat(filepath.Join(dir, base)); err == nil {
			there = append(there, base)
		}
	}
	switch len(there) {
	case 0:
		return found{dir: dir, base: configFile}, fs.ErrNotExist
	case 1:
		return found{dir: dir, base: there[0]}, nil
	}
	return found{}, fmt.Errorf("%s and %s are both there: remove one of them", filepath.Join(dir, there[0]), filepath.Join(dir, there[1]))
}

// rebased returns a setting whose relative paths, which are relative to the file's directory, are relative to the current one.
func rebased(setting spec.Setting, dir string) spec.Setting {
	if dir == "" || dir == "." {
		return setting
	}
	values := make([]string, len(setting.Values))
	for i, text := range setting.Values {
		values[i] = rebasedValue(setting.Key, text, dir)
	}
	setting.Values = values
	return setting
}

func rebasedValue(key, text, dir string) string {
	switch {
	case slices.Contains(pathKeys, key):
		return rebasedPath(text, dir)
	case key == "secret":
		return rebasedSecret(text, dir)
	case key == "mount":
		source, _, ok := splitMount(strings.TrimSuffix(text, ":ro"))
		if ok && (strings.HasPrefix(source, ".") || !strings.ContainsAny(source, `/\`)) { // as mounts reads it
			return rebasedPath(source, dir) + strings.TrimPrefix(text, source)
		}
	}
	return text
}

// rebasedSecret returns NAME[/KEY]=VALUE with the file of a VALUE like @FILE relative to the current directory.
func rebasedSecret(text, dir string) string {
	ref, word, _ := strings.Cut(text, "=")
	if file, ok := strings.CutPrefix(word, "@"); ok {
		return ref + "=@" + rebasedPath(file, dir)
	}
	return text
}

func rebasedPath(name, dir string) string {
	if name == "" || name == "-" || filepath.IsAbs(name) || dir == "" || dir == "." {
		return name
	}
	return filepath.Join(dir, name)
}
