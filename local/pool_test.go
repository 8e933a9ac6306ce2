package local_test

import (
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/gofrs/flock"

	"github.com/ktask/ktask/engine/owner"
	"github.com/ktask/ktask/local"
)

// TestDeadSocketOfAPool is removed, but not while a process makes a pool: the socket may be that of the new pool.
func TestDeadSocketOfAPool(t *testing.T) {
	short, err := os.MkdirTemp("", "k") // a socket's path has at most about 100 bytes
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(short) }()
	runs := owner.In(filepath.Join(short, "runs"))
	dir, err := runs.Directory()
	if err != nil {
		t.Fatal(err)
	}
	socket := filepath.Join(dir, "warm-1")
	listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: socket, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	listener.SetUnlinkOnClose(false)
	_ = listener.Close()
	there := func() bool { _, err := os.Lstat(socket); return err == nil }
	lock := flock.New(filepath.Join(dir, "pools.lock"))
	if err := lock.Lock(); err != nil {
		t.Fatal(err)
	}
	if n := local.EndWarm(runs); n != 0 || !there() {
		t.Errorf("%d pools ended; the socket is there: %v", n, there())
	}
	_ = lock.Unlock()
	if n := local.EndWarm(runs); n != 0 || there() {
		t.Errorf("%d pools ended; the socket is there: %v", n, there())
	}
}
