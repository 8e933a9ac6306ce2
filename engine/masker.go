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
	return &masker{trie: &m.trie, out: out}
}

// passing is the writer of a mask that finds nothing.
type passing struct{ io.Writer }

func (passing) Close() error { return nil }

// masker runs the automaton over a stream. Positions count the bytes of the stream.
type masker struct {
	trie *trie
	out  io.Writer
	at   int32
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
		var err error
		if m.at == 0 && len(m.held) == 0 && m.plain(part) == len(part) {
			m.start += int64(len(part))
			_, err = m.out.Write(part)
		} else {
			m.search(part)
			err = m.release(int64(m.trie.nodes[m.at].depth))
		}
		if err != nil {
			return 0, err
		}
	}
	return len(p), nil
}

// Close writes what was held back: nothing can follow that would make it an occurrence.
func (m *masker) Close() error {
	m.at = 0
	return m.release(0)
}

// plain counts the bytes at the start of p that begin no form.
func (m *masker) plain(p []byte) int {
	first := &m.trie.first
	for i, c := range p {
		if first[c] != 0 {
			return i
		}
	}
	return len(p)
}

// search takes p into held and notes the occurrences that end in it.
func (m *masker) search(p []byte) {
	position := m.start + int64(len(m.held))
	at := m.at
	for n := 0; n < len(p); n++ {
		if at == 0 {
			if n += m.plain(p[n:]); n == len(p) {
				break
			}
		}
		at = m.trie.step(at, p[n])
		if length := m.trie.nodes[at].found; length > 0 {
			end := position + int64(n) + 1
			m.note(span{end - int64(length), end})
		}
	}
	m.at = at
	m.held = append(m.held, p...)
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
