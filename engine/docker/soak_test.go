package docker_test

import (
	"os"
	"testing"
)

// soak reports whether the long versions of tests run.
func soak() bool { return os.Getenv("KTASK_SOAK") != "" }

// soakOnly skips a test unless the long versions run.
func soakOnly(t *testing.T) {
	t.Helper()
	if !soak() {
		t.Skip("it takes minutes: `make soak` runs it")
	}
}
