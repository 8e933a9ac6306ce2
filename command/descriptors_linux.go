package command

import (
	"math"

	"golang.org/x/sys/unix"
)

// keepDescriptors prevents the processes that ktask starts from inheriting the descriptors above 2 that ktask was given,
// such as a lock or a pipe whose reader waits for its end: a guardian outlives ktask.
func keepDescriptors() {
	if unix.CloseRange(3, math.MaxUint32, unix.CLOSE_RANGE_CLOEXEC) != nil { // before Linux 5.11
		closeListed("/proc/self/fd")
	}
}
