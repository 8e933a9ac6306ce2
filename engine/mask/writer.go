package mask

import (
	"io"

	"github.com/ktask/ktask/engine/plan"
)

// Writer returns a writer that copies a stream to out with plan.Mask in place of each occurrence of a value;
// occurrences that overlap become one. It holds back only what may still become an occurrence. Close writes what is
// held back, and does not close out. One goroutine at a time may use the writer.
func (m *Mask) Writer(out io.Writer) io.WriteCloser { return m.EchoWriter(out) }

// EchoWriter is a writer like that of Mask.Writer for a terminal, on which a user waits for the echo of each key.
type EchoWriter interface {
	io.WriteCloser
	// Echo writes the first bytes of what is held back, fewer than the shortest value has. If they are the beginning of a value,
	// only the rest of it is masked.
	Echo() error
}

// EchoWriter returns a writer for a terminal.
func (m *Mask) EchoWriter(out io.Writer) EchoWriter {
	if m == nil {
		return passThrough{out}
	}
	return &writer{mask: m, out: out}
}

// passThrough is the writer of a mask that finds nothing.
type passThrough struct{ io.Writer }

func (passThrough) Close() error { return nil }

func (passThrough) Echo() error { return nil }

// writer searches a stream. Positions count the bytes of the stream.
type writer struct {
	mask *Mask
	out  io.Writer
	search
	// held are the bytes that were read and not yet written; the first is at position start.
	held  []byte
	start int64
	// echoed is the position that follows the last byte that Echo has written.
	echoed int64
	// found are the occurrences that end after start, in order; those that overlap are merged.
	found []span
	// open reports whether the mask of found[0] is written and more of its bytes may follow.
	open bool
}

// search is the state between two bytes of a stream.
type search struct {
	// gram are the last bytes. The filter looks them up, so that the automaton runs only after the few that may begin an
	// encoding.
	gram uint32
	// node is that of the automaton; 0 if no encoding has begun that is as long as a gram.
	node int32
	// run is the number of grams in a row, up to the last one, that may be part of a fragment.
	run int
}

// span is a run of bytes: from is the first, to follows the last.
type span struct{ from, to int64 }

// maxHeld bounds what is searched before the next release.
const maxHeld = 32 << 10

// Write takes the next part of the stream.
func (w *writer) Write(p []byte) (int, error) {
	for rest := p; len(rest) > 0; {
		part := rest[:min(len(rest), maxHeld)]
		rest = rest[len(part):]
		w.find(part)
		if err := w.release(w.begun()); err != nil {
			return 0, err
		}
	}
	return len(p), nil
}

// Close writes what is held back: nothing follows that could make it an occurrence.
func (w *writer) Close() error {
	w.search = search{}
	return w.release(0)
}

// find appends p to held and records the occurrences that end in it.
func (w *writer) find(p []byte) {
	n := len(w.held)
	w.held = append(w.held, p...)
	held, filter, s := w.held, w.mask.filter, w.search // locals: this is the loop over every byte of output
	for ; n < len(held); n++ {
		s.gram = s.gram<<8 | uint32(held[n])
		kind := filter.of(s.gram)
		if kind == 0 && s.node == 0 {
			s.run = 0
			continue
		}
		s.node = w.findEncoding(s.node, kind, n)
		s.run = w.findFragment(s.run, kind, n)
	}
	w.search = s
}

// findEncoding records the longest encoding that ends with held[last], the last byte of a gram of that kind. It returns
// the node that follows node.
func (w *writer) findEncoding(node int32, kind uint8, last int) int32 {
	a := &w.mask.automaton
	if node != 0 {
		if node = a.step(node, w.held[last]); a.nodes[node].depth < gramSize {
			node = 0 // the filter finds it again when it is as long as a gram
		}
	}
	if node == 0 && kind&beginsEncoding != 0 && last+1 >= gramSize {
		node = a.node(w.held[last+1-gramSize : last+1])
	}
	if length := a.nodes[node].found; length > 0 {
		w.record(last, int(length))
	}
	return node
}

// findFragment records the fragment that ends with held[last], if any. It returns the run that follows run.
func (w *writer) findFragment(run int, kind uint8, last int) int {
	if kind&inFragment == 0 {
		return 0
	}
	run++
	if run > fragmentSize-gramSize && last+1 >= fragmentSize && w.mask.fragments.has(w.held[last+1-fragmentSize:last+1]) {
		w.record(last, fragmentSize)
	}
	return run
}

// record adds an occurrence of that length that ends with held[last]. It ends later than all before it.
func (w *writer) record(last, length int) {
	end := w.start + int64(last) + 1
	s := span{end - int64(length), end}
	for i := len(w.found) - 1; i >= 0 && w.found[i].to > s.from; i-- {
		s.from = min(s.from, w.found[i].from)
		w.found = w.found[:i]
	}
	w.found = append(w.found, s)
}

// begun returns how many of the last bytes may be the beginning of an occurrence.
func (w *writer) begun() int {
	count := int(w.mask.automaton.nodes[w.node].depth)
	for n := min(gramSize-1, len(w.held)); count == 0 && n > 0; n-- {
		if w.mask.automaton.node(w.held[len(w.held)-n:]) != 0 {
			count = n
		}
	}
	if possible := min(w.run+gramSize-1, len(w.held)); count < possible {
		count = max(count, w.mask.fragments.begun(w.held[len(w.held)-possible:]))
	}
	return count
}

// release writes what is held except for the last keep bytes.
func (w *writer) release(keep int) error {
	position, end := w.start, w.start+int64(len(w.held)-keep)
	for position < end {
		next := span{end, end}
		if len(w.found) > 0 {
			next = w.found[0]
		}
		if visible := min(next.from, end); position < visible {
			if from := max(position, w.echoed); from < visible {
				if _, err := w.out.Write(w.held[from-w.start : visible-w.start]); err != nil {
					return err
				}
			}
			position = visible
			continue
		}
		if !w.open {
			if _, err := io.WriteString(w.out, plan.Mask); err != nil {
				return err
			}
		}
		position = min(next.to, end)
		w.open = next.to > end
		if !w.open {
			w.found = w.found[:copy(w.found, w.found[1:])]
		}
	}
	w.held = w.held[:copy(w.held, w.held[position-w.start:])]
	w.start = position
	return nil
}

// Echo writes the first bytes of what is held back, if no occurrence that was found is among them.
func (w *writer) Echo() error {
	from, end := max(w.start, w.echoed), w.start+int64(min(len(w.held), minLength-1))
	if len(w.found) > 0 {
		end = min(end, w.found[0].from)
	}
	if from >= end {
		return nil
	}
	w.echoed = end
	_, err := w.out.Write(w.held[from-w.start : end-w.start])
	return err
}
