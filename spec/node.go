package spec

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	yaml2 "go.yaml.in/yaml/v2"
	"go.yaml.in/yaml/v3"
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

// node is a value of a document: aliases and merge keys resolved, scalars read as YAML 1.1 like kubectl reads
// them (sigs.k8s.io/yaml), with its place. Aliased values are shared, so a tree takes no more memory than its text.
type node struct {
	// text is the string, or the JSON literal of a boolean or number; source is a plain scalar as it was written.
	text   string
	source string
	keys   []*node
	values []*node // of an object, beside keys; or the items of a list
	line   int32
	column int32
	kind   kind
	// block is true for | and > scalars, whose text starts on the next line.
	block bool
	// bad is true once a problem was reported: such a value is left out of what is decoded.
	bad bool
}

func (n *node) field(name string) *node {
	if n == nil || n.kind != objectKind {
		return nil
	}
	for i, k := range n.keys {
		if k.text == name {
			return n.values[i]
		}
	}
	return nil
}

// builder turns the parser's nodes into ours.
type builder struct {
	file    string
	line    int
	add     func(Problem)
	made    map[*yaml.Node]*node
	scalars map[string]node
	merged  int
}

// maxMerged bounds the keys that merge keys copy within a document.
const maxMerged = 100_000

func (b *builder) pos(n *yaml.Node) Pos {
	return Pos{File: b.file, Line: b.line + n.Line, Column: n.Column}
}

func (b *builder) problem(n *yaml.Node, rule, remedy, format string, args ...any) {
	b.add(Problem{Pos: b.pos(n), Severity: Error, Rule: rule, Message: fmt.Sprintf(format, args...), Remedy: remedy})
}

// build makes the tree of n. The parser gives an alias that contains itself as a cycle; made holds a nil for a
// node that is under way, which finds it.
func (b *builder) build(n *yaml.Node, at *yaml.Node) *node {
	if at == nil {
		at = n
	}
	if n.Kind == yaml.AliasNode {
		return b.build(n.Alias, n)
	}
	if made, seen := b.made[n]; seen {
		if made == nil {
			b.problem(at, "syntax", "", "anchor %q contains itself", n.Anchor)
			return &node{line: int32(b.line + at.Line), column: int32(at.Column), bad: true}
		}
		return made
	}
	b.made[n] = nil
	var made *node
	switch n.Kind {
	case yaml.ScalarNode:
		made = b.scalar(n)
	case yaml.SequenceNode:
		made = &node{kind: listKind, values: make([]*node, len(n.Content))}
		for i, item := range n.Content {
			made.values[i] = b.build(item, nil)
		}
	default:
		made = b.object(n)
	}
	made.line, made.column = int32(b.line+n.Line), int32(n.Column)
	b.made[n] = made
	return made
}

func (b *builder) object(n *yaml.Node) *node {
	o := &node{kind: objectKind, keys: make([]*node, 0, len(n.Content)/2), values: make([]*node, 0, len(n.Content)/2)}
	seen := make(map[string]*yaml.Node, len(n.Content)/2)
	var merges []*yaml.Node
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if isMerge(key) {
			merges = append(merges, value)
			continue
		}
		k := b.build(key, nil)
		if k.kind == listKind || k.kind == objectKind {
			b.problem(key, "wrong-type", "", "a key must be a scalar, not %s", k.kind)
			continue
		}
		if first, twice := seen[k.text]; twice {
			b.problem(key, "duplicate-key", "keep one of them", "key %q is given twice; the first is on line %d", k.text, b.line+first.Line)
			continue
		}
		seen[k.text] = key
		o.keys, o.values = append(o.keys, k), append(o.values, b.build(value, nil))
	}
	for _, m := range merges {
		b.merge(o, m, seen)
	}
	return o
}

func isMerge(key *yaml.Node) bool {
	return key.Kind == yaml.ScalarNode && key.Value == "<<" && key.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle) == 0
}

// merge copies the keys that o lacks: an explicit key wins over a merged one, an earlier merge over a later one.
func (b *builder) merge(o *node, from *yaml.Node, seen map[string]*yaml.Node) {
	tree := b.build(from, nil)
	sources := []*node{tree}
	if tree.kind == listKind {
		sources = tree.values
	}
	for _, s := range sources {
		if s.bad {
			continue
		}
		if s.kind != objectKind {
			b.problem(from, "wrong-type", "", "a merge key takes an object or a list of objects, not %s", s.kind)
			return
		}
		if b.merged += len(s.keys); b.merged > maxMerged {
			b.problem(from, "too-large", "", "merge keys copy more than %d keys", maxMerged)
			return
		}
		for i, k := range s.keys {
			if _, has := seen[k.text]; !has {
				seen[k.text] = from
				o.keys, o.values = append(o.keys, k), append(o.values, s.values[i])
			}
		}
	}
}

// scalar gives a scalar its YAML 1.1 meaning.
func (b *builder) scalar(n *yaml.Node) *node {
	const quoted = yaml.DoubleQuotedStyle | yaml.SingleQuotedStyle | yaml.LiteralStyle | yaml.FoldedStyle
	explicit := n.Style&yaml.TaggedStyle != 0
	if explicit && n.Tag != "!!str" {
		return b.tagged(n)
	}
	if n.Style&quoted != 0 || explicit || !ambiguous(n.Value) {
		return &node{kind: stringKind, text: n.Value, block: n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0}
	}
	known, ok := b.scalars[n.Value]
	if !ok {
		known = resolveScalar(n.Value)
		if b.scalars == nil {
			b.scalars = map[string]node{}
		}
		b.scalars[n.Value] = known
	}
	return &known
}

func (b *builder) tagged(n *yaml.Node) *node {
	switch n.Tag {
	case "!!int", "!!float", "!!bool", "!!null", "!":
		if n.Tag == "!" {
			return &node{kind: stringKind, text: n.Value}
		}
		resolved := resolveScalar(n.Value)
		return &resolved
	case "!!binary", "!!timestamp":
		return &node{kind: stringKind, text: n.Value}
	}
	b.problem(n, "syntax", "a manifest is plain data", "unknown tag %q", n.Tag)
	return &node{kind: stringKind, text: n.Value, bad: true}
}

// ambiguous is false for most words: those that no YAML 1.1 rule reads as anything but a string.
func ambiguous(s string) bool {
	return s == "" || strings.IndexByte("yYnNtTfFoO~.+-0123456789", s[0]) >= 0
}

// resolveScalar asks kubectl's own YAML 1.1 reader what a plain scalar is.
func resolveScalar(s string) node {
	var value any
	if err := yaml2.Unmarshal([]byte(s), &value); err != nil {
		return node{kind: stringKind, text: s, source: s}
	}
	switch v := value.(type) {
	case nil:
		return node{kind: nullKind, text: "null", source: s}
	case bool:
		return node{kind: boolKind, text: strconv.FormatBool(v), source: s}
	case int, int64, uint64, float64:
		if text, err := json.Marshal(v); err == nil {
			return node{kind: numberKind, text: string(text), source: s}
		}
	}
	// A date, an infinity: text, as it was written.
	return node{kind: stringKind, text: s, source: s}
}

// appendJSON writes the tree as JSON, leaving out what is bad.
func (n *node) appendJSON(to *bytes.Buffer) {
	switch n.kind {
	case nullKind, boolKind, numberKind:
		to.WriteString(n.text)
	case stringKind:
		text, _ := json.Marshal(n.text) // a string always has JSON
		to.Write(text)
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
			text, _ := json.Marshal(n.keys[i].text)
			to.Write(text)
			to.WriteByte(':')
			n.values[i].appendJSON(to)
			first = false
		}
		to.WriteByte('}')
	}
}
