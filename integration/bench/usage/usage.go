// Package usage has the figures that the meter hands over.
package usage

import "time"

// Usage is what a command and all the processes that it has started have used, also those that outlived it.
type Usage struct {
	Start, End time.Time     // of the command itself
	CPU        time.Duration // user and system time
	Peak       int64         // the largest resident memory of one process, in bytes
}
