package spec

import (
	"bytes"
	"encoding/json"
	"math"
	"slices"
	"strings"
	"unicode/utf8"
)

type kind uint8

const (
	nullKind kind = iota
	boolKind
	numberKind
	stringKind
	listKind
	objectKind
)

func (k kind) String() string {
	return [...]string{"null", "a boolean", "a number", "a string", "a list", "an object"}[k]
}

// style is how a string is written, as far as the lines of its text depend on it.
type style uint8

const (
	inlineStyle  style = iota // quoted or plain
	literalStyle              // behind a |, the text starts on the next line
	foldedStyle               // behind a >, the same with lines joined
	base64Style
)

// node is a value of a document: aliases and merge keys resolved, scalars read as YAML 1.1 like kubectl reads
// them (sigs.k8s.io/yaml), with its place. Aliased values are shared, so a tree takes no more memory than its text.
type node struct {
	// text is the string, or the JSON literal of a boolean or number; source is a plain scalar as it was written.
	text     string
	source   string
	*members         // of an object
	values   []*node // of an object, beside its keys; or the items of a list
	// weight is roughly the bytes of the value as JSON, what an alias stands for counted every time.
	weight int32
	line   int32
	column int32
	kind   kind
	style  style
	// bad is true once a problem was reported: such a value is left out of what is decoded.
	bad bool
}

func (n *node) field(name string) *node {
	_, value := n.entry(name)
	return value
}

// entry is the key and the value of a field, nil where it is not there.
func (n *node) entry(name string) (key, value *node) {
	if n == nil || n.kind != objectKind {
		return nil, nil
	}
	if i := n.find(name); i >= 0 {
		return n.keys[i], n.values[i]
	}
	return nil, nil
}

// before tells whether n stands in front of other in the document.
func (n *node) before(other *node) bool {
	return n.line < other.line || n.line == other.line && n.column < other.column
}

// put adds a field that the object does not have yet.
func (n *node) put(key, value *node) {
	n.members.add(key)
	n.values = append(n.values, value)
	n.gain(key.weight)
	n.gain(value.weight)
}

func (n *node) gain(weight int32) { n.weight += min(weight, math.MaxInt32-n.weight) }

// members are the keys of an object, in their order.
type members struct {
	keys  []*node
	index map[string]int // nil where the keys are few
}

// fewKeys is how many keys are faster to look through than to index.
const fewKeys = 16

func (m *members) find(name string) int {
	if m.index != nil {
		if i, ok := m.index[name]; ok {
			return i
		}
		return -1
	}
	return slices.IndexFunc(m.keys, func(k *node) bool { return k.text == name })
}

func (m *members) add(key *node) {
	m.keys = append(m.keys, key)
	switch {
	case m.index != nil:
		m.index[key.text] = len(m.keys) - 1
	case len(m.keys) > fewKeys:
		m.index = make(map[string]int, cap(m.keys))
		for i, k := range m.keys {
			m.index[k.text] = i
		}
	}
}

// appendJSON writes the tree as JSON, leaving out what is bad.
func (n *node) appendJSON(to *bytes.Buffer) {
	switch n.kind {
	case nullKind, boolKind, numberKind:
		if infinite(n.text) {
			to.WriteString("null") // where anything goes; elsewhere it was reported
			return
		}
		to.WriteString(n.text)
	case stringKind:
		appendString(to, n.text)
	case listKind:
		to.WriteByte('[')
		for i := range n.values {
			if i > 0 {
				to.WriteByte(',')
			}
			if n.values[i].bad {
				to.WriteString("null") // keeps the places of the others
				continue
			}
			n.values[i].appendJSON(to)
		}
		to.WriteByte(']')
	case objectKind:
		to.WriteByte('{')
		for i, first := 0, true; i < len(n.values); i++ {
			if n.values[i].bad {
				continue
			}
			if !first {
				to.WriteByte(',')
			}
			appendString(to, n.keys[i].text)
			to.WriteByte(':')
			n.values[i].appendJSON(to)
			first = false
		}
		to.WriteByte('}')
	}
}

func appendString(to *bytes.Buffer, s string) {
	special := func(r rune) bool { return r < ' ' || r == '"' || r == '\\' || r >= utf8.RuneSelf }
	if strings.ContainsFunc(s, special) {
		text, _ := json.Marshal(s) // a string always has JSON
		to.Write(text)
		return
	}
	to.WriteByte('"')
	to.WriteString(s)
	to.WriteByte('"')
}
