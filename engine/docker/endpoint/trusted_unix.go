//go:build unix

package endpoint

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// CheckSocket returns an error if a user other than root and this one may have made the socket, or may replace it: an engine
// sees the secrets of the tasks and answers what it likes.
func CheckSocket(path string) error {
	path, err := filepath.EvalSymlinks(path)
	if err != nil {
		return withoutPath(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		return withoutPath(err)
	}
	if info.Mode()&fs.ModeSocket == 0 {
		return fmt.Errorf("not a socket")
	}
	owned := ours(info)
	for dir := filepath.Dir(path); ; dir = filepath.Dir(dir) {
		info, err := os.Stat(dir)
		if err != nil {
			return withoutPath(err)
		}
		open := info.Mode().Perm()&0o022 != 0
		switch {
		case !ours(info):
			return fmt.Errorf("%s belongs to another user", dir)
		case info.Mode()&fs.ModeSticky == 0 && info.Mode().Perm()&0o002 != 0:
			return fmt.Errorf("every user can write to %s", dir)
		case open && !owned:
			return fmt.Errorf("it belongs to another user, and other users can write to %s", dir)
		}
		if dir == filepath.Dir(dir) {
			return nil
		}
		owned = true // a directory of root or this user
	}
}

// ours reports whether a file belongs to root or this user.
func ours(info fs.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && (stat.Uid == 0 || int64(stat.Uid) == int64(os.Geteuid()))
}
