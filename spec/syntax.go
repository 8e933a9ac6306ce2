package spec

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

// helmRemedy is for text that holds {{, which in YAML is an object as a key.
const helmRemedy = "a Helm template? Render it first: helm template . | ktask run -"

var yamlLine = regexp.MustCompile(`^yaml: (?:unmarshal errors:\n)?(?:\s*line (\d+): )?(?s:(.*))$`)

// firstBroken is the number, from 1, of the line that breaks a document, where it is one that usually does: indented with
// a tab, or of a template. The parser names the beginning of what it could not finish, often far above.
func firstBroken(c chunk, lines [][]byte, reported int) (number int, ok bool) {
	const most, longest = 20, 64 << 10 // each costs a parser
	if len(c.text) > longest {
		return 0, false
	}
	for n := max(reported, 1); n <= len(lines) && n < reported+most; n++ {
		text := bytes.TrimLeft(lines[n-1], " ")
		if !bytes.HasPrefix(text, []byte("\t")) && !bytes.Contains(text, []byte("{{")) {
			continue
		}
		before := bytes.Join(lines[:n-1], []byte("\n"))
		if unmarshal(before, new(yaml.Node)) == nil && unmarshal(append(append(before, '\n'), lines[n-1]...), new(yaml.Node)) != nil {
			return n, true
		}
	}
	return 0, false
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

var unknownAnchor = regexp.MustCompile(`unknown anchor '(.*)' referenced`)

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
	if strings.Contains(p.Message, "expected <document start>") {
		p.Message, p.Remedy = "text behind the end of the document", "put --- between two documents"
		decoder := json.NewDecoder(bytes.NewReader(c.text))
		if decoder.Decode(&json.RawMessage{}) == nil {
			before := c.text[:len(c.text)-len(bytes.TrimLeft(c.text[decoder.InputOffset():], " \t\r\n"))]
			p.Pos.Line = c.line + 1 + bytes.Count(before, []byte("\n"))
			p.Pos.Column = 1 + utf8.RuneCount(before[bytes.LastIndexByte(before, '\n')+1:])
		}
		return p
	}
	if n, ok := firstBroken(c, lines, p.Pos.Line-c.line); ok {
		p.Pos.Line = c.line + n
	}
	if m := unknownAnchor.FindStringSubmatch(p.Message); m != nil {
		alias := regexp.MustCompile(`\*` + regexp.QuoteMeta(m[1]) + `(?:[\s,\]}]|$)`)
		for n, text := range lines {
			if at := alias.FindIndex(text); at != nil {
				p.Pos.Line, p.Pos.Column = c.line+n+1, utf8.RuneCount(text[:at[0]])+1
				break
			}
		}
		p.Message, p.Remedy = fmt.Sprintf("there is no anchor %q before its use", m[1]), "an anchor holds within its document"
		return p
	}
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
			p.Remedy = helmRemedy
		}
	}
	return p
}
