package engine

import (
	"io"

	"github.com/ktask/ktask/engine/plan"
)

// Writer gives a stream into out in which every byte that belongs to an occurrence of a form is masked;
// occurrences that overlap become one plan.Mask. It holds back only what may still become an occurrence;
// Close writes that. Close leaves out alone.
func (m *Mask) Writer(out io.Writer) io.WriteCloser {
	if m == nil {
		return passing{out}
	}
	return &masker{mask: m, out: out}
}

// passing is the writer of a mask that finds nothing.
type passing struct{ io.Writer }

func (passing) Close() error { return nil }

// masker looks through a stream. Positions count the bytes of the stream.
type masker struct {
	mask *Mask
	out  io.Writer
	// gram are the last bytes, by which the filter finds where a form may begin; few do, so that the automaton is seldom asked.
	gram uint32
	// at is the node of the automaton, 0 where no form has begun that is as long as a gram.
	at int32
	// run is how many grams in a row, up to the last, may be part of a window.
	run int
	// held are the bytes that have been read and not been written; the first is at position start.
	held  []byte
	start int64
	// found are the occurrences that end behind start, merged where they overlap, in order.
	found []span
	// open says that the mask of found[0] has been written, and that more of its bytes may follow.
	open bool
}

// span is a run of bytes: from is its first, to is behind its last.
type span struct{ from, to int64 }

// mostHeld bounds what is searched before the next release.
const mostHeld = 32 << 10

// Write takes any part of the stream.
func (m *masker) Write(p []byte) (int, error) {
	for rest := p; len(rest) > 0; {
		part := rest[:min(len(rest), mostHeld)]
		rest = rest[len(part):]
		m.search(part)
		if err := m.release(int64(m.begun())); err != nil {
			return 0, err
		}
	}
	return len(p), nil
}

// Close writes what was held back: nothing can follow that would make it an occurrence.
func (m *masker) Close() error {
	m.gram, m.at, m.run = 0, 0, 0
	return m.release(0)
}

// search takes p into held and notes the occurrences that end in it.
func (m *masker) search(p []byte) {
	n := len(m.held)
	m.held = append(m.held, p...)
	trie, filter, gram, at, run := &m.mask.trie, m.mask.filter, m.gram, m.at, m.run
	for ; n < len(m.held); n++ {
		gram = gram<<8 | uint32(m.held[n])
		kind := filter.of(gram)
		if at != 0 {
			if at = trie.step(at, m.held[n]); trie.nodes[at].depth < grams {
				at = 0 // it is found again when it is as long as a gram
			}
		}
		if kind == 0 && at == 0 {
			run = 0
			continue
		}
		if at == 0 && kind&beginsForm != 0 && n+1 >= grams {
			at = trie.node(m.held[n+1-grams : n+1])
		}
		if length := trie.nodes[at].found; length > 0 {
			m.note(m.ending(n, int(length)))
		}
		if kind&inWindow == 0 {
			run = 0
			continue
		}
		if run++; run > window-grams && n+1 >= window && m.mask.windows.has(m.held[n+1-window:n+1]) {
			m.note(m.ending(n, window))
		}
	}
	m.gram, m.at, m.run = gram, at, run
}

// ending is the span of so many bytes of which the last is that one of held.
func (m *masker) ending(last, length int) span {
	end := m.start + int64(last) + 1
	return span{end - int64(length), end}
}

// begun is how many of the last bytes may be the beginning of an occurrence.
func (m *masker) begun() int {
	count := int(m.mask.trie.nodes[m.at].depth)
	for n := min(grams-1, len(m.held)); count == 0 && n > 0; n-- {
		if m.mask.trie.node(m.held[len(m.held)-n:]) != 0 {
			count = n
		}
	}
	if likely := min(m.run+grams-1, len(m.held)); count < likely {
		count = max(count, m.mask.windows.begun(m.held[len(m.held)-likely:]))
	}
	return count
}

// note adds an occurrence that ends at the latest position so far.
func (m *masker) note(s span) {
	for last := len(m.found) - 1; last >= 0 && m.found[last].to > s.from; last-- {
		s.from = min(s.from, m.found[last].from)
		m.found = m.found[:last]
	}
	m.found = append(m.found, s)
}

// release writes all that is held but its last keep bytes, which may still become part of an occurrence.
func (m *masker) release(keep int64) error {
	position, end := m.start, m.start+int64(len(m.held))-keep
	for position < end {
		next := span{end, end}
		if len(m.found) > 0 {
			next = m.found[0]
		}
		if plain := min(next.from, end); position < plain {
			if _, err := m.out.Write(m.held[position-m.start : plain-m.start]); err != nil {
				return err
			}
			position = plain
			continue
		}
		if !m.open {
			if _, err := io.WriteString(m.out, plan.Mask); err != nil {
				return err
			}
		}
		position = min(next.to, end)
		m.open = next.to > end
		if !m.open {
			m.found = m.found[:copy(m.found, m.found[1:])]
		}
	}
	m.held = m.held[:copy(m.held, m.held[position-m.start:])]
	m.start = position
	return nil
}
