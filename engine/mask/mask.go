// Package mask hides the values of secrets in text and in streams of bytes.
//
// In go secrets and the output of programs, out goes the same output with plan.Mask in place of each value, also if a
// program has encoded or quoted it. The table in encoding.go lists the encodings. The package knows nothing of tasks
// and engines.
package mask

import (
	"bytes"
	"slices"
	"strings"

	"github.com/ktask/ktask/engine/plan"
)

// minLength is the length in bytes below which a value is not masked. Masking a shorter one would hide half of any
// output, and the places of the masks would still give it away.
const minLength = 4

// Mask finds the values of a set of secrets. It is immutable and safe for concurrent use. A nil Mask finds nothing.
type Mask struct {
	automaton automaton
	fragments fragments
	filter    gramFilter
}

// New returns a Mask that hides secrets in each encoding of the table, see encodings. It leaves out values that are too
// short, see Unmaskable, and returns nil if none is left.
func New(secrets []plan.Secret) *Mask { return build(secrets, encodingsOf, base64Texts) }

// NewPlain returns a Mask that hides secrets as they are and inside of JSON strings. It is for texts that no program has
// encoded, and cheap enough for the secrets of thousands of tasks.
func NewPlain(secrets []plan.Secret) *Mask {
	return build(secrets, plainEncodings, func(string) []string { return nil })
}

func build(secrets []plan.Secret, encodings, longTexts func(secret string) []string) *Mask {
	m := &Mask{automaton: newAutomaton()}
	var beginnings []string
	for _, s := range secrets {
		for _, text := range encodings(s.Reveal()) {
			m.automaton.add(text)
			beginnings = append(beginnings, text[:gramSize])
		}
		for _, text := range longTexts(s.Reveal()) {
			m.fragments.add(text)
		}
	}
	if m.automaton.empty() {
		return nil
	}
	m.automaton.link()
	m.fragments.link()
	m.filter = newGramFilter(len(beginnings) + len(m.fragments.texts))
	for _, text := range beginnings {
		m.filter.add(text, beginsEncoding)
	}
	for fragment := range m.fragments.set {
		for i := 0; i+gramSize <= len(fragment); i++ {
			m.filter.add(fragment[i:], inFragment)
		}
	}
	return m
}

// plainEncodings returns the parts of a secret, as they are and inside of a JSON string.
func plainEncodings(secret string) []string {
	var all []string
	for _, part := range parts(secret) {
		if !tooShort(part) {
			all = append(all, part, inJSON(part, true), inJSON(part, false))
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// encodingsOf returns all texts that are hidden for a secret. Base64 that is broken into lines is costly and applies
// to whole values only: it is unlikely that a single line of a key is part of something longer in base64.
func encodingsOf(secret string) []string {
	var all []string
	for _, part := range parts(secret) {
		all = append(all, encode(part)...)
	}
	for _, value := range values(secret) {
		all = append(all, inBrokenBase64(value)...)
		for _, text := range []string{value, strings.TrimSpace(value)} {
			if onTerminal := strings.ReplaceAll(text, "\n", "\r\n"); onTerminal != text { // written by a container with a tty
				all = append(all, onTerminal)
			}
		}
	}
	return slices.DeleteFunc(all, func(text string) bool { return len(text) < minLength })
}

// base64Texts returns the texts of which every fragment is hidden.
func base64Texts(secret string) []string {
	var all []string
	for _, value := range values(secret) {
		all = append(all, base64Cores(value)...)
	}
	return all
}

// Unmaskable returns the refs, in order, of the secrets that cannot be masked completely because the value, or a string
// in a value that is JSON, is too short. It ignores empty values, and short lines of longer values: they only frame the
// others. It also ignores short numbers in JSON, which are versions and ports.
func Unmaskable(secrets []plan.Secret) []string {
	var refs []string
	for _, s := range secrets {
		if slices.ContainsFunc(values(s.Reveal()), func(v string) bool { return strings.TrimSpace(v) != "" && tooShort(v) }) {
			refs = append(refs, s.Ref())
		}
	}
	return refs
}

func tooShort(value string) bool { return len(strings.TrimSpace(value)) < minLength }

// String returns s with plan.Mask in place of each value.
func (m *Mask) String(s string) string {
	var b bytes.Buffer
	w := m.Writer(&b)
	_, _ = w.Write([]byte(s))
	_ = w.Close()
	return b.String()
}

// parts returns the texts that are secret by themselves: the value, the strings in it if it is JSON, the lines of each, and
// the numbers in JSON.
func parts(secret string) []string {
	var all []string
	for _, v := range values(secret) {
		all = append(all, v)
		if trimmed := strings.TrimSpace(v); trimmed != v {
			all = append(all, trimmed)
		}
		if strings.Contains(v, "\n") {
			for line := range strings.Lines(v) {
				all = append(all, strings.TrimSpace(line))
			}
		}
	}
	_, numbers := leaves(secret)
	for _, n := range numbers {
		all = append(all, inDigits(n)...)
	}
	return all
}

// values returns the value and, if it is JSON, the strings in it.
func values(secret string) []string {
	strs, _ := leaves(secret)
	return append([]string{secret}, strs...)
}
