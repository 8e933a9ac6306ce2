package plan_test

import (
	"encoding/json"
	"testing"
	"unicode/utf8"

	"github.com/ktask/ktask/engine/plan"
)

func TestPrintable(t *testing.T) {
	for text, want := range map[string][2]string{ // of Printable, of OneLine
		"plain: ünïcödé 👩‍💻 日本": {"plain: ünïcödé 👩‍💻 日本", "plain: ünïcödé 👩‍💻 日本"},
		"a\nb\tc":               {"a\nb\tc", `a\nb\tc`},
		"\x1b[2J\x07\b\r\x7f":   {`\x1b[2J\a\b\r\x7f`, `\x1b[2J\a\b\r\x7f`},
		"\u009b31m":             {`\u009b31m`, `\u009b31m`},
		"\x9b31m\xff":           {`\x9b31m\xff`, `\x9b31m\xff`},
		"\u202eabc\u2066\u061c": {`\u202eabc\u2066\u061c`, `\u202eabc\u2066\u061c`},
		"a\u2028b":              {`a\u2028b`, `a\u2028b`},
		"::error::x":            {`:\x3aerror::x`, `:\x3aerror::x`},
		"p\n::error::x":         {"p\n:\\x3aerror::x", `p\n::error::x`},
		"p\n \t ::error::x":     {"p\n \t :\\x3aerror::x", `p\n \t ::error::x`},
		"a ##[error]x":          {`a #\x23[error]x`, `a #\x23[error]x`},
		"std::string a::b":      {"std::string a::b", "std::string a::b"},
		"\u00a0::error::x":      {"\u00a0:\\x3aerror::x", "\u00a0:\\x3aerror::x"},
	} {
		if got := plan.Printable(text); got != want[0] {
			t.Errorf("Printable(%q) = %q, want %q", text, got, want[0])
		}
		if got := plan.OneLine(text); got != want[1] {
			t.Errorf("OneLine(%q) = %q, want %q", text, got, want[1])
		}
	}
}

// TestEscapeJSON keeps the text that a program reads.
func TestEscapeJSON(t *testing.T) {
	for _, text := range []string{"a\x1b\u009b\u202e\u2028\x7f\"\\é👩", "plain"} {
		document, err := json.Marshal(text)
		if err != nil {
			t.Fatal(err)
		}
		escaped := plan.EscapeJSON(document)
		var read string
		if err := json.Unmarshal(escaped, &read); err != nil || read != text {
			t.Errorf("%s reads %q, %v; want %q", escaped, read, err, text)
		}
		for _, r := range string(escaped) {
			if !plan.IsPrintable(r) || r == utf8.RuneError {
				t.Errorf("%s has %q", escaped, r)
			}
		}
	}
}
