//go:build unix

package main

import (
	"os"
	"os/signal"
	"syscall"
)

// resized returns a channel that receives a value when a terminal has changed its size.
func resized() <-chan os.Signal {
	changes := make(chan os.Signal, 1)
	signal.Notify(changes, syscall.SIGWINCH)
	return changes
}
