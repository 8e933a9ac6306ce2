package yamltree

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"regexp"
	"strconv"
	"sync"
	"unicode/utf16"
	"unicode/utf8"
)

// Document is the text of one YAML document of a source.
type Document struct {
	Text []byte
	// line is the number of lines before the text in the source.
	line int
}

// Split returns the documents of a source that have content. Documents are parsed separately, so that a syntax error in one
// does not hide the problems of the others, and anchors do not reach across, as YAML requires. A source with too many
// documents is a problem, and none of them is returned.
func Split(source []byte, report func(Problem)) []Document {
	parts := atMarkers(withoutMarks(source))
	if len(parts) > maxDocuments {
		report(Problem{Rule: "too-large", Message: fmt.Sprintf("more than %d documents", maxDocuments), Remedy: "is this a manifest?"})
		return nil
	}
	documents := make([]Document, 0, len(parts))
	for _, d := range parts {
		documents = append(documents, concatenated(d)...)
	}
	return documents
}

// atMarkers cuts a source at its document markers. It stops after maxDocuments.
func atMarkers(data []byte) []Document {
	var documents []Document
	start, startLine := 0, 0
	cut := func(end int) {
		if !blank(data[start:end]) {
			documents = append(documents, Document{data[start:end], startLine})
		}
		startLine += bytes.Count(data[start:end], []byte("\n"))
		start = end
	}
	for at := range markers(data) {
		if len(documents) > maxDocuments {
			return documents
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
	return documents
}

// withoutMarks removes byte order marks. Concatenated files have one in the middle, too.
func withoutMarks(data []byte) []byte {
	const mark = "\ufeff"
	data = bytes.TrimPrefix(data, []byte(mark))
	if !bytes.Contains(data, []byte("\n"+mark)) {
		return data
	}
	return bytes.ReplaceAll(data, []byte("\n"+mark), []byte("\n"))
}

// concatenated splits a document that is a stream of JSON objects, as jq prints it and kubectl reads it. It returns any
// other document as it is.
func concatenated(d Document) []Document {
	if text := bytes.TrimSpace(d.Text); len(text) == 0 || text[0] != '{' {
		return []Document{d}
	}
	var all []Document
	decoder := json.NewDecoder(bytes.NewReader(d.Text))
	for start, line := 0, d.line; ; {
		var one json.RawMessage
		err := decoder.Decode(&one)
		if err == io.EOF && len(all) > 0 {
			return all
		}
		if err != nil || len(all) > maxDocuments {
			return []Document{d}
		}
		end := int(decoder.InputOffset())
		all = append(all, Document{inYAML(d.Text[start:end]), line})
		line += bytes.Count(d.Text[start:end], []byte("\n"))
		start = end
	}
}

// jsonEscapes matches escapes of JSON: an escaped slash and surrogate pairs, which the YAML parser does not know, and all others.
var jsonEscapes = sync.OnceValue(func() *regexp.Regexp { // most runs need none
	return regexp.MustCompile(`\\(?:/|u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|[^/])`)
})

// inYAML replaces the escapes of a JSON text by those of YAML. This shifts the columns after them on the same line.
func inYAML(text []byte) []byte {
	return jsonEscapes().ReplaceAllFunc(text, func(escape []byte) []byte {
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

// markers returns the offsets of "---" and "..." at the start of a line.
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

// isBreak reports whether r is a line break in YAML 1.1.
func isBreak(r rune) bool {
	return r == '\n' || r == '\r' || r == '\u0085' || r == '\u2028' || r == '\u2029'
}

// content returns the lines of text that are not empty, without surrounding blanks.
func content(text []byte) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for line := range bytes.FieldsFuncSeq(text, isBreak) {
			if line = bytes.Trim(line, " \t"); len(line) > 0 && !yield(line) {
				return
			}
		}
	}
}

// blank reports whether a document is empty but for its marker and comments.
func blank(text []byte) bool {
	for line := range content(bytes.TrimPrefix(text, []byte("---"))) {
		if line[0] != '#' {
			return false
		}
	}
	return true
}

// onlyDirectives reports whether text holds nothing but directives like "%YAML 1.1", which belong to the document after the
// marker.
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

// directives returns the number of directives before the content of a document.
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
