package yamltree

import (
	"bytes"
	"encoding/json"
	"math"
	"slices"
	"strings"
	"unicode/utf8"
)

// Kind is the type of a value.
type Kind uint8

// The kinds, which are those of JSON.
const (
	Null Kind = iota
	Bool
	Number
	String
	List
	Object
)

// String returns the kind for a message: "a string".
func (k Kind) String() string {
	return [...]string{"null", "a boolean", "a number", "a string", "a list", "an object"}[k]
}

// style is the notation of a string, if it matters for the lines of its text.
type style uint8

const (
	inlineStyle  style = iota // quoted or plain
	literalStyle              // after a |, the text starts on the next line
	foldedStyle               // after a >, the same with lines joined
	base64Style
)

// Node is a value of a document and its place. Values with an alias are shared, so a tree takes no more memory than its text.
type Node struct {
	// Text is the string, or the JSON literal of a boolean or number. Source is a plain scalar as it is written.
	Text   string
	Source string
	*members
	// Values are the items of a list, or the values of an object in the order of Keys.
	Values []*Node
	// weight estimates the size of the value as JSON in bytes; what an alias stands for counts each time.
	weight int32
	// Line and Column count from 1.
	Line, Column int32
	Kind         Kind
	style        style
	// Bad marks a value for which a problem was reported; AppendJSON omits it.
	Bad bool
}

// Keys returns the keys of an object in their order.
func (n *Node) Keys() []*Node {
	if n.members == nil {
		return nil
	}
	return n.keys
}

// Field returns the value of a field, or nil if n is not an object that has it.
func (n *Node) Field(name string) *Node {
	_, value := n.Entry(name)
	return value
}

// Entry returns the key and the value of a field, or nil if n is not an object that has it.
func (n *Node) Entry(name string) (key, value *Node) {
	if n == nil || n.Kind != Object {
		return nil, nil
	}
	if i := n.find(name); i >= 0 {
		return n.keys[i], n.Values[i]
	}
	return nil, nil
}

// Before reports whether n starts before other in the document.
func (n *Node) Before(other *Node) bool {
	return n.Line < other.Line || n.Line == other.Line && n.Column < other.Column
}

// IsInfinite reports whether n is a number that JSON cannot express: an infinity, or not a number.
func (n *Node) IsInfinite() bool { return n.Kind == Number && infinite(n.Text) }

// TextLine returns the line on which the text of a scalar starts. It returns 0 if the lines of the text are not those of the
// file: in a quoted or folded scalar of several lines, and in base64.
func (n *Node) TextLine() int {
	switch {
	case n == nil, n.style == base64Style, n.style != literalStyle && strings.Contains(strings.TrimRight(n.Text, "\n"), "\n"):
		return 0
	case n.style == literalStyle, n.style == foldedStyle:
		return int(n.Line) + 1
	}
	return int(n.Line)
}

// put adds a field that the object does not have yet.
func (n *Node) put(key, value *Node) {
	n.members.add(key)
	n.Values = append(n.Values, value)
	n.gain(key.weight)
	n.gain(value.weight)
}

func (n *Node) gain(weight int32) { n.weight += min(weight, math.MaxInt32-n.weight) }

// members are the keys of an object in their order.
type members struct {
	keys  []*Node
	index map[string]int // nil if the keys are few
}

// fewKeys is the number of keys up to which a search is faster than an index.
const fewKeys = 16

func (m *members) find(name string) int {
	if m.index != nil {
		if i, ok := m.index[name]; ok {
			return i
		}
		return -1
	}
	return slices.IndexFunc(m.keys, func(k *Node) bool { return k.Text == name })
}

func (m *members) add(key *Node) {
	m.keys = append(m.keys, key)
	switch {
	case m.index != nil:
		m.index[key.Text] = len(m.keys) - 1
	case len(m.keys) > fewKeys:
		m.index = make(map[string]int, cap(m.keys))
		for i, k := range m.keys {
			m.index[k.Text] = i
		}
	}
}

// AppendJSON writes the tree as JSON without its bad values. A bad item of a list becomes null, so that the others keep
// their indexes. A number that JSON cannot express becomes null, too.
func (n *Node) AppendJSON(to *bytes.Buffer) {
	switch n.Kind {
	case Null, Bool, Number:
		if n.IsInfinite() {
			to.WriteString("null")
			return
		}
		to.WriteString(n.Text)
	case String:
		appendString(to, n.Text)
	case List:
		to.WriteByte('[')
		for i := range n.Values {
			if i > 0 {
				to.WriteByte(',')
			}
			if n.Values[i].Bad {
				to.WriteString("null")
				continue
			}
			n.Values[i].AppendJSON(to)
		}
		to.WriteByte(']')
	case Object:
		to.WriteByte('{')
		for i, first := 0, true; i < len(n.Values); i++ {
			if n.Values[i].Bad {
				continue
			}
			if !first {
				to.WriteByte(',')
			}
			appendString(to, n.keys[i].Text)
			to.WriteByte(':')
			n.Values[i].AppendJSON(to)
			first = false
		}
		to.WriteByte('}')
	}
}

func appendString(to *bytes.Buffer, s string) {
	special := func(r rune) bool { return r < ' ' || r == '"' || r == '\\' || r >= utf8.RuneSelf }
	if strings.ContainsFunc(s, special) {
		text, _ := json.Marshal(s) // never fails for a string
		to.Write(text)
		return
	}
	to.WriteByte('"')
	to.WriteString(s)
	to.WriteByte('"')
}
