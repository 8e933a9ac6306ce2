package local

import (
	"bytes"
	"context"
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
	files, err := filesOfGit(context.Background(), dir, listTracked)
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

// filesOfGit returns the files below a directory that a command lists, relative to it.
//
// In a hook, git sets variables that name the repository and the index of the commit, and are right in the current directory
// alone. So git runs there for what is below it, and elsewhere without these variables.
func filesOfGit(ctx context.Context, dir string, list func(context.Context, ...string) *exec.Cmd) ([]string, error) {
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
		cmd := list(ctx, "-C", dir)
		cmd.Env = safeGit(slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "GIT_") }))
		out, err := cmd.Output()
		return lines(out), err
	}
	cmd := list(ctx)
	cmd.Args, cmd.Env = append(cmd.Args, "--", ":(literal)"+below), safeGit(os.Environ())
	out, err := cmd.Output()
	var files []string
	for _, name := range lines(out) {
		if rel, err := filepath.Rel(below, name); err == nil {
			files = append(files, rel)
		}
	}
	return files, err
}

// listFiles returns the arguments of a git ls-files with options of git.
func listFiles(options []string) []string {
	// The setting core.fsmonitor of a repository can name a program, which git would run. A bare repository among the files of another
	// one would have such settings.
	return append(options, "-c", "core.fsmonitor=false", "-c", "safe.bareRepository=explicit", "ls-files", "-z")
}

func listTracked(ctx context.Context, options ...string) *exec.Cmd {
	return exec.CommandContext(ctx, "git", append(listFiles(options), "--cached", "--recurse-submodules")...)
}

func listIgnored(ctx context.Context, options ...string) *exec.Cmd {
	return exec.CommandContext(ctx, "git", append(listFiles(options), "--others", "--ignored", "--exclude-standard", "--directory")...)
}

// lines returns file names that each end with a NUL byte.
func lines(out []byte) []string {
	var all []string
	if len(out) == 0 {
		return nil
	}
	for name := range strings.SplitSeq(strings.TrimSuffix(string(out), "\x00"), "\x00") {
		all = append(all, filepath.FromSlash(name))
	}
	return all
}
