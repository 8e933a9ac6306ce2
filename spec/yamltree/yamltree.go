// Package yamltree reads YAML as kubectl does and keeps the place of every value.
//
// In comes the text of a file, which Split cuts into documents. Document.Parse returns a tree of Nodes with aliases and
// merge keys resolved and scalars read as YAML 1.1, which is what Kubernetes reads, or reports problems with their lines
// and columns. Limits bound the time and memory that hostile input takes. The package knows nothing of what manifests mean.
package yamltree

import (
	"bytes"
	"fmt"
	"io"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// The limits of a source and its documents.
const (
	// maxDocument is the size of a document in bytes. The API server refuses objects of a fifth of that.
	maxDocument = 8 << 20
	// maxParts is the number of lines, list items and keys of a document. The parser takes some hundred bytes for each value,
	// so the smallest values would take gigabytes.
	maxParts = 400_000
	// maxDocuments is the number of documents of a source: each one needs a parser.
	maxDocuments = 50_000
	// maxDirectives is the number of directives of a document. The parser compares each one with all before it.
	maxDirectives = 100
)

// Problem is an error in a source. Line and Column count from 1; 0 if the problem concerns the whole source or line.
type Problem struct {
	Line, Column int
	// Rule is a stable id in kebab case: syntax, too-large, duplicate-key, wrong-type or invalid-base64.
	Rule string
	// Message says what is wrong, and Remedy what to do about it, or is empty.
	Message, Remedy string
	// Key is the key of a duplicate-key.
	Key string
}

// Parse returns the tree of a document, or nil if the document is empty or cannot be parsed. It may report problems and
// return a tree nevertheless: values with a problem are marked as Bad.
func (d Document) Parse(report func(Problem)) *Node {
	if p := d.exceeded(); p != nil {
		p.Line, p.Rule = d.line+1, "too-large"
		report(*p)
		return nil
	}
	if !utf8.Valid(d.Text) {
		report(notUTF8(d))
		return nil
	}
	var root yaml.Node
	if err := unmarshal(d.Text, &root); err != nil {
		report(syntaxProblem(d, err))
		return nil
	}
	if root.Kind == 0 || len(root.Content) == 0 {
		return nil
	}
	b := builder{line: d.line, report: report}
	tree := b.build(root.Content[0], nil)
	if int(tree.weight)-b.own > maxAliased {
		b.problem(root.Content[0], "too-large", "do without the nested aliases",
			"aliases make this document more than %d MiB larger than it is", maxAliased>>20)
		return nil
	}
	return tree
}

// exceeded returns the problem of a document that is too large to be parsed, or nil.
func (d Document) exceeded() *Problem {
	switch {
	case len(d.Text) > maxDocument:
		return &Problem{Message: fmt.Sprintf("document of %d MiB; the limit is %d MiB", len(d.Text)>>20, maxDocument>>20),
			Remedy: "Kubernetes refuses objects over 1.5 MiB: is this a manifest?"}
	case d.parts() > maxParts:
		return &Problem{Message: fmt.Sprintf("more than %d lines and items in a document", maxParts), Remedy: "is this a manifest?"}
	case directives(d.Text) > maxDirectives:
		return &Problem{Message: fmt.Sprintf("more than %d directives", maxDirectives), Remedy: "a manifest needs none"}
	}
	return nil
}

// parts estimates the number of values: the end of a line, a comma or a question mark stands next to most of them.
func (d Document) parts() int {
	count := 0
	for _, end := range []string{"\n", "\r", ",", "?"} {
		count += bytes.Count(d.Text, []byte(end))
	}
	return count
}

// unmarshal parses a document. It returns a panic of the parser as a syntax error.
func unmarshal(text []byte, into *yaml.Node) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("yaml: the parser fails: %v", r)
		}
	}()
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	if err := decoder.Decode(into); err != nil {
		if err == io.EOF {
			return nil // no document
		}
		return err
	}
	// The decoder reads one document and would ignore what follows it.
	if err := decoder.Decode(&yaml.Node{}); err != io.EOF {
		return err
	}
	return nil
}
