package e2e

import (
	"bytes"
	"strings"
	"sync"
	"time"

	"github.com/ktask/ktask/integration/engines"
)

// buffer collects a stream. Others can wait for a text in it.
type buffer struct {
	mu   sync.Mutex
	text bytes.Buffer
	more *sync.Cond
	done bool
}

func newBuffer() *buffer {
	b := &buffer{}
	b.more = sync.NewCond(&b.mu)
	return b
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.more.Broadcast()
	return b.text.Write(p)
}

func (b *buffer) end() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.done = true
	b.more.Broadcast()
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// await waits until the stream contains text and reports whether it does: the stream may end without it, or take too long.
func (b *buffer) await(text string) bool { return b.awaitCount(text, 1) }

// awaitCount is await for a text that comes several times.
func (b *buffer) awaitCount(text string, count int) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	late := false
	defer time.AfterFunc(engines.Patience, func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		late = true
		b.more.Broadcast()
	}).Stop()
	for strings.Count(b.text.String(), text) < count {
		if b.done || late {
			return false
		}
		b.more.Wait()
	}
	return true
}
