package report

import (
	"strings"
	"testing"

	"github.com/ktask/ktask/engine"
)

// screened returns what a terminal gets of a line in parts.
func screened(parts ...string) string {
	s, from := newScreen(true), stream{"task", engine.Stdout}
	var b strings.Builder
	for i, part := range parts {
		last := i == len(parts)-1
		b.WriteString(s.text(from, part, !last, last))
	}
	return b.String()
}

func TestScreen(t *testing.T) {
	for line, want := range map[string]string{
		"plain\ttext é":                           "plain\ttext é",
		"\x1b[31mred\x1b[0m":                      "\x1b[31mred\x1b[0m",
		"\x1b[1;38;5;208mbold":                    "\x1b[1;38;5;208mbold\x1b[0m",
		"\x1b[38:2::1:2:3mx\x1b[m":                "\x1b[38:2::1:2:3mx\x1b[m",
		"a\x1b[2Jb\x1b[1;1Hc\x1b[?25ld":           "abcd",
		"\x1b[>4;2mx\x1b[?1my\x1b[0 mz":           "xyz", // end with m, and are not about attributes
		"\x1b]0;title\ax\x1b]8;;u\x1b\\y":         "xy",
		"\x1b]52;c;cm0gLXJm\x1b\\clip":            "clip",
		"\x1bP+q544e\x1b\\dcs\x1b_apc\x1b\\":      "dcs",
		"\x1bcreset\x1b(0charset\x1b#8x":          "resetcharsetx",
		"\x1b]0;no end":                           "",
		"\x1b[31":                                 "",
		"\x1b[3\x1b[32mgreen\x1b[0m":              "\x1b[32mgreen\x1b[0m",
		"\x1b[3\nx":                               `\nx`,
		"\x1b[1\u009b31m":                         `\u009b31m`,
		"\u009b2J \x9b2J \xff":                    `\u009b2J \x9b2J \xff`,
		"a\rb\bc\ad\x00\x7f":                      `a\rb\bc\ad\x00\x7f`,
		"\u202eevil":                              `\u202eevil`,
		"\x1b\u202e":                              `\u202e`,
		"\x1b[" + strings.Repeat("1;", 99) + "m!": "!",
	} {
		if got := screened(line); got != want {
			t.Errorf("%q becomes %q, want %q", line, got, want)
		}
		// The place of a cut makes no difference, except within a character.
		for i := 1; i < len(line); i++ {
			if line[i]&0xc0 == 0x80 {
				continue
			}
			if got := screened(line[:i], line[i:]); got != want {
				t.Errorf("%q, %q becomes %q, want %q", line[:i], line[i:], got, want)
			}
		}
	}
}

// FuzzScreen holds that no escape sequence but SGR reaches a terminal, wherever a line is cut.
func FuzzScreen(f *testing.F) {
	f.Add("\x1b[31mred\x1b]0;x\a", 3)
	f.Add("\u009b31m\x1b[?1m", 1)
	f.Fuzz(func(t *testing.T, line string, cut int) {
		cut = max(0, min(cut, len(line)))
		got := screened(line[:cut], line[cut:])
		for {
			before, after, found := strings.Cut(got, "\x1b")
			for _, r := range before {
				if r < ' ' && r != '\t' || r >= 0x7f && r < 0xa0 || r == '\u202e' {
					t.Fatalf("%q has %q", got, r)
				}
			}
			if !found {
				return
			}
			parameters, rest, ended := strings.Cut(after, "m")
			if !ended || !strings.HasPrefix(parameters, "[") || strings.Trim(parameters[1:], "0123456789;:") != "" {
				t.Fatalf("%q has a sequence that is not SGR", after)
			}
			got = rest
		}
	})
}
