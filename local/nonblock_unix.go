//go:build unix

package local

import "syscall"

// NonBlock is the flag that opens a pipe without waiting for its other end.
const NonBlock = syscall.O_NONBLOCK
