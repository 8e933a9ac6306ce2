package engine

// trie is an Aho-Corasick automaton (Aho, Corasick: Efficient String Matching, 1975) over the forms of
// secrets. Its nodes are small and its lists of children short, since secrets are few, long and unlike each
// other; only the root has a table.
type trie struct {
	nodes []node
	first [256]int32
}

// node is a prefix of at least one form.
type node struct {
	// child is the first child and next the next sibling, 0 where there is none.
	child, next int32
	// fail is the node of the longest proper suffix of this prefix that is a prefix too.
	fail int32
	// depth is the length of the prefix.
	depth int32
	// found is the length of the longest form that ends here, or 0.
	found int32
	char  byte
}

func newTrie() trie { return trie{nodes: make([]node, 1)} }

func (t *trie) empty() bool { return len(t.nodes) == 1 }

func (t *trie) add(form string) {
	at := int32(0)
	for i := range len(form) {
		c := form[i]
		to := t.childOf(at, c)
		if to == 0 {
			to = int32(len(t.nodes))
			t.nodes = append(t.nodes, node{char: c, depth: t.nodes[at].depth + 1, next: t.nodes[at].child})
			t.nodes[at].child = to
			if at == 0 {
				t.first[c] = to
			}
		}
		at = to
	}
	t.nodes[at].found = t.nodes[at].depth
}

func (t *trie) childOf(at int32, c byte) int32 {
	if at == 0 {
		return t.first[c]
	}
	for to := t.nodes[at].child; to != 0; to = t.nodes[to].next {
		if t.nodes[to].char == c {
			return to
		}
	}
	return 0
}

// node is that of a prefix, or 0.
func (t *trie) node(prefix []byte) int32 {
	at := int32(0)
	for _, c := range prefix {
		if at = t.childOf(at, c); at == 0 {
			return 0
		}
	}
	return at
}

// link fills in fail and found, shorter prefixes before longer ones.
func (t *trie) link() {
	queue := make([]int32, 1, len(t.nodes))
	for i := 0; i < len(queue); i++ {
		at := queue[i]
		for to := t.nodes[at].child; to != 0; to = t.nodes[to].next {
			queue = append(queue, to)
			if at == 0 {
				continue
			}
			fail := t.step(t.nodes[at].fail, t.nodes[to].char)
			t.nodes[to].fail = fail
			t.nodes[to].found = max(t.nodes[to].found, t.nodes[fail].found)
		}
	}
}

// step is the node for the longest suffix of what was read, with c behind it, that is a prefix of a form.
func (t *trie) step(at int32, c byte) int32 {
	for {
		if to := t.childOf(at, c); to != 0 || at == 0 {
			return to
		}
		at = t.nodes[at].fail
	}
}
