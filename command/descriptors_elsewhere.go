//go:build unix && !linux

package command

// keepDescriptors is that of Linux.
func keepDescriptors() { closeListed("/dev/fd") }
