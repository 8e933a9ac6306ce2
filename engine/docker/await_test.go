package docker_test

import (
	"os"
	"testing"
	"time"
)

// soon is how long something may take that a busy machine takes seconds for. A wait that hangs instead would take all
// other tests of the package along.
const soon = 2 * time.Minute

// receive waits for what has to come.
func receive[T any](t *testing.T, from <-chan T, what string) (got T) {
	t.Helper()
	select {
	case got = <-from:
	case <-time.After(soon):
		t.Fatalf("%s: not within %v", what, soon)
	}
	return got
}

// await looks until something is so of which nobody tells.
func await(t *testing.T, what string, so func() bool) {
	t.Helper()
	for limit := time.Now().Add(soon); !so(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(limit) {
			t.Fatalf("%s: not within %v", what, soon)
		}
	}
}

// soak says whether the long versions run.
func soak() bool { return os.Getenv("KTASK_SOAK") != "" }

// soakOnly leaves a test out where they do not.
func soakOnly(t *testing.T) {
	t.Helper()
	if !soak() {
		t.Skip("it takes minutes: `make soak` runs it")
	}
}
