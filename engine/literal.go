package engine

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// literal is how programs write a string in the syntax of a language, with a backslash before what cannot stand as it is.
type literal struct {
	// letters are pairs: a character that is not plain ASCII and the letter that stands for it.
	letters string
	// formats are for other characters that are not printed: those below 0x100, below 0x10000, and the rest.
	formats [3]string
	printed func(rune) bool
}

var (
	inPython = [3]string{`\x%02x`, `\u%04x`, `\U%08x`}
	inNode   = [3]string{`\x%02X`, `\u%04X`, `\U%08X`}
	inBash   = [3]string{`\%03o`, `\%03o`, `\%03o`}
)

// literals are those of languages that do without double quotes where they can: what they escape is not what JSON does.
var literals = []literal{
	{"\tt\nn\rr", inPython, unicode.IsPrint},                // Python's repr
	{"\tt\nn\rr", inPython, ascii},                          // Python's ascii, and the repr of bytes
	{"\bb\tt\nn\vv\ff\rr", inPython, notControl},            // Deno's console
	{"\bb\tt\nn\ff\rr", inNode, notControl},                 // Node's
	{"\aa\bb\tt\nn\vv\ff\rr", inPython, unicode.IsPrint},    // Go
	{"\aa\bb\tt\nn\vv\ff\rr\x1bE", inBash, unicode.IsPrint}, // $'…' of bash
	{"\aa\bb\tt\nn\vv\ff\rr\x1bE", inBash, ascii},           // the same where LANG is not set
}

// inYAML are the forms between the double quotes of YAML as PyYAML writes them, at its own choice and with allow_unicode.
func inYAML(value string) []string {
	const letters = "\x000\aa\bb\tt\nn\vv\ff\rr\x1be\u0085N\u00a0_\u2028L\u2029P"
	return []string{
		literal{letters, inNode, ascii}.write(value, `"`),
		literal{strings.Replace(letters, "\u00a0_", "", 1), inNode, printedByPyYAML}.write(value, `"`),
	}
}

func printedByPyYAML(r rune) bool { return ascii(r) || r >= '\u00a0' && r <= '\ufffd' && r != '\ufeff' }

func ascii(r rune) bool      { return r >= ' ' && r <= '~' }
func notControl(r rune) bool { return !unicode.IsControl(r) }

// escapedToo are the characters that have a backslash before them besides the backslash: none or one kind of quotes,
// by what else the string holds; those of bash's declare, and of its printf %q.
var escapedToo = []string{"", "'", `"`, "\"$`", " \"'!$&()*,;<>?[]^`{|}"}

// inLiterals are the forms as part of a string in the syntax of a language; none where they are the value itself.
func inLiterals(value string) []string {
	readings := []string{value}
	if wide := bytewise(value); wide != value {
		readings = append(readings, wide)
	}
	var sets []string
	for _, set := range escapedToo {
		sets = append(sets, common(set, value))
	}
	slices.Sort(sets)
	sets = slices.Compact(sets)
	if len(sets) == 1 && !strings.ContainsFunc(value, func(r rune) bool { return r == '\\' || !ascii(r) }) {
		return nil
	}
	var all []string
	for _, l := range literals {
		for _, escaped := range sets {
			for _, reading := range readings {
				all = append(all, l.write(reading, escaped))
			}
		}
	}
	return all
}

// common are the characters of set that are in text.
func common(set, text string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune(text, r) {
			return r
		}
		return -1
	}, set)
}

func (l literal) write(value, escaped string) string {
	var b strings.Builder
	for len(value) > 0 {
		r, size := utf8.DecodeRuneInString(value)
		invalid := r == utf8.RuneError && size == 1
		letter := strings.IndexRune(l.letters, r)
		switch {
		case invalid:
			fmt.Fprintf(&b, l.formats[1], 0xDC00|rune(value[0])) // as Python reads variables
		case r == '\\' || strings.ContainsRune(escaped, r):
			b.WriteRune('\\')
			b.WriteRune(r)
		case letter >= 0 && !ascii(r):
			b.WriteString(`\` + l.letters[letter+size:letter+size+1])
		case l.printed(r):
			b.WriteRune(r)
		case r <= unicode.MaxLatin1:
			fmt.Fprintf(&b, l.formats[0], r)
		case r <= 0xFFFF:
			fmt.Fprintf(&b, l.formats[1], r)
		default:
			fmt.Fprintf(&b, l.formats[2], r)
		}
		value = value[size:]
	}
	return b.String()
}

// bytewise has a character for each byte: a string of bytes is written as one of such characters.
func bytewise(value string) string {
	runes := make([]rune, len(value))
	for i := range len(value) {
		runes[i] = rune(value[i])
	}
	return string(runes)
}

// inShell are the forms between the single quotes of a shell, as with set -x: Python's shlex; dash and busybox, which leave
// out a pair of quotes at the end; bash.
func inShell(value string) []string {
	var all []string
	for _, text := range []string{
		strings.ReplaceAll(value, "'", `'"'"'`), singleQuotes.ReplaceAllString(value, `'"$0"'`), strings.ReplaceAll(value, "'", `'\''`),
	} {
		all = append(all, text, strings.TrimSuffix(text, "'"))
	}
	return all
}

var singleQuotes = regexp.MustCompile(`'+`)
