package engine

import "sync"

// Bounds of what is kept of an attempt's output to explain its end: a long traceback, and a line that still says all.
const (
	keptLines = 120
	keptBytes = 1 << 10
	keptEnd   = 128 // of a line that is longer: a traceback may begin behind one that nothing has ended
)

// listener passes the events of an attempt on and keeps the last lines of each output stream. Masking comes before it.
// Several goroutines may call it at once.
type listener struct {
	Sink
	mu             sync.Mutex
	stdout, stderr ring
}

// Emit passes e on.
func (l *listener) Emit(e Event) {
	if line, ok := e.(OutputLine); ok {
		l.mu.Lock()
		if line.Stream == Stderr {
			l.stderr.add(line)
		} else {
			l.stdout.add(line)
		}
		l.mu.Unlock()
	}
	l.Sink.Emit(e)
}

// lastWords are the last lines of stderr, or those of stdout where nothing went to stderr: a terminal is one stream,
// and shells are told 2>&1.
func (l *listener) lastWords() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if words := l.stderr.all(); len(words) > 0 {
		return words
	}
	return l.stdout.all()
}

// ring holds the last keptLines lines of a stream. The zero ring is empty.
type ring struct {
	lines []string
	// next is the place of the next line once the ring is full.
	next int
	// open is true within a line that is told in parts, of which the first is kept.
	open bool
}

func (r *ring) add(line OutputLine) {
	begun := r.open
	r.open = line.Partial
	if begun {
		return
	}
	text := line.Line
	if len(text) > keptBytes+keptEnd {
		text = text[:keptBytes] + text[len(text)-keptEnd:] // a copy, so that the rest can go
	}
	if len(r.lines) < keptLines {
		r.lines = append(r.lines, text)
		return
	}
	r.lines[r.next] = text
	r.next = (r.next + 1) % keptLines
}

// all gives the lines in their order.
func (r *ring) all() []string {
	return append(append([]string(nil), r.lines[r.next:]...), r.lines[:r.next]...)
}
