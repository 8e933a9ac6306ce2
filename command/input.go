package command

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/ktask/ktask/spec"
)

// maxInput bounds what is read of one file, in bytes: more is no manifest.
const maxInput = 256 << 20

// stdinName is what problems on standard input are said to be in.
const stdinName = "<stdin>"

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
// below them, - for standard input. A file that two paths reach is read once.
func (app App) read(paths []string) ([]spec.File, error) {
	r := reader{app: app, seen: map[string]bool{}}
	for _, path := range paths {
		if err := r.path(path); err != nil {
			return nil, exitError{exitUsage, err}
		}
	}
	return r.files, nil
}

type reader struct {
	app   App
	files []spec.File
	seen  map[string]bool
}

func (r *reader) path(path string) error {
	if path == "-" {
		data, err := readAll(r.app.In)
		if err != nil {
			return fmt.Errorf("read standard input: %w", err)
		}
		r.files = append(r.files, spec.File{Name: stdinName, Data: data, Named: true})
		return nil
	}
	info, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("read manifests: %w", err)
	}
	if !info.IsDir() {
		return r.file(path, true)
	}
	before := len(r.files)
	root := path + string(filepath.Separator) // so that a link to a directory is walked, too
	err = filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		hidden := strings.HasPrefix(entry.Name(), ".") && name != root
		switch {
		case entry.IsDir() && hidden:
			return fs.SkipDir // .git, .github: not what a directory of manifests holds
		case !entry.Type().IsRegular() && entry.Type()&fs.ModeSymlink == 0:
			return nil // a pipe would be waited for
		case entry.IsDir() || hidden || !slices.Contains([]string{".yaml", ".yml", ".json"}, filepath.Ext(name)):
			return nil
		}
		return r.file(name, false)
	})
	if err != nil {
		return fmt.Errorf("read manifests: %w", err)
	}
	if len(r.files) == before {
		return fmt.Errorf("directory %s holds no .yaml, .yml or .json file", path)
	}
	return nil
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
	f, err := os.Open(name)
	if err != nil {
		return fmt.Errorf("read manifests: %w", err)
	}
	defer f.Close()
	data, err := readAll(f)
	if err != nil {
		return fmt.Errorf("read %s: %w", name, err)
	}
	r.files = append(r.files, spec.File{Name: filepath.ToSlash(filepath.Clean(name)), Data: data, Named: named})
	return nil
}

func readAll(from io.Reader) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(from, maxInput+1))
	if err == nil && len(data) > maxInput {
		return nil, fmt.Errorf("over %d MiB, which is no manifest", maxInput>>20)
	}
	return data, err
}
