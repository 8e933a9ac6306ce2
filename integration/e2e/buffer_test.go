package e2e

import (
	"bytes"
	"strings"
	"sync"
	"time"
)

// buffer collects a stream and tells who waits for a text in it.
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

// await returns once the stream holds text; it is false where the stream ended without it, or patience did.
func (b *buffer) await(text string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	late := false
	defer time.AfterFunc(patience, func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		late = true
		b.more.Broadcast()
	}).Stop()
	for !strings.Contains(b.text.String(), text) {
		if b.done || late {
			return false
		}
		b.more.Wait()
	}
	return true
}
