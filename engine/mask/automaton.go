package mask

// automaton is an Aho-Corasick automaton (Aho, Corasick: Efficient String Matching, 1975) over the encodings of
// secrets. The encodings are few, long and unlike each other, so nodes keep their children in lists; only the root has a
// table.
type automaton struct {
	nodes []node
	first [256]int32
}

// node is a prefix of at least one encoding.
type node struct {
	// child is the first child and next the next sibling, or 0.
	child, next int32
	// fail is the node of the longest proper suffix of this prefix that is a prefix too.
	fail int32
	// depth is the length of the prefix.
	depth int32
	// found is the length of the longest encoding that ends here, or 0.
	found int32
	char  byte
}

func newAutomaton() automaton { return automaton{nodes: make([]node, 1)} }

func (a *automaton) empty() bool { return len(a.nodes) == 1 }

func (a *automaton) add(text string) {
	at := int32(0)
	for i := range len(text) {
		c := text[i]
		to := a.childOf(at, c)
		if to == 0 {
			to = int32(len(a.nodes))
			a.nodes = append(a.nodes, node{char: c, depth: a.nodes[at].depth + 1, next: a.nodes[at].child})
			a.nodes[at].child = to
			if at == 0 {
				a.first[c] = to
			}
		}
		at = to
	}
	a.nodes[at].found = a.nodes[at].depth
}

func (a *automaton) childOf(at int32, c byte) int32 {
	if at == 0 {
		return a.first[c]
	}
	for to := a.nodes[at].child; to != 0; to = a.nodes[to].next {
		if a.nodes[to].char == c {
			return to
		}
	}
	return 0
}

// node returns the node of a prefix, or 0.
func (a *automaton) node(prefix []byte) int32 {
	at := int32(0)
	for _, c := range prefix {
		if at = a.childOf(at, c); at == 0 {
			return 0
		}
	}
	return at
}

// link sets fail and found, for shorter prefixes first.
func (a *automaton) link() {
	queue := make([]int32, 1, len(a.nodes))
	for i := 0; i < len(queue); i++ {
		at := queue[i]
		for to := a.nodes[at].child; to != 0; to = a.nodes[to].next {
			queue = append(queue, to)
			if at == 0 {
				continue
			}
			fail := a.step(a.nodes[at].fail, a.nodes[to].char)
			a.nodes[to].fail = fail
			a.nodes[to].found = max(a.nodes[to].found, a.nodes[fail].found)
		}
	}
}

// step returns the node of the longest suffix of the input, now followed by c, that is a prefix of an encoding.
func (a *automaton) step(at int32, c byte) int32 {
	for {
		if to := a.childOf(at, c); to != 0 || at == 0 {
			return to
		}
		at = a.nodes[at].fail
	}
}
