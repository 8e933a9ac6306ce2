package mask

import "index/suffixarray"

// fragmentSize is the length of a part of base64 that is masked wherever it stands; it encodes 18 bytes of a value. Of
// the lines of a value in base64, only the first and the last can be shorter.
const fragmentSize = 24

// fragments are all parts of fragmentSize bytes of some texts. They overlap, and there is one for each byte of the
// texts: in the automaton they would take a node for each of their own bytes.
type fragments struct {
	set map[string]struct{}
	// texts are the texts that are long enough, each followed by a byte that is in none of them.
	texts []byte
	// index finds parts of texts.
	index *suffixarray.Index
}

// add adds the fragments of a text.
func (f *fragments) add(text string) {
	if len(text) < fragmentSize {
		return
	}
	if f.set == nil {
		f.set = map[string]struct{}{}
	}
	for i := 0; i+fragmentSize <= len(text); i++ {
		f.set[text[i:i+fragmentSize]] = struct{}{}
	}
	f.texts = append(append(f.texts, text...), 0)
}

// link makes the index when all texts are there.
func (f *fragments) link() { f.index = suffixarray.New(f.texts) }

// has reports whether part is a fragment.
func (f *fragments) has(part []byte) bool {
	_, ok := f.set[string(part)]
	return ok
}

// begun returns the length of the longest suffix of text that a fragment begins with but does not end with.
func (f *fragments) begun(text []byte) int {
	if len(f.texts) == 0 {
		return 0
	}
	n := 0 // what contains a suffix contains all shorter ones
	for n < min(len(text), fragmentSize-1) && len(f.index.Lookup(text[len(text)-n-1:], 1)) > 0 {
		n++
	}
	return n
}

// gramSize is the size of the pieces that a gramFilter knows. No encoding is shorter.
const gramSize = minLength

// gramFilter reports what four bytes can be part of. Two pieces may share an entry; it then reports too much, never too
// little.
type gramFilter struct {
	kinds []uint8
	shift uint
}

const (
	beginsEncoding uint8 = 1 << iota
	inFragment
)

// newGramFilter returns a filter with room for that many pieces.
func newGramFilter(pieces int) gramFilter {
	const minBits, maxBits, entriesPerPiece = 12, 20, 16
	bits := uint(minBits)
	for bits < maxBits && 1<<bits < entriesPerPiece*pieces {
		bits++
	}
	return gramFilter{make([]uint8, 1<<bits), 32 - bits}
}

// of returns the kinds of a piece whose last byte is in the lowest bits.
func (f gramFilter) of(gram uint32) uint8 { return f.kinds[gram*2654435761>>(f.shift&31)] } // Knuth's multiplicative hash

func (f gramFilter) add(piece string, kind uint8) {
	gram := uint32(piece[0])<<24 | uint32(piece[1])<<16 | uint32(piece[2])<<8 | uint32(piece[3])
	f.kinds[gram*2654435761>>f.shift] |= kind
}
