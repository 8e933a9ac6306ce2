package plan

import (
	"bytes"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Printable returns text for people as they may see it: what a terminal would obey, and what reorders or hides text, is
// written as Go writes it in a string (\x1b, \u202e). Line breaks and tabs stay. No line is a command of GitHub Actions.
// All text that comes from manifests, file names, images, engines and tasks' messages is printed through it or OneLine.
func Printable(s string) string { return harmless(Escape(s, "\n\t")) }

// OneLine is Printable for text that must stay on its line: line breaks and tabs are escaped, too.
func OneLine(s string) string { return harmless(Escape(s, "")) }

// Escape is Printable with the characters of keep as they are, and with commands of GitHub Actions.
func Escape(s, keep string) string {
	if isPlain(s, keep) {
		return s
	}
	var b strings.Builder
	for len(s) > 0 {
		r, size := utf8.DecodeRuneInString(s)
		switch {
		case r == utf8.RuneError && size == 1:
			b.WriteString(`\x` + strconv.FormatUint(uint64(s[0])|0x100, 16)[1:])
		case IsPrintable(r) || strings.ContainsRune(keep, r):
			b.WriteString(s[:size])
		default:
			quoted := strconv.QuoteRuneToASCII(r)
			b.WriteString(quoted[1 : len(quoted)-1])
		}
		s = s[size:]
	}
	return b.String()
}

func isPlain(s, keep string) bool {
	ascii := 0 // the number of bytes that need no closer look, which in most texts are all
	for ascii < len(s) && ' ' <= s[ascii] && s[ascii] <= '~' {
		ascii++
	}
	s = s[ascii:]
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool {
		return !IsPrintable(r) && !strings.ContainsRune(keep, r)
	})
}

// IsPrintable reports whether a character is shown as it is: not C0, DEL, C1, marks of direction and separators of lines.
func IsPrintable(r rune) bool {
	return !unicode.IsControl(r) && !unicode.Is(unicode.Bidi_Control, r) && r != '\u2028' && r != '\u2029'
}

// EscapeJSON writes what Printable escapes as JSON escapes it, in JSON of which the encoder has escaped C0: the text stays
// the same for a program, and a terminal shows it.
func EscapeJSON(document []byte) []byte {
	if !bytes.ContainsFunc(document, func(r rune) bool { return !IsPrintable(r) && r != '\n' }) {
		return document
	}
	var b bytes.Buffer
	for _, r := range string(document) {
		if IsPrintable(r) || r == '\n' {
			b.WriteRune(r)
			continue
		}
		b.WriteString(`\u` + strconv.FormatInt(int64(r)|0x10000, 16)[1:])
	}
	return b.Bytes()
}

// commands are how the runner of GitHub Actions recognizes a command: "::" at the start of a line, "##[" anywhere in it.
var commands = regexp.MustCompile(`(?m)^[\s\p{Z}]*::|##\[`)

func harmless(s string) string {
	if !strings.Contains(s, "::") && !strings.Contains(s, "##[") {
		return s
	}
	return commands.ReplaceAllStringFunc(s, func(found string) string {
		if before, ok := strings.CutSuffix(found, "::"); ok {
			return before + `:\x3a`
		}
		return `#\x23[`
	})
}

// IsPlainPath reports whether a path to mount has no character that an engine may read as options of the mount: a comma,
// a double quote or a control character.
func IsPlainPath(path string) bool {
	return !strings.ContainsFunc(path, func(r rune) bool { return r == ',' || r == '"' || unicode.IsControl(r) })
}
