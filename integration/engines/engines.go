// Package engines starts what tests need around ktask, each for one test: engines, registries, servers of scripts, and
// connections that a test can cut or freeze. What it starts is gone at the end of the test. It needs root for an engine, and
// the images of `make images` on the machine's Docker.
package engines

import (
	"cmp"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// Patience is how long a test waits for one thing before it fails. A busy machine takes seconds for what usually takes
// milliseconds, and a wait without a limit would end all other tests of the package.
const Patience = 2 * time.Minute

// Await checks again and again whether a condition holds that nothing reports. It fails the test after Patience.
func Await(t testing.TB, what string, holds func() bool) {
	t.Helper()
	if !Awaited(holds) {
		t.Fatalf("not within %v: %s", Patience, what)
	}
}

// Awaited is Await without a test: it reports whether the condition holds within Patience.
func Awaited(holds func() bool) bool {
	limit, tick := time.After(Patience), time.NewTicker(10*time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-limit:
			return false
		}
	}
	return true
}

// Receive returns the next value of a channel. It fails the test after Patience.
func Receive[T any](t testing.TB, from <-chan T, what string) (got T) {
	t.Helper()
	select {
	case got = <-from:
	case <-time.After(Patience):
		t.Fatalf("not within %v: %s", Patience, what)
	}
	return got
}

// closed reports whether a channel, on which nothing is sent, is closed.
func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// Machine returns the address of the machine's engine.
func Machine() string { return cmp.Or(os.Getenv("DOCKER_HOST"), "unix:///var/run/docker.sock") }

// Socket returns a path for a socket. That in a test's own directory can be too long.
func Socket(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "ktask")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return filepath.Join(dir, "s")
}
