package mask

// automaton is an Aho-Corasick automaton (Aho, Corasick: Efficient String Matching, 1975) over the encodings of
// secrets. The encodings are long and unlike each other, so most nodes have few children, in a list; those with many have a
// table.
type automaton struct {
	nodes  []node
	tables [][256]int32
}

// mostListed is how many children are in a list alone.
const mostListed = 8

// node is a prefix of at least one encoding.
type node struct {
	// child is the first child and next the next sibling, or 0.
	child, next int32
	// children is their number; with a table it is the negative number of the table, from -1 on.
	children int32
	// fail is the node of the longest proper suffix of this prefix that is a prefix too.
	fail int32
	// depth is the length of the prefix.
	depth int32
	// found is the length of the longest encoding that ends here, or 0.
	found int32
	char  byte
}

func newAutomaton() automaton {
	return automaton{nodes: []node{{children: -1}}, tables: make([][256]int32, 1)}
}

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
			a.count(at)
		}
		at = to
	}
	a.nodes[at].found = a.nodes[at].depth
}

// count records the first child of the list, a new one.
func (a *automaton) count(at int32) {
	n := &a.nodes[at]
	switch {
	case n.children < 0:
		a.tables[-n.children-1][a.nodes[n.child].char] = n.child
	case n.children < mostListed:
		n.children++
	default:
		var table [256]int32
		for to := n.child; to != 0; to = a.nodes[to].next {
			table[a.nodes[to].char] = to
		}
		a.tables = append(a.tables, table)
		n.children = int32(-len(a.tables))
	}
}

func (a *automaton) childOf(at int32, c byte) int32 {
	n := &a.nodes[at]
	if n.children < 0 {
		return a.tables[-n.children-1][c]
	}
	for to := n.child; to != 0; to = a.nodes[to].next {
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
