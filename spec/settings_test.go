package spec

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzSettings checks that each value of a .ktask.yaml has a place in the file, and that problems are valid text.
func FuzzSettings(f *testing.F) {
	for _, text := range []string{
		"", "a: b\n", "paths: [a, b]\nparam: {k: v}\n", "secret: {x: '@../y'}\nmount:\n- a:/b\n- ~\n", "a: &x [1, 2]\nb: *x\n", "{\"a\": 1e3, \"b\": [true, null]}", "a: {<<: {k: v}}\n",
		"a: [[1]]\n", "- a\n", "a: b\n---\nc: d\n", "a: 0x1F\npids-limit: -1\n", "secret: *unknown\n", "a: !!binary eA==\n", "a: b\na: c\n", "\ufeffa: b\r\n", "a: \"\\ud800\"\n",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		file := File{Name: "f", Data: data, Named: true}
		all, problems := Settings(file)
		lines := strings.Count(string(data), "\n") + strings.Count(string(data), "\r") + 2
		for _, s := range all {
			if len(s.Values) != len(s.Places) {
				t.Errorf("%s has %d values and %d places", s.Key, len(s.Values), len(s.Places))
			}
			for _, at := range append(s.Places, s.Pos) {
				if at.File != "f" || at.Line < 1 || at.Line > lines || at.Column < 1 {
					t.Errorf("%s: %v is no place of the file", s.Key, at)
				}
			}
		}
		for _, p := range problems {
			if p.Rule == "" || p.Message == "" || !p.Sensitive && p.Rule != "too-many-problems" || !utf8.ValidString(p.String()) {
				t.Errorf("%q has no rule, no message, bytes that are no text, or is not sensitive", p)
			}
		}
		if again, _ := Settings(file); fmt.Sprint(again) != fmt.Sprint(all) {
			t.Errorf("two reads differ:\n%v\n%v", all, again)
		}
	})
}

// TestSettingsSyntax checks that a problem says what the parser expected, but shows nothing of the text.
func TestSettingsSyntax(t *testing.T) {
	const secret = "hunter"
	for text, want := range map[string]string{
		"secret: [tok=x\n":          "did not find expected ',' or ']'",
		"secret: {tok: x\nother: y": "did not find expected ',' or '}'",
		"secret: *" + secret:        "there is no anchor (not shown) before its use",
		"secret: !" + secret + " x": "unknown tag (not shown)",
	} {
		_, problems := Settings(File{Name: "f", Data: []byte(text), Named: true})
		if len(problems) != 1 || problems[0].Message != want || !problems[0].Sensitive || strings.Contains(problems[0].Remedy, secret) {
			t.Errorf("%q: got %v, want %s", text, problems, want)
		}
	}
}
