package engine

import "strings"

// window is a part of base64 that is long enough to be masked wherever it stands: 18 bytes of a value. A line of base64
// is never shorter, but for the first and the last that a value is in.
const window = 24

// windows are all parts of that length of some texts. There are as many as the texts have bytes, and all overlap: as forms
// of a trie they would take a node for each of their own bytes.
type windows struct {
	all map[string]struct{}
	// texts are those that are long enough, with a byte between them that none of them has.
	texts string
}

// add takes the parts of a text.
func (w *windows) add(text string) {
	if len(text) < window {
		return
	}
	if w.all == nil {
		w.all = map[string]struct{}{}
	}
	for i := 0; i+window <= len(text); i++ {
		w.all[text[i:i+window]] = struct{}{}
	}
	w.texts += text + "\x00"
}

// has tells whether part is one of them.
func (w *windows) has(part []byte) bool {
	_, ok := w.all[string(part)]
	return ok
}

// begun is the length of the longest end of text, below a whole window, with which one may begin.
func (w *windows) begun(text []byte) int {
	for n := min(len(text), window-1); n > 0; n-- {
		if strings.Contains(w.texts, string(text[len(text)-n:])) {
			return n
		}
	}
	return 0
}

// grams is the size of the pieces by which a filter knows texts. No form is shorter.
const grams = shortestMasked

// filter says of four bytes what they can be part of. It is wrong where two pieces share an entry, and then says too much.
type filter struct {
	kinds []uint8
	shift uint
}

const (
	beginsForm uint8 = 1 << iota
	inWindow
)

// newFilter makes one with room for so many pieces.
func newFilter(pieces int) filter {
	const least, most, spare = 12, 18, 16
	bits := uint(least)
	for bits < most && 1<<bits < spare*pieces {
		bits++
	}
	return filter{make([]uint8, 1<<bits), 32 - bits}
}

// of gives the kinds of a piece, its last byte in the lowest bits.
func (f filter) of(gram uint32) uint8 { return f.kinds[gram*2654435761>>f.shift] } // Knuth's multiplicative hash

func (f filter) note(piece string, kind uint8) {
	gram := uint32(piece[0])<<24 | uint32(piece[1])<<16 | uint32(piece[2])<<8 | uint32(piece[3])
	f.kinds[gram*2654435761>>f.shift] |= kind
}
