package local

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// ignoreWithin is how long git may take to list what it ignores.
const ignoreWithin = 10 * time.Second

// dependencies are the names of directories that hold what others have written, which may have manifests.
var dependencies = []string{"node_modules", "vendor"}

// ignoredIn returns the files and directories that git ignores below a directory, by their clean paths. It returns nil if the
// directory is in no repository, if git fails, or if git ignores the directory itself, which its user has named.
func ignoredIn(dir string) map[string]bool {
	if !inRepository(dir) {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), ignoreWithin)
	defer cancel()
	names, err := filesOfGit(ctx, dir, listIgnored)
	if err != nil || slices.ContainsFunc(names, func(name string) bool { return filepath.Clean(name) == "." }) {
		return nil
	}
	ignored := map[string]bool{}
	for _, name := range names {
		ignored[filepath.Join(dir, name)] = true
	}
	return ignored
}

// inRepository reports whether a directory is in a work tree of git. If it is not, git need not be asked.
func inRepository(dir string) bool {
	if os.Getenv("GIT_DIR") != "" {
		return true
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return false
	}
	if dir, err = filepath.EvalSymlinks(dir); err != nil {
		return false
	}
	for {
		if _, err := os.Lstat(filepath.Join(dir, ".git")); err == nil {
			return true
		}
		if dir == filepath.Dir(dir) {
			return false
		}
		dir = filepath.Dir(dir)
	}
}

// safeGit returns the environment of a git that runs no program and opens no connection, whatever the settings of the repository say:
// a file that is missing in a partial clone would be fetched.
func safeGit(environment []string) []string {
	kept := slices.DeleteFunc(slices.Clone(environment), func(v string) bool {
		return strings.HasPrefix(v, "GIT_ALLOW_PROTOCOL=") || strings.HasPrefix(v, "GIT_NO_LAZY_FETCH=")
	})
	return append(kept, "GIT_ALLOW_PROTOCOL=none", "GIT_NO_LAZY_FETCH=1", "GIT_OPTIONAL_LOCKS=0")
}
