//go:build unix

package local

import (
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// closeListed marks the descriptors above 2 that a directory of the system lists as close-on-exec.
func closeListed(directory string) {
	entries, _ := os.ReadDir(directory) // as many as can be listed
	for _, entry := range entries {
		if fd, err := strconv.Atoi(entry.Name()); err == nil && fd > 2 {
			unix.CloseOnExec(fd)
		}
	}
}
