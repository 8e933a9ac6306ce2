package engines

import (
	"io"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"
)

// Wire is a socket in front of an engine that a test can cut.
type Wire struct {
	listener net.Listener
	mu       sync.Mutex
	ends     []net.Conn
	over     bool
	copies   sync.WaitGroup
}

// NewWire listens in front of the engine at a socket.
func NewWire(t testing.TB, socket string) *Wire {
	t.Helper()
	dir, err := os.MkdirTemp("", "ktask-w") // a test's own directory can be too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	listener, err := net.Listen("unix", filepath.Join(dir, "s"))
	if err != nil {
		t.Fatal(err)
	}
	w := &Wire{listener: listener}
	w.copies.Go(func() {
		for {
			near, err := listener.Accept()
			if err != nil {
				return
			}
			far, err := net.Dial("unix", socket)
			if err != nil {
				_ = near.Close()
				continue
			}
			if !w.join(near, far) {
				return
			}
			for _, pair := range [][2]net.Conn{{near, far}, {far, near}} {
				w.copies.Go(func() {
					_, _ = io.Copy(pair[0], pair[1])
					_ = pair[0].Close()
				})
			}
		}
	})
	t.Cleanup(func() {
		w.Cut()
		w.copies.Wait()
	})
	return w
}

// Host is the address at which the wire takes connections.
func (w *Wire) Host() string { return "unix://" + w.listener.Addr().String() }

// join takes the two ends of a connection, unless the wire is cut.
func (w *Wire) join(near, far net.Conn) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ends = append(w.ends, near, far)
	if w.over {
		_, _ = near.Close(), far.Close()
	}
	return !w.over
}

// Cut ends all connections and takes no more.
func (w *Wire) Cut() {
	_ = w.listener.Close()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.over = true
	for _, end := range w.ends {
		_ = end.Close()
	}
}
