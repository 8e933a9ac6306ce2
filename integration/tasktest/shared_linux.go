package tasktest

import (
	"errors"
	"syscall"

	"golang.org/x/sys/unix"
)

// shared lets several sockets listen on the same address and port, and on an address that this machine does not have yet: podman
// makes the gateway of a network when the first container joins it.
func shared(_, _ string, c syscall.RawConn) error {
	var failed error
	err := c.Control(func(fd uintptr) {
		failed = errors.Join(
			unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEPORT, 1),
			unix.SetsockoptInt(int(fd), unix.SOL_IP, unix.IP_FREEBIND, 1))
	})
	return errors.Join(err, failed)
}
