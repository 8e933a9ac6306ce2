package spec

import (
	"encoding/base64"
	"fmt"

	"go.yaml.in/yaml/v3"
)

// builder turns the parser's nodes into ours.
type builder struct {
	file string
	line int
	add  func(Problem)
	// anchored are the values that an alias may stand for; a nil is one that is under way.
	anchored map[*yaml.Node]*node
	merged   int
	// own is the weight of what is written in the document, aliases and merge keys left as they are.
	own int
}

const (
	// maxMerged bounds the keys that merge keys copy within a document.
	maxMerged = 200_000
	// maxAliased bounds the weight that aliases and merge keys add to a document: aliases of aliases make few
	// lines mean billions.
	maxAliased = 8 << 20
)

func (b *builder) pos(n *yaml.Node) Pos {
	return Pos{File: b.file, Line: b.line + n.Line, Column: n.Column}
}

func (b *builder) problem(n *yaml.Node, rule, remedy, format string, args ...any) {
	b.add(Problem{Pos: b.pos(n), Severity: Error, Rule: rule, Message: fmt.Sprintf(format, args...), Remedy: remedy})
}

// build makes the tree of n. The parser gives an alias that contains itself as a cycle.
func (b *builder) build(n *yaml.Node, at *yaml.Node) *node {
	if at == nil {
		at = n
	}
	if n.Kind == yaml.AliasNode {
		return b.build(n.Alias, n)
	}
	if n.Anchor != "" {
		if made, seen := b.anchored[n]; made != nil {
			return made
		} else if seen {
			b.problem(at, "syntax", "", "anchor %q contains itself", n.Anchor)
			return &node{line: int32(b.line + at.Line), column: int32(at.Column), bad: true}
		}
		if b.anchored == nil {
			b.anchored = map[*yaml.Node]*node{}
		}
		b.anchored[n] = nil
	}
	made := b.value(n)
	made.line, made.column = int32(b.line+n.Line), int32(n.Column)
	if n.Anchor != "" {
		b.anchored[n] = made
	}
	return made
}

// emptyWeight is that of a value without a text: brackets, or the word null.
const emptyWeight = 8

func (b *builder) value(n *yaml.Node) *node {
	b.own += emptyWeight
	switch n.Kind {
	case yaml.ScalarNode:
		scalar := b.scalar(n)
		scalar.weight = int32(emptyWeight + len(scalar.text))
		b.own += len(scalar.text)
		return scalar
	case yaml.SequenceNode:
		list := &node{kind: listKind, weight: emptyWeight, values: make([]*node, len(n.Content))}
		for i, item := range n.Content {
			list.values[i] = b.build(item, nil)
			list.gain(list.values[i].weight)
		}
		return list
	}
	return b.object(n)
}

func (b *builder) object(n *yaml.Node) *node {
	size := len(n.Content) / 2
	o := &node{kind: objectKind, weight: emptyWeight, members: &members{keys: make([]*node, 0, size)}, values: make([]*node, 0, size)}
	var merges []*yaml.Node
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if isMerge(key) {
			merges = append(merges, value)
			continue
		}
		k := b.build(key, nil)
		if k.kind == listKind || k.kind == objectKind {
			remedy := ""
			if k.kind == objectKind && key.Line == n.Line && key.Column == n.Column+1 { // {{
				remedy = helmRemedy
			}
			b.problem(key, "wrong-type", remedy, "a key must be a scalar, not %s", k.kind)
			continue
		}
		if i := o.find(k.text); i >= 0 {
			b.problem(key, "duplicate-key", "keep one of them", "key %q is given twice; the first is on line %d", k.text, o.keys[i].line)
			continue
		}
		o.put(k, b.build(value, nil))
	}
	for _, m := range merges {
		b.merge(o, m)
	}
	return o
}

func isMerge(key *yaml.Node) bool {
	return key.Kind == yaml.ScalarNode && key.Value == "<<" && key.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle) == 0
}

// merge copies the keys that o lacks: an explicit key wins over a merged one, an earlier merge over a later one.
func (b *builder) merge(o *node, from *yaml.Node) {
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
			if o.find(k.text) < 0 {
				o.put(k, s.values[i])
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
	if n.Style&quoted != 0 || explicit {
		text := &node{kind: stringKind, text: n.Value}
		switch {
		case n.Style&yaml.FoldedStyle != 0:
			text.style = foldedStyle
		case n.Style&yaml.LiteralStyle != 0:
			text.style = literalStyle
		}
		return text
	}
	plain := plainScalar(n.Value)
	return &plain
}

func (b *builder) tagged(n *yaml.Node) *node {
	switch n.Tag {
	case "!!int", "!!float", "!!bool", "!!null", "!":
		if n.Tag == "!" {
			return &node{kind: stringKind, text: n.Value}
		}
		plain := plainScalar(n.Value)
		return &plain
	case "!!timestamp":
		return &node{kind: stringKind, text: n.Value}
	case "!!binary":
		return b.binary(n)
	}
	b.problem(n, "syntax", "a manifest is plain data", "unknown tag %q", n.Tag)
	return &node{kind: stringKind, text: n.Value, bad: true}
}

// binary decodes a scalar in base64. What is no text in it becomes replacement characters, one for each byte, since kubectl
// sends it on as JSON.
func (b *builder) binary(n *yaml.Node) *node {
	text, err := base64.StdEncoding.DecodeString(n.Value)
	if err != nil {
		b.problem(n, "invalid-base64", "", "what is tagged !!binary is not base64")
	}
	return &node{kind: stringKind, text: string([]rune(string(text))), style: base64Style, bad: err != nil}
}
