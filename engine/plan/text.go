package plan

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"unicode/utf8"
)

// Mask is what stands wherever a secret would.
const Mask = "•••"

// missingMask is shown for a secret whose value is not known.
const missingMask = "<missing>"

// Secret is a value that is never shown: under every verb, as text, JSON or a log attribute it prints as Mask.
type Secret struct {
	ref   string
	value string
	// missing is true if the value is not known. Such a secret is shown as missingMask, and only in plans that do not run.
	missing bool
}

// NewSecret makes a secret; ref names it for people, as in "slack-token/SECURE_DATA".
func NewSecret(ref, value string) Secret { return Secret{ref: ref, value: value} }

// MissingSecret returns a secret without a value, for a plan that does not run.
func MissingSecret(ref string) Secret { return Secret{ref: ref, missing: true} }

// shown returns what is shown in place of the value.
func (s Secret) shown() string {
	if s.missing {
		return missingMask
	}
	return Mask
}

// Ref is the secret's name, which may be shown.
func (s Secret) Ref() string { return s.ref }

// Reveal returns the value. Only the conversion of an engine and engine/mask may call it; a test holds them to that.
func (s Secret) Reveal() string { return s.value }

// Format prints Mask, whatever the verb.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(s.shown())) }

// MarshalText returns Mask.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.shown()), nil }

// LogValue returns Mask.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.shown()) }

// Text is a string of which parts may be secret, since $(NAME) may put a secret in the middle of any value.
// The zero Text is "".
type Text struct{ pieces []piece }

type piece struct {
	plain  string
	secret Secret
	hidden bool
	field  Field
}

// isPlain reports whether the piece is only its plain text.
func (p piece) isPlain() bool { return !p.hidden && p.field == Field{} }

// Field is a value that a pod has when it runs: a fieldPath, or a resource in units of a divisor, see
// https://kubernetes.io/docs/concepts/workloads/pods/downward-api/. Only an engine that runs pods can have it in its plans.
type Field struct{ Path, Resource, Divisor string }

// String returns what stands for the value.
func (f Field) String() string { return "<" + cmp.Or(f.Path, f.Resource) + ">" }

// FromPod makes a text that is a field of the pod.
func FromPod(f Field) Text { return Text{pieces: []piece{{field: f}}} }

// Fields are those within the text, in their order.
func (t Text) Fields() []Field {
	var all []Field
	for _, p := range t.pieces {
		if p.field != (Field{}) {
			all = append(all, p.field)
		}
	}
	return all
}

// Plain makes a text that may be shown.
func Plain(s string) Text {
	if s == "" {
		return Text{}
	}
	return Text{pieces: []piece{{plain: s}}}
}

// Hidden makes a text that is one secret.
func Hidden(s Secret) Text { return Text{pieces: []piece{{secret: s, hidden: true}}} }

// Join makes one text of several.
func Join(texts ...Text) Text {
	var all []piece
	var run strings.Builder
	flush := func() {
		if run.Len() > 0 {
			all = append(all, piece{plain: run.String()})
			run.Reset()
		}
	}
	for _, t := range texts {
		for _, p := range t.pieces {
			if p.isPlain() {
				run.WriteString(p.plain)
				continue
			}
			flush()
			all = append(all, p)
		}
	}
	flush()
	return Text{pieces: all}
}

// Shown is the text with show made of what may be shown of it.
func (t Text) Shown(show func(string) string) Text {
	all := Text{pieces: make([]piece, len(t.pieces))}
	for i, p := range t.pieces {
		if p.isPlain() {
			p.plain = show(p.plain)
		}
		all.pieces[i] = p
	}
	return all
}

// Len returns the length in bytes of what Reveal returns.
func (t Text) Len() int {
	n := 0
	for _, p := range t.pieces {
		n += len(p.plain) + len(p.secret.value)
	}
	return n
}

// Flaw is why a value does not reach a process unchanged.
type Flaw struct{ Rule, Message string }

// FlawOf returns what is wrong with a value, or the zero Flaw. A NUL byte ends every argument and variable, and the
// engines' API is JSON, which replaces bytes that are not UTF-8: the process would get another value, which no mask finds.
func FlawOf(value string) Flaw {
	switch {
	case strings.IndexByte(value, 0) >= 0:
		return Flaw{"nul-byte", "holds a NUL byte, which no argument and no variable can"}
	case !utf8.ValidString(value):
		return Flaw{"not-utf8", "is not valid UTF-8, which an engine would change"}
	}
	return Flaw{}
}

// Flaw is that of what Reveal returns.
func (t Text) Flaw() Flaw { return FlawOf(t.Reveal()) }

// Blank reports whether there is nothing but white space in what Reveal returns, and no secret is missing and no field is in it.
func (t Text) Blank() bool {
	unknown := slices.ContainsFunc(t.pieces, func(p piece) bool { return p.secret.missing || p.field != Field{} })
	return !unknown && strings.TrimSpace(t.Reveal()) == ""
}

// Texts makes plain texts; nil stays nil.
func Texts(values []string) []Text {
	if values == nil {
		return nil
	}
	texts := make([]Text, len(values))
	for i, v := range values {
		texts[i] = Plain(v)
	}
	return texts
}

// String is the text with Mask in place of each secret.
func (t Text) String() string {
	return t.render(Secret.shown)
}

// Reveal is the text with its secrets, under the rule of Secret.Reveal.
func (t Text) Reveal() string { return t.render(Secret.Reveal) }

func (t Text) render(secret func(Secret) string) string {
	return t.Map(func(s string) string { return s }, secret)
}

// Map returns what plain and secret return for the parts of the text, joined in their order. A Field is plain.
func (t Text) Map(plain func(string) string, secret func(Secret) string) string {
	return t.MapFields(plain, secret, func(f Field) string { return plain(f.String()) })
}

// MapFields is Map with a function for fields.
func (t Text) MapFields(plain func(string) string, secret func(Secret) string, field func(Field) string) string {
	var b strings.Builder
	for _, p := range t.pieces {
		switch {
		case p.hidden:
			b.WriteString(secret(p.secret))
		case p.isPlain():
			b.WriteString(plain(p.plain))
		default:
			b.WriteString(field(p.field))
		}
	}
	return b.String()
}

// Secrets are the secrets within the text, in their order.
func (t Text) Secrets() []Secret {
	var all []Secret
	for _, p := range t.pieces {
		if p.hidden {
			all = append(all, p.secret)
		}
	}
	return all
}

// Format prints String, quoted under %q; %#v and %+v must not reach the pieces.
func (t Text) Format(f fmt.State, verb rune) {
	format := "%s"
	if verb == 'q' {
		format = "%q"
	}
	_, _ = fmt.Fprintf(f, format, t.String())
}

// MarshalJSON returns String as a JSON string. It leaves < and > as they are, since people read plans too.
func (t Text) MarshalJSON() ([]byte, error) {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(t.String())
	return bytes.TrimSuffix(text.Bytes(), []byte("\n")), err
}

// LogValue returns String.
func (t Text) LogValue() slog.Value { return slog.StringValue(t.String()) }
