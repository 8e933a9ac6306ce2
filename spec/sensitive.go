package spec

import (
	"bytes"
	"regexp"
	"strings"
	"sync"

	"github.com/ktask/ktask/spec/yamltree"
)

// kindBefore matches the key kind, at the end of a text.
var kindBefore = regexp.MustCompile(`(?i)\bkind["']?\s*$`)

// meantSecret reports whether a text has an object of kind Secret, in whatever case and even if the rest is broken.
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

// repeated matches what a message of the parser quotes of the text.
var repeated = regexp.MustCompile(`"(?:[^"\\]|\\.)*"|'[^']*'`)

// hidden replaces a quotation, except single marks like ',' and ']': these are what the parser expected.
func hidden(quoted string) string {
	if inner := quoted[1 : len(quoted)-1]; len(inner) == 1 && strings.Contains(",:]}", inner) {
		return quoted
	}
	return "(not shown)"
}

// parse returns the tree of a document and passes its problems to add. If the document holds a Secret, any part of the text
// may be a value of it. Then neither the line is shown nor what the parser quotes: a password that begins with an asterisk or
// an exclamation mark is an alias or a tag in YAML.
func parse(r *reporter, d yamltree.Document, add func(yamltree.Problem, Problem)) *yamltree.Node {
	// Most documents have no problem, and hostile ones have millions.
	secret := sync.OnceValue(func() bool { return r.options.Sensitive || meantSecret(d.Text) || meantTestSecrets(d.Text) })
	return d.Parse(func(found yamltree.Problem) {
		p := r.parserProblem(found)
		if p.Sensitive = secret(); p.Sensitive && p.Rule == "syntax" {
			p.Message = repeated.ReplaceAllStringFunc(p.Message, hidden)
		}
		add(found, p)
	})
}
