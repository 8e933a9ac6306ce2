//go:build unix

package tasktest

import (
	"errors"
	"syscall"

	"golang.org/x/sys/unix"
)

// shared lets several sockets listen on the same address and port.
func shared(_, _ string, c syscall.RawConn) error {
	var failed error
	err := c.Control(func(fd uintptr) { failed = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEPORT, 1) })
	return errors.Join(err, failed)
}
