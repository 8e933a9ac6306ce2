package spec

import (
	"strings"
	"testing"
)

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
