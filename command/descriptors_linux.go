package command

import (
	"math"

	"golang.org/x/sys/unix"
)

// keepDescriptors makes sure that no process which ktask starts gets a descriptor above 2 that ktask was given, such as a
// pipe whose reader waits for its end, or a lock: a guardian outlives ktask.
func keepDescriptors() {
	if unix.CloseRange(3, math.MaxUint32, unix.CLOSE_RANGE_CLOEXEC) != nil { // before Linux 5.11
		closeListed("/proc/self/fd")
	}
}
