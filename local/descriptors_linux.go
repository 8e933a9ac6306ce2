package local

import (
	"math"

	"golang.org/x/sys/unix"
)

// keepDescriptors prevents the processes that this one starts from inheriting the descriptors above 2 that it was given,
// such as a lock or a pipe whose reader waits for its end: a guardian outlives its run.
func keepDescriptors() {
	if unix.CloseRange(3, math.MaxUint32, unix.CLOSE_RANGE_CLOEXEC) != nil { // before Linux 5.11
		closeListed("/proc/self/fd")
	}
}
