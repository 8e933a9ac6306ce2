package yamltree

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// helmRemedy is for text that contains {{, which in YAML is an object as a key.
const helmRemedy = "a Helm template? Render it first: helm template . | ktask run -"

var yamlLine = regexp.MustCompile(`^yaml: (?:unmarshal errors:\n)?(?:\s*line (\d+): )?(?s:(.*))$`)

// notUTF8 returns the problem of the first byte that is not UTF-8.
func notUTF8(d Document) Problem {
	line, column := d.line+1, 1
	for rest := d.Text; len(rest) > 0; {
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
	return Problem{Line: line, Column: column, Rule: "syntax", Message: "not UTF-8 text", Remedy: "save the file as UTF-8"}
}

// syntaxProblem returns a problem with the message of the parser and the most likely place. The parser reports only lines,
// often of the start of what it could not finish, and for an error at the start of a line sometimes the line before.
func syntaxProblem(d Document, err error) Problem {
	message, reported := err.Error(), 0
	if m := yamlLine.FindStringSubmatch(message); m != nil {
		message = m[2]
		reported, _ = strconv.Atoi(m[1]) // 0 if there is none
	}
	reported = max(reported, 1)
	lines := bytes.Split(d.Text, []byte("\n"))
	if strings.Contains(message, "expected <document start>") {
		return afterEnd(d, reported)
	}
	if n, ok := firstBroken(d.Text, lines, reported); ok {
		reported = n
	}
	if m := unknownAnchor.FindStringSubmatch(message); m != nil {
		return missingAnchor(d, lines, m[1], reported)
	}
	for n := reported; n <= min(reported+1, len(lines)); n++ {
		if tab := bytes.IndexByte(indent(lines[n-1], " \t"), '\t'); tab >= 0 {
			return Problem{Line: d.line + n, Column: tab + 1, Rule: "syntax",
				Message: "a tab in the indentation", Remedy: "YAML is indented with spaces"}
		}
	}
	p := Problem{Line: d.line + reported, Column: 1, Rule: "syntax", Message: message}
	if reported <= len(lines) {
		p.Column += len(indent(lines[reported-1], " "))
		if bytes.Contains(d.Text, []byte("{{")) {
			p.Remedy = helmRemedy
		}
	}
	return p
}

// indent returns the blanks at the start of a line.
func indent(line []byte, blanks string) []byte {
	return line[:len(line)-len(bytes.TrimLeft(line, blanks))]
}

// afterEnd returns the problem of text after the end of a document. If the document is JSON, its end is known exactly.
func afterEnd(d Document, reported int) Problem {
	p := Problem{Line: d.line + reported, Column: 1, Rule: "syntax",
		Message: "text after the end of the document", Remedy: "put --- between two documents"}
	decoder := json.NewDecoder(bytes.NewReader(d.Text))
	if decoder.Decode(&json.RawMessage{}) == nil {
		before := d.Text[:len(d.Text)-len(bytes.TrimLeft(d.Text[decoder.InputOffset():], " \t\r\n"))]
		p.Line = d.line + 1 + bytes.Count(before, []byte("\n"))
		p.Column = 1 + utf8.RuneCount(before[bytes.LastIndexByte(before, '\n')+1:])
	}
	return p
}

// firstBroken returns the number, from 1, of the first line that breaks a document, if it is indented with a tab or holds a
// template, which are the usual reasons.
func firstBroken(text []byte, lines [][]byte, reported int) (number int, ok bool) {
	const most, longest = 20, 64 << 10 // each line needs a parser
	if len(text) > longest {
		return 0, false
	}
	for n := reported; n <= len(lines) && n < reported+most; n++ {
		line := bytes.TrimLeft(lines[n-1], " ")
		if !bytes.HasPrefix(line, []byte("\t")) && !bytes.Contains(line, []byte("{{")) {
			continue
		}
		before := bytes.Join(lines[:n-1], []byte("\n"))
		if unmarshal(before, new(yaml.Node)) == nil && unmarshal(append(append(before, '\n'), lines[n-1]...), new(yaml.Node)) != nil {
			return n, true
		}
	}
	return 0, false
}

var unknownAnchor = regexp.MustCompile(`unknown anchor '(.*)' referenced`)

// missingAnchor returns the problem of an alias whose anchor does not exist, at the first use of the alias.
func missingAnchor(d Document, lines [][]byte, name string, reported int) Problem {
	p := Problem{Line: d.line + reported, Column: 1, Rule: "syntax",
		Message: fmt.Sprintf("there is no anchor %q before its use", name), Remedy: "an anchor holds within its document"}
	alias := regexp.MustCompile(`\*` + regexp.QuoteMeta(name) + `(?:[\s,\]}]|$)`)
	for n, text := range lines {
		if at := alias.FindIndex(text); at != nil {
			p.Line, p.Column = d.line+n+1, utf8.RuneCount(text[:at[0]])+1
			break
		}
	}
	return p
}
