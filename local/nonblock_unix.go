//go:build unix

package local

import "syscall"

// NonBlock opens a pipe without waiting for its other end.
const NonBlock = syscall.O_NONBLOCK
