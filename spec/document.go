package spec

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"regexp"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// maxDocument bounds one YAML document, in bytes. The API server refuses objects of a fifth of that, so
// nothing that a cluster could hold is lost, and a stray archive ends in a clear error instead of in swap.
const maxDocument = 8 << 20

// maxParts bounds the lines, list items and keys of a document. The parser takes some hundred bytes for each value,
// which of the smallest values makes gigabytes.
const maxParts = 400_000

// maxDocuments bounds the documents of one source: a parser is made for each.
const maxDocuments = 50_000

// maxDirectives bounds the directives of a document, through all of which the parser looks for each new one.
const maxDirectives = 100

// chunk is one YAML document of a source, as text.
type chunk struct {
	text []byte
	// line is the line of the source, from 0, on which the text starts.
	line int
}

// split cuts a source at its document markers, and gives up after maxDocuments. Documents are parsed one by one so that a syntax error in
// one does not hide the problems of the others, and anchors do not reach across, as YAML wants it.
func split(data []byte) []chunk {
	data = withoutMarks(data)
	var chunks []chunk
	start, startLine := 0, 0
	cut := func(end int) {
		if !blank(data[start:end]) {
			chunks = append(chunks, chunk{data[start:end], startLine})
		}
		startLine += bytes.Count(data[start:end], []byte("\n"))
		start = end
	}
	for at := range markers(data) {
		if len(chunks) > maxDocuments {
			return chunks
		}
		switch {
		case data[at] == '.':
			cut(at)
			start += markerSize
		case !onlyDirectives(data[start:at]):
			cut(at)
		}
	}
	cut(len(data))
	return chunks
}

// withoutMarks leaves out byte order marks: files that were put behind each other have one in the middle.
func withoutMarks(data []byte) []byte {
	const mark = "\ufeff"
	data = bytes.TrimPrefix(data, []byte(mark))
	if !bytes.Contains(data, []byte("\n"+mark)) {
		return data
	}
	return bytes.ReplaceAll(data, []byte("\n"+mark), []byte("\n"))
}

// concatenated takes a chunk of several JSON objects apart: kubectl reads what jq prints. One that holds anything else
// stays as it is.
func concatenated(c chunk) []chunk {
	if text := bytes.TrimSpace(c.text); len(text) == 0 || text[0] != '{' {
		return []chunk{c}
	}
	var all []chunk
	decoder := json.NewDecoder(bytes.NewReader(c.text))
	for start, line := 0, c.line; ; {
		var one json.RawMessage
		err := decoder.Decode(&one)
		if err == io.EOF && len(all) > 0 {
			return all
		}
		if err != nil || len(all) > maxDocuments {
			return []chunk{c}
		}
		end := int(decoder.InputOffset())
		all = append(all, chunk{inYAML(c.text[start:end]), line})
		line += bytes.Count(c.text[start:end], []byte("\n"))
		start = end
	}
}

// jsonEscapes are those of JSON that the YAML parser does not know: a slash, and characters in two halves.
var jsonEscapes = regexp.MustCompile(`\\(?:/|u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|[^/])`)

// inYAML writes the escapes of a JSON text as YAML has them. What comes behind one on its line moves by a few columns.
func inYAML(text []byte) []byte {
	return jsonEscapes.ReplaceAllFunc(text, func(escape []byte) []byte {
		switch {
		case escape[1] == '/':
			return []byte("/")
		case len(escape) == 12:
			high, _ := strconv.ParseUint(string(escape[2:6]), 16, 16)
			low, _ := strconv.ParseUint(string(escape[8:12]), 16, 16)
			return fmt.Appendf(nil, `\U%08x`, utf16.DecodeRune(rune(high), rune(low)))
		}
		return escape
	})
}

const markerSize = len("---")

// markers gives the places of "---" and "..." at the start of a line.
func markers(data []byte) iter.Seq[int] {
	return func(yield func(int) bool) {
		next := func(marker string, from int) int {
			if n := bytes.Index(data[from:], []byte(marker)); n >= 0 {
				return from + n
			}
			return len(data)
		}
		dashes, dots := next("---", 0), next("...", 0)
		for {
			at := min(dashes, dots)
			if at == len(data) || isMarker(data, at) && !yield(at) {
				return
			}
			if at == dashes {
				dashes = next("---", at+1)
			} else {
				dots = next("...", at+1)
			}
		}
	}
}

func isMarker(data []byte, at int) bool {
	before, size := utf8.DecodeLastRune(data[:at])
	after, _ := utf8.DecodeRune(data[at+markerSize:])
	return (size == 0 || isBreak(before)) && (at+markerSize == len(data) || after == ' ' || after == '\t' || isBreak(after))
}

// isBreak knows the line breaks of YAML 1.1.
func isBreak(r rune) bool {
	return r == '\n' || r == '\r' || r == '\u0085' || r == '\u2028' || r == '\u2029'
}

// content is the lines of text that are not empty, without the blanks around them.
func content(text []byte) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for line := range bytes.FieldsFuncSeq(text, isBreak) {
			if line = bytes.Trim(line, " \t"); len(line) > 0 && !yield(line) {
				return
			}
		}
	}
}

// blank tells whether a chunk is a marker and comments, for which no parser need be made.
func blank(text []byte) bool {
	for line := range content(bytes.TrimPrefix(text, []byte("---"))) {
		if line[0] != '#' {
			return false
		}
	}
	return true
}

// onlyDirectives tells whether text is the "%YAML 1.1" lines that belong to the document after the separator.
func onlyDirectives(text []byte) bool {
	found := false
	for line := range content(text) {
		if line[0] != '%' && line[0] != '#' {
			return false
		}
		found = found || line[0] == '%'
	}
	return found
}

// directives counts the lines in front of a document that tell the parser how to read it.
func directives(text []byte) int {
	count := 0
	for line := range content(text) {
		switch line[0] {
		case '%':
			count++
		case '#':
		default:
			return count
		}
	}
	return count
}

// parse turns a chunk into a tree, or into problems. It returns nil for an empty document.
func parse(file string, c chunk, add func(Problem)) *node {
	if len(c.text) > maxDocument {
		add(Problem{Pos: Pos{File: file, Line: c.line + 1}, Severity: Error, Rule: "too-large",
			Message: "document of " + strconv.Itoa(len(c.text)>>20) + " MiB; the limit is " + strconv.Itoa(maxDocument>>20) + " MiB",
			Remedy:  "Kubernetes refuses objects over 1.5 MiB: is this a manifest?"})
		return nil
	}
	if c.parts() > maxParts {
		add(Problem{Pos: Pos{File: file, Line: c.line + 1}, Severity: Error, Rule: "too-large",
			Message: "more than " + strconv.Itoa(maxParts) + " lines and items in a document", Remedy: "is this a manifest?"})
		return nil
	}
	if !utf8.Valid(c.text) {
		add(notUTF8(file, c))
		return nil
	}
	if directives(c.text) > maxDirectives {
		add(Problem{Pos: Pos{File: file, Line: c.line + 1}, Severity: Error, Rule: "too-large",
			Message: "more than " + strconv.Itoa(maxDirectives) + " directives", Remedy: "a manifest needs none"})
		return nil
	}
	var root yaml.Node
	if err := unmarshal(c.text, &root); err != nil {
		add(syntaxProblem(file, c, err))
		return nil
	}
	if root.Kind == 0 || len(root.Content) == 0 {
		return nil
	}
	b := builder{file: file, line: c.line, add: add}
	tree := b.build(root.Content[0], nil)
	if int(tree.weight)-b.own > maxAliased {
		b.problem(root.Content[0], "too-large", "do without the nested aliases",
			"aliases make this document more than %d MiB larger than it is", maxAliased>>20)
		return nil
	}
	return tree
}

// parts is roughly the number of values: beside most of them is the end of a line, a comma or a question mark.
func (c chunk) parts() int {
	count := 0
	for _, end := range []string{"\n", "\r", ",", "?"} {
		count += bytes.Count(c.text, []byte(end))
	}
	return count
}

// unmarshal takes a panic of the parser, which is of no use to anyone, for a syntax error.
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
	// What stands behind the document, and is none of its own, would else be passed over.
	if err := decoder.Decode(&yaml.Node{}); err != io.EOF {
		return err
	}
	return nil
}
