package local

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/ktask/ktask/spec"
)

// Files are the content of manifests, and problems with files in directories that were not read.
type Files struct {
	Files   []spec.File
	NotRead spec.Problems
	// Untracked are the files in directories that were not read because git does not track them.
	Untracked []string
	// Left are the files and directories that were left out because git ignores them, or because of Reading.Exclude, or as the
	// dependencies of a program.
	Left []string
}

// Reading says how manifests are read.
type Reading struct {
	// In is what "-" names.
	In io.Reader
	// Tracked limits directories to the files that git tracks, as they are in the work tree. It is an error if a directory is in no
	// work tree of git.
	Tracked bool
	// Exclude reports whether a file or directory below a directory is left out. It may be nil.
	Exclude func(path string) bool
}

// ReadFiles reads the manifests that paths name, see Reading.Files.
func ReadFiles(paths []string, in io.Reader) (Files, error) { return Reading{In: in}.Files(paths) }

// Files reads the manifests that paths name: files, the .yaml, .yml and .json files below directories, and "-" for In. A file that two
// paths name is read once. Only regular files of limited size are read, and in a directory no link that leads out of it. Below a
// directory, hidden files, node_modules, vendor and what git ignores are left out; git is run if the directory is in a repository.
func (o Reading) Files(paths []string) (Files, error) { return reader{Reading: o}.read(paths) }

func (r reader) read(paths []string) (Files, error) {
	r.seen = map[string]bool{}
	for _, path := range paths {
		if err := r.path(path); err != nil {
			return Files{}, err
		}
	}
	return Files{r.files, append(r.problems, r.limit.Exceeded(spec.Pos{})...), r.untracked, r.left}, nil
}

// maxTotal is the size limit of all files of a command, in bytes.
const maxTotal = 1 << 30

type reader struct {
	Reading
	files     []spec.File
	problems  spec.Problems
	limit     spec.ProblemLimit
	seen      map[string]bool
	total     int
	untracked []string
	left      []string
}

func (r *reader) path(path string) error {
	if path == "-" {
		data, err := readAll(r.In, MaxManifest, 0)
		if err != nil {
			return fmt.Errorf("standard input: %w", err)
		}
		r.files = append(r.files, spec.File{Name: spec.Stdin, Data: data, Named: true})
		return nil
	}
	info, err := os.Stat(path)
	if err != nil {
		if link, lstatErr := os.Lstat(path); lstatErr == nil && link.Mode()&fs.ModeSymlink != 0 {
			return fmt.Errorf("%s: a link that leads nowhere: %w", path, WithoutPath(err))
		}
		return fmt.Errorf("%s: %w", path, WithoutPath(err))
	}
	if !info.IsDir() {
		return r.file(path, true)
	}
	return r.directory(path)
}

// leave records that a file or a directory found below a directory is not read. The rest of the directory is.
func (r *reader) leave(name string, left spec.Problem) {
	left.Pos.File = filepath.ToSlash(filepath.Clean(name))
	if r.limit.Add(left.Severity) {
		r.problems = append(r.problems, left)
	}
}

// isManifest reports whether a file found in a directory is a manifest, by its name.
func isManifest(name string) bool {
	return slices.Contains([]string{".yaml", ".yml", ".json"}, filepath.Ext(name))
}

// isTemplate reports whether a file is below the templates of a Helm chart.
func isTemplate(name string) bool {
	for dir := filepath.Dir(name); dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		if filepath.Base(dir) == "templates" {
			_, err := os.Stat(filepath.Join(filepath.Dir(dir), "Chart.yaml"))
			return err == nil
		}
	}
	return false
}

// manifests reads the files of a directory, without the patches of its kustomizations.
func (r *reader) manifests(names []string, all kustomizations) error {
	for _, p := range all.warnings() {
		if r.limit.Add(p.Severity) {
			r.problems = append(r.problems, p)
		}
	}
	patches := all.patches()
	for _, name := range names {
		if patches[name] || isKustomization(name) {
			continue
		}
		before := len(r.files)
		if err := r.file(name, false); err != nil {
			return err
		}
		for i := range r.files[before:] {
			r.files[before+i].Kustomization, r.files[before+i].Template = all.of(name), isTemplate(name)
		}
	}
	return nil
}

// notRead returns the warning about a file that is not read.
func notRead(remedy, format string, args ...any) spec.Problem {
	return spec.Problem{Severity: spec.Warning, Rule: "not-read", Message: fmt.Sprintf(format, args...), Remedy: remedy}
}

// unreadable returns the warning about a file or a directory that cannot be read.
func unreadable(err error) spec.Problem {
	remedy := "move it elsewhere if it holds no manifests"
	if errors.Is(err, fs.ErrPermission) {
		remedy = "let your user read it, or " + remedy
	}
	return notRead(remedy, "cannot be read: %v", WithoutPath(err))
}

// leftAlone returns why a file found below the directory root is not read, or nil. What is not a regular file does not stop
// the reading of its directory. A link could lead to any file of the user's, such as a Secret of another project, which the
// author of the directory must not get.
func leftAlone(root, name string, kind fs.FileMode) *spec.Problem {
	warning := func(remedy, format string, args ...any) *spec.Problem {
		p := notRead(remedy, format, args...)
		return &p
	}
	if kind.IsRegular() {
		return nil
	}
	if kind&fs.ModeSymlink == 0 {
		return warning("", "%s is not read", kindOfFile(kind))
	}
	target, err := filepath.EvalSymlinks(name)
	if err != nil {
		if _, statErr := os.Stat(name); statErr != nil {
			err = statErr // clearer for links that lead to each other
		}
		return warning("remove it or name another target", "a link that leads nowhere: %v", WithoutPath(err))
	}
	if _, below := Within(root, target); !below {
		return warning("name it as an argument to read it", "a link that leads out of the directory is not followed")
	}
	info, err := os.Stat(target)
	switch {
	case err != nil:
		return warning("", "a link that cannot be followed: %v", WithoutPath(err))
	case info.IsDir():
		return warning("name it as an argument to read it", "a link to a directory is not followed")
	case !info.Mode().IsRegular():
		return warning("", "a link to %s is not followed", kindOfFile(info.Mode()))
	}
	return nil
}

// Within returns the path of name relative to dir, and reports whether it is in dir. Both must have no links.
func Within(dir, name string) (rel string, ok bool) {
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
	data, err := ReadFile(name, MaxManifest)
	switch {
	case err != nil && !named:
		r.leave(name, unreadable(err))
		return nil
	case errors.Is(err, ErrIrregular):
		return fmt.Errorf("%s: %w (pipe the manifests in: ... | ktask run -)", name, err)
	case err != nil:
		return fmt.Errorf("%s: %w", name, err)
	}
	if r.total += len(data); r.total > maxTotal {
		return fmt.Errorf("%s: with this file the manifests are over %d MiB, which is too large (name fewer files)", name, maxTotal>>20)
	}
	_, err = os.Stat(filepath.Join(filepath.Dir(name), "Chart.yaml"))
	r.files = append(r.files, spec.File{Name: filepath.ToSlash(filepath.Clean(name)), Data: data, Named: named, InChart: err == nil})
	return nil
}
