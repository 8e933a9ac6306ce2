package engines

import (
	"io"
	"net"
	"strings"
	"sync"
	"testing"
)

// Wire forwards connections to an engine. A test can cut it, or freeze it: then it takes connections and requests and answers
// nothing, as an engine does that is stopped.
type Wire struct {
	listener net.Listener
	mu       sync.Mutex
	ends     []net.Conn
	over     bool
	// thawed is closed unless the wire is frozen.
	thawed chan struct{}
	copies sync.WaitGroup
}

// NewWire listens in front of the engine at host.
func NewWire(t testing.TB, host string) *Wire {
	t.Helper()
	return NewWireAt(t, Socket(t), host)
}

// NewWireAt is NewWire with a socket at a path.
func NewWireAt(t testing.TB, socket, host string) *Wire {
	t.Helper()
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	network, address, _ := strings.Cut(host, "://")
	w := &Wire{listener: listener, thawed: make(chan struct{})}
	w.Thaw()
	w.copies.Go(func() {
		for {
			near, err := listener.Accept()
			if err != nil {
				return
			}
			w.copies.Go(func() { w.connect(near, network, address) })
		}
	})
	t.Cleanup(func() {
		w.Cut()
		w.copies.Wait()
	})
	return w
}

// Host returns the address at which the wire takes connections.
func (w *Wire) Host() string { return "unix://" + w.listener.Addr().String() }

// connect forwards a connection in both directions.
func (w *Wire) connect(near net.Conn, network, address string) {
	w.wait()
	far, err := net.Dial(network, address)
	if err != nil {
		_ = near.Close()
		return
	}
	if !w.join(near, far) {
		return
	}
	for _, pair := range [][2]net.Conn{{near, far}, {far, near}} {
		w.copies.Go(func() {
			_, _ = io.Copy(held{w, pair[0]}, pair[1])
			_ = pair[0].Close()
		})
	}
}

// held is an end of a connection to which nothing is written while the wire is frozen.
type held struct {
	*Wire
	io.Writer
}

func (h held) Write(p []byte) (int, error) {
	h.wait()
	return h.Writer.Write(p)
}

// wait returns when the wire is not frozen.
func (w *Wire) wait() {
	w.mu.Lock()
	thawed := w.thawed
	w.mu.Unlock()
	<-thawed
}

// join records the two ends of a connection and reports whether the wire is not cut. If it is, join closes them.
func (w *Wire) join(near, far net.Conn) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ends = append(w.ends, near, far)
	if w.over {
		_, _ = near.Close(), far.Close()
	}
	return !w.over
}

// Freeze holds back all bytes until Thaw or Cut is called.
func (w *Wire) Freeze() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.thawed = make(chan struct{})
}

// Thaw forwards what has been held back, and what follows.
func (w *Wire) Thaw() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !closed(w.thawed) {
		close(w.thawed)
	}
}

// Cut ends all connections and takes no more.
func (w *Wire) Cut() {
	w.Thaw()
	_ = w.listener.Close()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.over = true
	for _, end := range w.ends {
		_ = end.Close()
	}
}
