package local

import (
	"bytes"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
)

// trackedIn returns the files that git tracks below a directory, and in its submodules, by their clean paths.
func trackedIn(dir string) (map[string]bool, error) {
	// A repository's setting core.fsmonitor can name a program, which git would run.
	cmd := exec.Command("git", "-C", dir, "-c", "core.fsmonitor=false", "ls-files", "-z", "--cached", "--recurse-submodules")
	out, err := cmd.Output()
	if failed, ok := errors.AsType[*exec.ExitError](err); ok {
		err = errors.New(string(bytes.TrimSpace(failed.Stderr)))
	}
	if err != nil {
		return nil, fmt.Errorf("%s: list the files that git tracks: %w", dir, err)
	}
	files := map[string]bool{}
	for name := range strings.SplitSeq(string(out), "\x00") {
		files[filepath.Join(dir, filepath.FromSlash(name))] = true
	}
	return files, nil
}
