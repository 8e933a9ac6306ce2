package engine

import (
	"strings"
	"sync"
	"unicode/utf8"
)

// messageTail forwards the events of an attempt and, if enabled, keeps the last lines of the output, which become the
// termination message if there is no other.
type messageTail struct {
	Sink
	enabled bool
	mu      sync.Mutex
	// lines have their line breaks, which count as well. The last one is open if it was Partial.
	lines []string
	open  bool
}

// Emit forwards an event.
func (t *messageTail) Emit(event Event) {
	if line, ok := event.(OutputLine); ok {
		t.keep(line)
	}
	t.Sink.Emit(event)
}

func (t *messageTail) emitLines(lines []OutputLine) {
	t.keep(lines...)
	emitLines(t.Sink, lines)
}

func (t *messageTail) keep(lines ...OutputLine) {
	if !t.enabled {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, line := range lines {
		text := line.Line
		if !line.Partial {
			text += line.Break.String()
		}
		switch last := len(t.lines) - 1; {
		case t.open:
			text = t.lines[last] + text
			t.lines = t.lines[:last]
		case len(t.lines) == tailLines:
			t.lines = t.lines[:copy(t.lines, t.lines[1:])]
		}
		t.lines = append(t.lines, strings.Clone(lastBytes(text, tailBytes))) // the copy frees the rest of a long line
		t.open = line.Partial
	}
}

func (t *messageTail) text() string { return lastBytes(strings.Join(t.lines, ""), tailBytes) }

func lastBytes(s string, n int) string { return s[max(0, len(s)-n):] }

// byteTail keeps the last bytes of what is written to it, up to limit.
type byteTail struct {
	limit int
	bytes []byte
	total int64
}

// Write never fails.
func (t *byteTail) Write(p []byte) (int, error) {
	t.bytes = append(t.bytes, p[max(0, len(p)-t.limit):]...)
	if over := len(t.bytes) - t.limit; over > 0 {
		t.bytes = t.bytes[:copy(t.bytes, t.bytes[over:])]
	}
	t.total += int64(len(p))
	return len(p), nil
}

// String returns the bytes, without a first character that was cut.
func (t *byteTail) String() string {
	b := t.bytes
	for t.total > int64(t.limit) && len(b) > 0 && !utf8.RuneStart(b[0]) {
		b = b[1:]
	}
	return string(b)
}

// Bounds of the output that is kept of an attempt to find out why it failed: enough for a long traceback.
const (
	keptLines = 120
	keptBytes = 1 << 10 // of the beginning of a line
	keptEnd   = 128     // of the end of a longer line: a traceback may follow output without a line break
)

// outputTail forwards the events of an attempt and keeps the last lines of each output stream. It is safe for concurrent
// use.
type outputTail struct {
	Sink
	mu             sync.Mutex
	stdout, stderr lineRing
}

// Emit forwards an event.
func (t *outputTail) Emit(e Event) {
	if line, ok := e.(OutputLine); ok {
		t.keep(line)
	}
	t.Sink.Emit(e)
}

func (t *outputTail) emitLines(lines []OutputLine) {
	t.keep(lines...)
	emitLines(t.Sink, lines)
}

func (t *outputTail) keep(lines ...OutputLine) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, line := range lines {
		if line.Stream == Stderr {
			t.stderr.add(line)
		} else {
			t.stdout.add(line)
		}
	}
}

// lines returns the last lines of stderr, or those of stdout if stderr is empty: a terminal is one stream, and shells
// redirect with 2>&1.
func (t *outputTail) lines() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if lines := t.stderr.all(); len(lines) > 0 {
		return lines
	}
	return t.stdout.all()
}

// lineRing holds the last keptLines lines of a stream. The zero value is empty.
type lineRing struct {
	lines []string
	// next is the index of the next line when the ring is full.
	next int
	// open reports whether the last line was Partial: its other parts are dropped.
	open bool
}

func (r *lineRing) add(line OutputLine) {
	continued := r.open
	r.open = line.Partial
	if continued {
		return
	}
	text := line.Line
	if len(text) > keptBytes+keptEnd {
		text = text[:keptBytes] + text[len(text)-keptEnd:] // a copy, which frees the rest
	}
	if len(r.lines) < keptLines {
		r.lines = append(r.lines, text)
		return
	}
	r.lines[r.next] = text
	r.next = (r.next + 1) % keptLines
}

// all returns the lines in order.
func (r *lineRing) all() []string {
	return append(append([]string(nil), r.lines[r.next:]...), r.lines[:r.next]...)
}
