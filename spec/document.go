package spec

import (
	"bytes"
	"regexp"
	"strconv"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// maxDocument bounds one YAML document, in bytes. The API server refuses objects of a fifth of that, so
// nothing that a cluster could hold is lost, and a stray archive ends in a clear error instead of in swap.
const maxDocument = 8 << 20

// chunk is one YAML document of a source, as text.
type chunk struct {
	text []byte
	// line is the line of the source, from 0, on which the text starts.
	line int
}

var separator = regexp.MustCompile(`^---(?:[ \t]|$)`)

// split cuts a source at its document separators. Documents are parsed one by one so that a syntax error in
// one does not hide the problems of the others, and anchors do not reach across, as YAML wants it.
func split(data []byte) []chunk {
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	var chunks []chunk
	start, startLine, line := 0, 0, 0
	for at := 0; at < len(data); line++ {
		end := len(data)
		if n := bytes.IndexByte(data[at:], '\n'); n >= 0 {
			end = at + n + 1
		}
		if separator.Match(bytes.TrimRight(data[at:end], "\r\n")) && at > start && !onlyDirectives(data[start:at]) {
			chunks = append(chunks, chunk{data[start:at], startLine})
			start, startLine = at, line
		}
		at = end
	}
	return append(chunks, chunk{data[start:], startLine})
}

// onlyDirectives tells whether text is the "%YAML 1.1" lines that belong to the document after the separator.
func onlyDirectives(text []byte) bool {
	found := false
	for line := range bytes.Lines(text) {
		line = bytes.TrimSpace(line)
		if len(line) > 0 && line[0] == '%' {
			found = true
		} else if len(line) > 0 && line[0] != '#' {
			return false
		}
	}
	return found
}

var yamlLine = regexp.MustCompile(`^yaml: (?:unmarshal errors:\n)?(?:\s*line (\d+): )?(?s:(.*))$`)

// parse turns a chunk into a tree, or into problems. It returns nil for an empty document.
func parse(file string, c chunk, add func(Problem)) *node {
	if len(c.text) > maxDocument {
		add(Problem{Pos: Pos{File: file, Line: c.line + 1}, Severity: Error, Rule: "too-large",
			Message: "document of " + strconv.Itoa(len(c.text)>>20) + " MiB; the limit is " + strconv.Itoa(maxDocument>>20) + " MiB",
			Remedy:  "Kubernetes refuses objects over 1.5 MiB: is this a manifest?"})
		return nil
	}
	if !utf8.Valid(c.text) {
		add(notUTF8(file, c))
		return nil
	}
	var root yaml.Node
	if err := yaml.Unmarshal(c.text, &root); err != nil {
		add(syntaxProblem(file, c, err))
		return nil
	}
	if root.Kind == 0 || len(root.Content) == 0 {
		return nil
	}
	b := builder{file: file, line: c.line, add: add, made: map[*yaml.Node]*node{}}
	return b.build(root.Content[0], nil)
}

func notUTF8(file string, c chunk) Problem {
	line, column := c.line+1, 1
	for rest := c.text; len(rest) > 0; {
		r, size := utf8.DecodeRune(rest)
		if r == utf8.RuneError && size == 1 {
			break
		}
		column++
		if r == '\n' {
			line, column = line+1, 1
		}
		rest = rest[size:]
	}
	return Problem{Pos: Pos{File: file, Line: line, Column: column}, Severity: Error, Rule: "syntax",
		Message: "not UTF-8 text", Remedy: "save the file as UTF-8"}
}

// syntaxProblem finds the place in the parser's message. The parser names lines only, and for an error at the
// start of a line sometimes the one before; a tab in the indentation, the usual cause, is looked for here.
func syntaxProblem(file string, c chunk, err error) Problem {
	p := Problem{Pos: Pos{File: file, Line: c.line + 1, Column: 1}, Severity: Error, Rule: "syntax", Message: err.Error()}
	if m := yamlLine.FindStringSubmatch(err.Error()); m != nil {
		p.Message = m[2]
		if n, err := strconv.Atoi(m[1]); err == nil {
			p.Pos.Line = c.line + n
		}
	}
	lines := bytes.Split(c.text, []byte("\n"))
	for n := p.Pos.Line - c.line; n <= p.Pos.Line-c.line+1 && n <= len(lines); n++ {
		if n < 1 {
			continue
		}
		text := lines[n-1]
		indent := text[:len(text)-len(bytes.TrimLeft(text, " \t"))]
		if tab := bytes.IndexByte(indent, '\t'); tab >= 0 {
			p.Pos.Line, p.Pos.Column = c.line+n, tab+1
			p.Message, p.Remedy = "a tab in the indentation", "YAML is indented with spaces"
			return p
		}
	}
	if n := p.Pos.Line - c.line; n >= 1 && n <= len(lines) {
		p.Pos.Column = 1 + len(lines[n-1]) - len(bytes.TrimLeft(lines[n-1], " "))
		if bytes.Contains(c.text, []byte("{{")) {
			p.Remedy = "a Helm template? Render it first: helm template . | ktask run -"
		}
	}
	return p
}
