package spec

import (
	"bytes"
	"regexp"
	"strings"
	"sync"
)

// kindBefore is what stands before a colon and the word Secret where it is a kind.
var kindBefore = regexp.MustCompile(`(?i)\bkind["']?\s*$`)

// meantSecret finds what is meant to be a Secret, in whatever case and however broken the rest of it is.
func meantSecret(text []byte) bool {
	const word, longest = "Secret", 64
	for from := 0; ; {
		at := bytes.IndexByte(text[from:], ':')
		if at < 0 {
			return false
		}
		at += from
		from = at + 1
		value := bytes.TrimLeft(text[from:min(from+longest, len(text))], " \t\r\n\"'")
		if len(value) >= len(word) && bytes.EqualFold(value[:len(word)], []byte(word)) && kindBefore.Match(text[max(0, at-longest):at]) {
			return true
		}
	}
}

// repeated finds what a message repeats of the text.
var repeated = regexp.MustCompile(`"(?:[^"\\]|\\.)*"|'[^']*'`)

// hidden is what is shown of it: the parser's own words for what it expected, which are single marks as ',' and ']' are.
func hidden(quoted string) string {
	if inner := quoted[1 : len(quoted)-1]; len(inner) == 1 && strings.Contains(",:]}", inner) {
		return quoted
	}
	return "(not shown)"
}

// guarded takes the problems that a parser has with a document. Where a Secret is in it, nobody knows which part of
// the text is a value, so neither the line may be shown nor what the parser quotes of it: a password that begins with
// an asterisk or an exclamation mark is an alias or a tag to YAML.
func guarded(c chunk, secret bool, add func(Problem)) func(Problem) {
	// Most documents have no problem, and a hostile one has millions.
	isSecret := sync.OnceValue(func() bool { return secret || meantSecret(c.text) })
	return func(p Problem) {
		if isSecret() {
			p.Sensitive = true
			if p.Rule == "syntax" {
				p.Message = repeated.ReplaceAllStringFunc(p.Message, hidden)
			}
		}
		add(p)
	}
}
