//go:build unix

package command

import (
	"os"
	"syscall"
)

// ownedLike reports whether files belong to this user or to the owner of a directory.
func ownedLike(dir string, names ...string) bool {
	owner := func(name string) int64 {
		info, err := os.Lstat(name)
		if err != nil {
			return -1
		}
		stat, ok := info.Sys().(*syscall.Stat_t)
		if !ok {
			return -1
		}
		return int64(stat.Uid)
	}
	like := owner(dir)
	for _, name := range names {
		if uid := owner(name); uid < 0 || uid != int64(os.Geteuid()) && uid != like {
			return false
		}
	}
	return true
}
