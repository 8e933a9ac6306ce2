//go:build unix

package owner

import (
	"io/fs"
	"os"
	"syscall"
)

// own reports whether a file is this user's, and closed to all others.
func own(info fs.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(stat.Uid) == os.Geteuid() && info.Mode().Perm()&0o077 == 0
}
