//go:build unix

package local

import (
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// TestDescriptorsStayHere takes the mark off a descriptor, as one is without it that a process is given.
func TestDescriptorsStayHere(t *testing.T) {
	for name, keep := range map[string]func(){"as the system can": keepDescriptors, "one by one": func() { closeListed("/dev/fd") }} {
		t.Run(name, func(t *testing.T) {
			f, err := os.Open(os.DevNull)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			fd := f.Fd()
			marked := func() bool {
				flags, err := unix.FcntlInt(fd, unix.F_GETFD, 0)
				if err != nil {
					t.Fatal(err)
				}
				return flags&unix.FD_CLOEXEC != 0
			}
			if _, err := unix.FcntlInt(fd, unix.F_SETFD, 0); err != nil || marked() {
				t.Fatalf("the mark stays: %v", err)
			}
			if keep(); !marked() {
				t.Error("a program that is started gets the descriptor")
			}
		})
	}
}
