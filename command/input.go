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

// stdinName is what problems on standard input are said to be in.
const stdinName = "<stdin>"

// pathArguments is the usage of the arguments of a command that reads manifests.
const pathArguments = "PATH..."

// paths are the arguments, or those of the configuration file.
func (s settings) paths() ([]string, error) {
	if len(s.args) > 0 {
		return s.args, nil
	}
	if paths := s.file["paths"].Values; len(paths) > 0 {
		return paths, nil
	}
	return nil, usagef("name a manifest, a directory or - for standard input (ktask %s PATH...)", s.command)
}

// read reads the manifests that paths name: files as they are, directories with every .yaml, .yml and .json
// below them, - for standard input. A file that two paths reach is read once. The problems are of the files in
// directories that are left out.
func (app App) read(paths []string) ([]spec.File, spec.Problems, error) {
	r := reader{app: app, seen: map[string]bool{}}
	for _, path := range paths {
		if err := r.path(path); err != nil {
			return nil, nil, exitError{exitUsage, err}
		}
	}
	return r.files, append(r.problems, r.limit.Exceeded(spec.Pos{})...), nil
}

// maxTotal bounds all files of a command, in bytes.
const maxTotal = 1 << 30

type reader struct {
	app      App
	files    []spec.File
	problems spec.Problems
	limit    spec.ProblemLimit
	seen     map[string]bool
	total    int
}

func (r *reader) path(path string) error {
	if path == "-" {
		data, err := readAll(r.app.In, maxInput, 0)
		if err != nil {
			return fmt.Errorf("standard input: %w", err)
		}
		r.files = append(r.files, spec.File{Name: stdinName, Data: data, Named: true})
		return nil
	}
	info, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("%s: %w", path, withoutPath(err))
	}
	if !info.IsDir() {
		return r.file(path, true)
	}
	return r.directory(path)
}

func (r *reader) directory(path string) error {
	root := path + string(filepath.Separator) // so that a link to a directory is walked, too
	real, err := filepath.EvalSymlinks(root)
	if err != nil {
		return fmt.Errorf("%s: %w", path, withoutPath(err))
	}
	found := false
	err = filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return fmt.Errorf("%s: %w", name, withoutPath(err))
		}
		hidden := strings.HasPrefix(entry.Name(), ".") && name != root
		switch {
		case entry.IsDir() && hidden:
			return fs.SkipDir // .git, .github: not what a directory of manifests holds
		case entry.IsDir() || hidden || !slices.Contains([]string{".yaml", ".yml", ".json"}, filepath.Ext(name)):
			return nil
		}
		found = true
		if left := leftAlone(real, name, entry.Type()); left != nil {
			left.Pos.File = filepath.ToSlash(filepath.Clean(name))
			if r.limit.Add(left.Severity) {
				r.problems = append(r.problems, *left)
			}
			return nil
		}
		return r.file(name, false)
	})
	if err == nil && !found {
		return fmt.Errorf("directory %s holds no .yaml, .yml or .json file", path)
	}
	return err
}

// leftAlone says why a file found below the directory root is not read, or returns nil. What is no file does not end the
// reading of its directory. A link may lead to any file of the user's, a Secret for another project among them, and
// whoever wrote the directory has not been given that.
func leftAlone(root, name string, kind fs.FileMode) *spec.Problem {
	warning := func(remedy, format string, args ...any) *spec.Problem {
		return &spec.Problem{Severity: spec.Warning, Rule: "not-read", Message: fmt.Sprintf(format, args...), Remedy: remedy}
	}
	if kind.IsRegular() {
		return nil
	}
	if kind&fs.ModeSymlink == 0 {
		return warning("", "%s is not read", kindOfFile(kind))
	}
	target, err := filepath.EvalSymlinks(name)
	if err != nil {
		return warning("remove it or name another target", "a link that leads nowhere: %v", withoutPath(err))
	}
	if _, below := within(root, target); !below {
		return warning("name it as an argument to read it", "a link that leads out of the directory is not followed")
	}
	info, err := os.Stat(target)
	switch {
	case err != nil:
		return warning("", "a link that cannot be followed: %v", withoutPath(err))
	case info.IsDir():
		return warning("name it as an argument to read it", "a link to a directory is not followed")
	case !info.Mode().IsRegular():
		return warning("", "a link to %s is not followed", kindOfFile(info.Mode()))
	}
	return nil
}

// within returns the path of name relative to dir, and whether it lies in it. Both are without links.
func within(dir, name string) (rel string, ok bool) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", false
	}
	if name, err = filepath.Abs(name); err != nil {
		return "", false
	}
	rel, err = filepath.Rel(dir, name)
	return rel, err == nil && filepath.IsLocal(rel)
}

func (r *reader) file(name string, named bool) error {
	if real, err := filepath.EvalSymlinks(name); err == nil {
		if real, err = filepath.Abs(real); err == nil {
			if r.seen[real] {
				return nil
			}
			r.seen[real] = true
		}
	}
	data, err := readRegular(name, maxInput)
	switch {
	case errors.Is(err, errIrregular):
		return fmt.Errorf("%s: %w (pipe the manifests in: ... | ktask run -)", name, err)
	case err != nil:
		return fmt.Errorf("%s: %w", name, err)
	}
	if r.total += len(data); r.total > maxTotal {
		return fmt.Errorf("%s: with this file the manifests are over %d MiB, which is too large (name fewer files)", name, maxTotal>>20)
	}
	r.files = append(r.files, spec.File{Name: filepath.ToSlash(filepath.Clean(name)), Data: data, Named: named})
	return nil
}
