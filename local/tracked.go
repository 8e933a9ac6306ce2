package local

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// trackedIn returns the files that git tracks below a directory, and in its submodules, by their clean paths.
func trackedIn(dir string) (map[string]bool, error) {
	files, err := filesOfGit(dir)
	if failed, ok := errors.AsType[*exec.ExitError](err); ok {
		err = errors.New(string(bytes.TrimSpace(failed.Stderr)))
	}
	if err != nil {
		return nil, fmt.Errorf("%s: list the files that git tracks: %w", dir, err)
	}
	tracked := map[string]bool{}
	for _, name := range files {
		tracked[filepath.Join(dir, name)] = true
	}
	return tracked, nil
}

// filesOfGit returns the files that git tracks below a directory, relative to it.
//
// In a hook, git sets variables that name the repository and the index of the commit, and are right in the current directory
// alone. So git runs there for what is below it, and elsewhere without these variables.
func filesOfGit(dir string) ([]string, error) {
	here, err := filepath.EvalSymlinks(".")
	if err != nil {
		return nil, err
	}
	there, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return nil, err
	}
	below, isBelow := Within(here, there)
	if hook := os.Getenv("GIT_DIR") + os.Getenv("GIT_INDEX_FILE"); hook == "" || !isBelow {
		cmd := listFiles("-C", dir)
		cmd.Env = slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "GIT_") })
		out, err := cmd.Output()
		return lines(out), err
	}
	cmd := listFiles()
	cmd.Args = append(cmd.Args, "--", ":(literal)"+below)
	out, err := cmd.Output()
	var files []string
	for _, name := range lines(out) {
		if rel, err := filepath.Rel(below, name); err == nil {
			files = append(files, rel)
		}
	}
	return files, err
}

// listFiles returns the command that lists the files that git tracks.
func listFiles(options ...string) *exec.Cmd {
	// A repository's setting core.fsmonitor can name a program, which git would run.
	options = append(options, "-c", "core.fsmonitor=false")
	return exec.Command("git", append(options, "ls-files", "-z", "--cached", "--recurse-submodules")...)
}

// lines returns file names that each end with a NUL byte.
func lines(out []byte) []string {
	var all []string
	for name := range strings.SplitSeq(strings.TrimSuffix(string(out), "\x00"), "\x00") {
		all = append(all, filepath.FromSlash(name))
	}
	return all
}
