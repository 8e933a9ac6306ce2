package docker_test

import (
	"errors"
	"io"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/docker"
)

// wire is a socket in front of the engine that a test can cut.
type wire struct {
	listener net.Listener
	mu       sync.Mutex
	ends     []net.Conn
	over     bool
	copies   sync.WaitGroup
}

// newWire listens in front of the machine's engine.
func newWire(t *testing.T) *wire {
	t.Helper()
	listener, err := net.Listen("unix", filepath.Join(t.TempDir(), "wire.sock"))
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{listener: listener}
	w.copies.Go(func() {
		for {
			near, err := listener.Accept()
			if err != nil {
				return
			}
			far, err := net.Dial("unix", machineSocket)
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
		w.cut()
		w.copies.Wait()
	})
	return w
}

func (w *wire) host() string { return "unix://" + w.listener.Addr().String() }

// join takes the two ends of a connection, unless the wire is cut.
func (w *wire) join(near, far net.Conn) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ends = append(w.ends, near, far)
	if w.over {
		_, _ = near.Close(), far.Close()
	}
	return !w.over
}

// cut ends all connections and takes no more.
func (w *wire) cut() {
	_ = w.listener.Close()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.over = true
	for _, end := range w.ends {
		_ = end.Close()
	}
}

func TestEngineThatGoesAwayIsLost(t *testing.T) {
	direct := connect(t, docker.Options{})
	w := newWire(t)
	e := connect(t, docker.Options{Host: w.host(), AnswerWithin: answerWithin})
	_, err := e.Run(t.Context(), shell("echo ready; sleep 100000"), labels(t, 1), engine.SinkFunc(func(engine.Event) { w.cut() }))
	wantReason(t, err, engine.EngineLost, w.host())
	if !strings.Contains(err.Error(), "remove container") {
		t.Errorf("error %v does not say that the container could not be removed", err)
	}
	if _, err := e.Describe(t.Context()); err == nil {
		t.Error("the wire is not cut")
	} else if failure, ok := errors.AsType[*engine.Error](err); !ok || failure.Reason != engine.EngineUnavailable {
		t.Errorf("afterwards: %v", err)
	}

	left, err := direct.Leftovers(t.Context(), runOf(t))
	if err != nil || len(left) != 1 {
		t.Errorf("left on the engine: %+v, error %v", left, err)
	}
	for _, l := range left {
		if err := direct.Remove(t.Context(), l); err != nil {
			t.Errorf("remove: %v", err)
		}
	}
	nothingLeft(t, direct)
}
