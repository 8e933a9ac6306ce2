package mask

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// quoting is how programs write a string in the syntax of a language, with a backslash before what has to be escaped.
type quoting struct {
	// letters are pairs: a character that is not printable ASCII and the letter that stands for it.
	letters string
	// numbers are the formats of other characters that are not printed: below 0x100, below 0x10000, and the rest.
	numbers [3]string
	printed func(rune) bool
}

var (
	pythonNumbers = [3]string{`\x%02x`, `\u%04x`, `\U%08x`}
	nodeNumbers   = [3]string{`\x%02X`, `\u%04X`, `\U%08X`}
	bashNumbers   = [3]string{`\%03o`, `\%03o`, `\%03o`}
)

// quotings lists those of languages that avoid double quotes if they can, so that they do not escape what JSON does.
var quotings = []quoting{
	{"\tt\nn\rr", pythonNumbers, unicode.IsPrint},                // Python's repr
	{"\tt\nn\rr", pythonNumbers, ascii},                          // Python's ascii, and the repr of bytes
	{"\bb\tt\nn\vv\ff\rr", pythonNumbers, notControl},            // Deno's console
	{"\bb\tt\nn\ff\rr", nodeNumbers, notControl},                 // Node's console
	{"\aa\bb\tt\nn\vv\ff\rr", pythonNumbers, unicode.IsPrint},    // Go's %q
	{"\aa\bb\tt\nn\vv\ff\rr\x1bE", bashNumbers, unicode.IsPrint}, // $'…' of bash
	{"\aa\bb\tt\nn\vv\ff\rr\x1bE", bashNumbers, ascii},           // $'…' of bash if LANG is not set
}

// escapedChars lists the printable characters that have a backslash before them, besides the backslash itself: no
// quotes or one kind, depending on the string; those of bash's declare; those of bash's printf %q.
var escapedChars = []string{"", "'", `"`, "\"$`", " \"'!$&()*,;<>?[]^`{|}"}

// inQuotes returns value as part of a quoted string, or nil if every language writes it unchanged.
func inQuotes(value string) []string {
	readings := []string{value}
	if wide := asBytes(value); wide != value {
		readings = append(readings, wide)
	}
	var sets []string
	for _, set := range escapedChars {
		sets = append(sets, intersect(set, value))
	}
	slices.Sort(sets)
	sets = slices.Compact(sets)
	if len(sets) == 1 && !strings.ContainsFunc(value, func(r rune) bool { return r == '\\' || !ascii(r) }) {
		return nil
	}
	var all []string
	for _, q := range quotings {
		for _, escaped := range sets {
			for _, reading := range readings {
				all = append(all, q.write(reading, escaped))
			}
		}
	}
	return all
}

// intersect returns the characters of set that are in text.
func intersect(set, text string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune(text, r) {
			return r
		}
		return -1
	}, set)
}

// write returns value as it stands between quotes, with a backslash before each character of escaped.
func (q quoting) write(value, escaped string) string {
	var b strings.Builder
	for len(value) > 0 {
		r, size := utf8.DecodeRuneInString(value)
		invalid := r == utf8.RuneError && size == 1
		letter := strings.IndexRune(q.letters, r)
		switch {
		case invalid:
			fmt.Fprintf(&b, q.numbers[1], 0xDC00|rune(value[0])) // Python reads such a byte of a variable as a surrogate
		case r == '\\' || strings.ContainsRune(escaped, r):
			b.WriteRune('\\')
			b.WriteRune(r)
		case letter >= 0 && !ascii(r):
			b.WriteString(`\` + q.letters[letter+size:letter+size+1])
		case q.printed(r):
			b.WriteRune(r)
		case r <= unicode.MaxLatin1:
			fmt.Fprintf(&b, q.numbers[0], r)
		case r <= 0xFFFF:
			fmt.Fprintf(&b, q.numbers[1], r)
		default:
			fmt.Fprintf(&b, q.numbers[2], r)
		}
		value = value[size:]
	}
	return b.String()
}

// asBytes returns a string with one character for each byte of value, which is how the repr of bytes reads it.
func asBytes(value string) string {
	runes := make([]rune, len(value))
	for i := range len(value) {
		runes[i] = rune(value[i])
	}
	return string(runes)
}

// inYAML returns value as PyYAML writes it between double quotes, with and without allow_unicode.
func inYAML(value string) []string {
	const letters = "\x000\aa\bb\tt\nn\vv\ff\rr\x1be\u0085N\u00a0_\u2028L\u2029P"
	return []string{
		quoting{letters, nodeNumbers, ascii}.write(value, `"`),
		quoting{strings.Replace(letters, "\u00a0_", "", 1), nodeNumbers, printedByPyYAML}.write(value, `"`),
	}
}

func printedByPyYAML(r rune) bool { return ascii(r) || r >= '\u00a0' && r <= '\ufffd' && r != '\ufeff' }

// ascii reports whether r is a printable character of ASCII.
func ascii(r rune) bool      { return r >= ' ' && r <= '~' }
func notControl(r rune) bool { return !unicode.IsControl(r) }

// inShell returns value as it stands between the single quotes of a shell. Dash and busybox leave out a pair of
// quotes at the end.
func inShell(value string) []string {
	var all []string
	for _, text := range []string{
		strings.ReplaceAll(value, "'", `'"'"'`),        // shlex
		singleQuotes.ReplaceAllString(value, `'"$0"'`), // dash, busybox
		strings.ReplaceAll(value, "'", `'\''`),         // bash
	} {
		all = append(all, text, strings.TrimSuffix(text, "'"))
	}
	return all
}

var singleQuotes = regexp.MustCompile(`'+`)
