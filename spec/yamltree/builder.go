package yamltree

import (
	"encoding/base64"
	"fmt"

	"go.yaml.in/yaml/v3"
)

// builder builds a tree from the nodes of the YAML parser.
type builder struct {
	line   int // lines before the document
	report func(Problem)
	// anchored holds the values that have an anchor; nil for one that is being built.
	anchored map[*yaml.Node]*Node
	merged   int // keys copied by merge keys
	// own is the weight of the document as it is written, without what aliases and merge keys add.
	own int
}

const (
	// maxMerged is the number of keys that merge keys may copy within a document.
	maxMerged = 200_000
	// maxAliased is the weight that aliases and merge keys may add to a document: with aliases of aliases, a few lines expand
	// to billions.
	maxAliased = 8 << 20
)

func (b *builder) problem(n *yaml.Node, rule, remedy, format string, args ...any) {
	b.report(Problem{Line: b.line + n.Line, Column: n.Column, Rule: rule, Message: fmt.Sprintf(format, args...), Remedy: remedy})
}

// build returns the tree of n. Problems are reported at the alias, if n was reached by one: the parser returns an anchor
// that contains itself as a cycle.
func (b *builder) build(n *yaml.Node, at *yaml.Node) *Node {
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
			return &Node{Line: int32(b.line + at.Line), Column: int32(at.Column), Bad: true}
		}
		if b.anchored == nil {
			b.anchored = map[*yaml.Node]*Node{}
		}
		b.anchored[n] = nil
	}
	made := b.value(n)
	made.Line, made.Column = int32(b.line+n.Line), int32(n.Column)
	if n.Anchor != "" {
		b.anchored[n] = made
	}
	return made
}

// emptyWeight is the weight of a value without its text: brackets, or the word null.
const emptyWeight = 8

func (b *builder) value(n *yaml.Node) *Node {
	b.own += emptyWeight
	switch n.Kind {
	case yaml.ScalarNode:
		scalar := b.scalar(n)
		scalar.weight = int32(emptyWeight + len(scalar.Text))
		b.own += len(scalar.Text)
		return scalar
	case yaml.SequenceNode:
		list := &Node{Kind: List, weight: emptyWeight, Values: make([]*Node, len(n.Content))}
		for i, item := range n.Content {
			list.Values[i] = b.build(item, nil)
			list.gain(list.Values[i].weight)
		}
		return list
	}
	return b.object(n)
}

func (b *builder) object(n *yaml.Node) *Node {
	size := len(n.Content) / 2
	o := &Node{Kind: Object, weight: emptyWeight, members: &members{keys: make([]*Node, 0, size)}, Values: make([]*Node, 0, size)}
	var merges []*yaml.Node
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if isMerge(key) {
			merges = append(merges, value)
			continue
		}
		k := b.build(key, nil)
		if k.Kind == List || k.Kind == Object {
			remedy := ""
			if k.Kind == Object && key.Line == n.Line && key.Column == n.Column+1 { // {{
				remedy, o.Bad = helmRemedy, true
			}
			b.problem(key, "wrong-type", remedy, "a key must be a scalar, not %s", k.Kind)
			continue
		}
		if i := o.find(k.Text); i >= 0 {
			b.report(Problem{
				Line: b.line + key.Line, Column: key.Column, Rule: "duplicate-key", Remedy: "keep one of them", Key: k.Text,
				Message: fmt.Sprintf("key %q is given twice; the first is on line %d", k.Text, o.keys[i].Line),
			})
			o.Values[i] = b.build(value, nil) // kubectl uses the last one
			o.gain(o.Values[i].weight)
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

// merge copies the keys that o does not have: an explicit key overrides a merged one, and an earlier merge a later one.
func (b *builder) merge(o *Node, from *yaml.Node) {
	tree := b.build(from, nil)
	sources := []*Node{tree}
	if tree.Kind == List {
		sources = tree.Values
	}
	for _, s := range sources {
		if s.Bad {
			continue
		}
		if s.Kind != Object {
			b.problem(from, "wrong-type", "", "a merge key takes an object or a list of objects, not %s", s.Kind)
			return
		}
		if b.merged += len(s.keys); b.merged > maxMerged {
			b.problem(from, "too-large", "", "merge keys copy more than %d keys", maxMerged)
			return
		}
		for i, k := range s.keys {
			if o.find(k.Text) < 0 {
				o.put(k, s.Values[i])
			}
		}
	}
}

// scalar returns a scalar with its YAML 1.1 meaning.
func (b *builder) scalar(n *yaml.Node) *Node {
	const quoted = yaml.DoubleQuotedStyle | yaml.SingleQuotedStyle | yaml.LiteralStyle | yaml.FoldedStyle
	explicit := n.Style&yaml.TaggedStyle != 0
	if explicit && n.Tag != "!!str" {
		return b.tagged(n)
	}
	if n.Style&quoted != 0 || explicit {
		text := &Node{Kind: String, Text: n.Value}
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

func (b *builder) tagged(n *yaml.Node) *Node {
	switch n.Tag {
	case "!!int", "!!float", "!!bool", "!!null", "!":
		if n.Tag == "!" {
			return &Node{Kind: String, Text: n.Value}
		}
		plain := plainScalar(n.Value)
		return &plain
	case "!!timestamp":
		return &Node{Kind: String, Text: n.Value}
	case "!!binary":
		return b.binary(n)
	}
	b.problem(n, "syntax", "a manifest is plain data", "unknown tag %q", n.Tag)
	return &Node{Kind: String, Text: n.Value, Bad: true}
}

// binary decodes a scalar in base64. Each byte that is not UTF-8 becomes a replacement character, because kubectl sends the
// value as JSON.
func (b *builder) binary(n *yaml.Node) *Node {
	text, err := base64.StdEncoding.DecodeString(n.Value)
	if err != nil {
		b.problem(n, "invalid-base64", "", "what is tagged !!binary is not base64")
	}
	return &Node{Kind: String, Text: string([]rune(string(text))), style: base64Style, Bad: err != nil}
}
