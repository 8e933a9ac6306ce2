package engine

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"

	"github.com/ktask/ktask/engine/plan"
)

// shortestMasked is the length in bytes below which a value is not masked: it would blank out half of
// any output, and by where the blanks stand it would still be known.
const shortestMasked = 4

// Mask finds the values of secrets in a stream of bytes. Besides a value itself it knows the forms in which
// programs print one: each of its lines, each string within it if it is JSON, and each of these in base64,
// in hexadecimal, as part of a URL, of JSON, of XML and of a string in the syntax of a language or a shell, see forms. A Mask
// does not change; any number of streams may use one at once.
// The nil Mask finds nothing.
type Mask struct {
	trie    trie
	windows windows
	filter  filter
}

// NewMask makes a mask for secrets. Values that are too short are left out, see Unmaskable.
func NewMask(secrets []plan.Secret) *Mask { return newMask(secrets, allForms, longTexts) }

// NewPlainMask makes a mask that knows the values of secrets as they are and within JSON, and no other form: for texts that no
// program has encoded, of which one may have the secrets of thousands of tasks.
func NewPlainMask(secrets []plan.Secret) *Mask {
	return newMask(secrets, plainForms, func(string) []string { return nil })
}

func newMask(secrets []plan.Secret, forms, longTexts func(secret string) []string) *Mask {
	m := &Mask{trie: newTrie()}
	var begins []string
	for _, s := range secrets {
		for _, form := range forms(s.Reveal()) {
			m.trie.add(form)
			begins = append(begins, form[:grams])
		}
		for _, text := range longTexts(s.Reveal()) {
			m.windows.add(text)
		}
	}
	if m.trie.empty() {
		return nil
	}
	m.trie.link()
	m.filter = newFilter(len(begins) + len(m.windows.texts))
	for _, begin := range begins {
		m.filter.note(begin, beginsForm)
	}
	for part := range m.windows.all {
		for i := 0; i+grams <= len(part); i++ {
			m.filter.note(part[i:], inWindow)
		}
	}
	return m
}

// plainForms are a secret's readings, and those as part of JSON.
func plainForms(secret string) []string {
	var all []string
	for _, value := range readings(secret) {
		if len(strings.TrimSpace(value)) >= shortestMasked {
			all = append(all, value, inJSON(value, true), inJSON(value, false))
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// allForms are the forms of a secret's readings. The one that is costly is for whole values alone: nobody puts a line
// of a key into something longer, and that in base64.
func allForms(secret string) []string {
	var all []string
	for _, value := range readings(secret) {
		all = append(all, forms(value)...)
	}
	for _, value := range values(secret) {
		all = append(all, inLines(value)...)
		for _, text := range []string{value, strings.TrimSpace(value)} {
			if onTerminal := strings.ReplaceAll(text, "\n", "\r\n"); onTerminal != text { // what a container with a tty writes
				all = append(all, onTerminal)
			}
		}
	}
	return slices.DeleteFunc(all, func(form string) bool { return len(form) < shortestMasked })
}

// longTexts are texts of which each window is hidden.
func longTexts(secret string) []string {
	var all []string
	for _, value := range values(secret) {
		all = append(all, cores(value)...)
	}
	return all
}

// Unmaskable gives the refs of the secrets of which not all can be masked, in their order, so that the user can be
// warned: the value, or a string in it where it is JSON, is too short. Empty ones have nothing to hide, and short lines
// are no more than the frame of the long ones.
func Unmaskable(secrets []plan.Secret) []string {
	var refs []string
	for _, s := range secrets {
		if slices.ContainsFunc(values(s.Reveal()), tooShort) {
			refs = append(refs, s.Ref())
		}
	}
	return refs
}

func tooShort(value string) bool {
	value = strings.TrimSpace(value)
	return value != "" && len(value) < shortestMasked
}

// String gives s with plan.Mask in place of each value.
func (m *Mask) String(s string) string {
	var b bytes.Buffer
	w := m.Writer(&b)
	_, _ = w.Write([]byte(s))
	_ = w.Close()
	return b.String()
}

// readings are the texts within a value that are secret in their own right: the value, the strings in it where it is
// JSON, and the lines of these.
func readings(value string) []string {
	var all []string
	for _, v := range values(value) {
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
	return all
}

// values are a value and, where it is JSON, the strings in it.
func values(value string) []string {
	all := []string{value}
	var document any
	if json.Unmarshal([]byte(value), &document) == nil {
		all = appendStrings(all, document)
	}
	return all
}

// appendStrings adds the string leaves of a JSON document.
func appendStrings(all []string, node any) []string {
	switch node := node.(type) {
	case string:
		all = append(all, node)
	case []any:
		for _, child := range node {
			all = appendStrings(all, child)
		}
	case map[string]any:
		for _, child := range node {
			all = appendStrings(all, child)
		}
	}
	return all
}
