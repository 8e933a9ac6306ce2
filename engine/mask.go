package engine

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"net/url"
	"strings"

	"github.com/ktask/ktask/engine/plan"
)

// shortestMasked is the length in bytes below which a value is not masked: it would blank out half of
// any output, and by where the blanks stand it would still be known.
const shortestMasked = 4

// Mask finds the values of secrets in a stream of bytes. Besides a value itself it knows the forms in which
// programs print one: each of its lines, each string within it if it is JSON, and each of these in base64,
// as part of a URL and as part of JSON. A Mask does not change; any number of streams may use one at once.
// The nil Mask finds nothing.
type Mask struct {
	trie trie
}

// NewMask makes a mask for secrets. Values that are too short are left out, see Unmaskable.
func NewMask(secrets []plan.Secret) *Mask {
	m := &Mask{trie: newTrie()}
	for _, s := range secrets {
		for _, value := range readings(s.Reveal()) {
			for _, form := range forms(value) {
				m.trie.add(form)
			}
		}
	}
	if m.trie.empty() {
		return nil
	}
	m.trie.link()
	return m
}

// Unmaskable gives the refs of the secrets whose values are too short to be masked, in their order, so that
// the user can be warned. An empty value has nothing to hide.
func Unmaskable(secrets []plan.Secret) []string {
	var refs []string
	for _, s := range secrets {
		value := strings.TrimSpace(s.Reveal())
		if value != "" && len(value) < shortestMasked {
			refs = append(refs, s.Ref())
		}
	}
	return refs
}

// String gives s with plan.Mask in place of each value.
func (m *Mask) String(s string) string {
	var b bytes.Buffer
	w := m.writer(&b)
	_, _ = w.Write([]byte(s))
	_ = w.Close()
	return b.String()
}

// readings are the texts within a value that are secret in their own right: the value, its lines, and the
// strings in it where it is JSON.
func readings(value string) []string {
	all := []string{value}
	if trimmed := strings.TrimSpace(value); trimmed != value {
		all = append(all, trimmed)
	}
	if strings.Contains(value, "\n") {
		for line := range strings.Lines(value) {
			all = append(all, strings.TrimSpace(line))
		}
	}
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
		for line := range strings.Lines(node) {
			all = append(all, strings.TrimSpace(line))
		}
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

// forms are the ways in which programs write a value; none where it is too short.
func forms(value string) []string {
	if len(strings.TrimSpace(value)) < shortestMasked {
		return nil
	}
	all := []string{
		value,
		// Shells print a value with a line break behind it, which changes the end of its base64.
		base64.StdEncoding.EncodeToString([]byte(value + "\n")),
		base64.StdEncoding.EncodeToString([]byte(value)),
		base64.RawStdEncoding.EncodeToString([]byte(value)),
		base64.URLEncoding.EncodeToString([]byte(value)),
		base64.RawURLEncoding.EncodeToString([]byte(value)),
		url.QueryEscape(value),
		url.PathEscape(value),
	}
	for _, html := range []bool{true, false} {
		all = append(all, inJSON(value, html))
	}
	return all
}

// inJSON is the value as it stands between the quotes of a JSON string; html escapes <, > and & as
// encoding/json does on its own, which no other language does.
func inJSON(value string, html bool) string {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(html)
	_ = enc.Encode(value) // a string can always be encoded
	return strings.TrimSuffix(strings.TrimPrefix(b.String(), `"`), "\"\n")
}
