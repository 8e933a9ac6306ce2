package mask

import (
	"strings"
	"testing"

	"github.com/ktask/ktask/engine/plan"
)

// TestMaskHidesMarkup holds what Python's html, xml.sax, csv and yaml, and others printed.
func TestMaskHidesMarkup(t *testing.T) {
	const both = "it's \"S3\"\t<a>&"
	for name, test := range map[string]struct{ value, in string }{
		"html.escape":         {both, "[it&#x27;s &quot;S3&quot;\t&lt;a&gt;&amp;]"},
		"a template of Go":    {both, "[it&#39;s &#34;S3&#34;\t&lt;a&gt;&amp;]"},
		"XML":                 {both, "[it&apos;s &quot;S3&quot;\t&lt;a&gt;&amp;]"},
		"JavaScript":          {both, "[it&#39;s &quot;S3&quot;\t&lt;a&gt;&amp;]"},
		"saxutils.escape":     {both, "[it's \"S3\"\t&lt;a&gt;&amp;]"},
		"quoteattr":           {both, "[it's &quot;S3&quot;&#9;&lt;a&gt;&amp;]"},
		"quoteattr, a quote":  {"\"S3\"\ncret\r<", "[\"S3\"&#10;cret&#13;&lt;]"},
		"YAML, single quotes": {"it's: S3cret", "[it''s: S3cret]"},
		"echo $SECRET":        {"correct  horse\n\tbattery\n", "[correct horse battery]"},
		"short lines":         {"ab\ncd\nef", "[ab cd ef]"},
		"CSV":                 {`the "S3" one`, `[the ""S3"" one]`},
	} {
		t.Run(name, func(t *testing.T) {
			mask := New(secrets(test.value))
			if got := mask.String(test.in); got != "["+plan.Mask+"]" {
				t.Errorf("%s became %s", test.in, got)
			}
		})
	}
}

// TestEncodingsDiffer has a value that all programs write alike: it must not take more room than it needs.
func TestEncodingsDiffer(t *testing.T) {
	seen := map[string]bool{}
	for _, text := range encode("hunter22") {
		if seen[text] {
			t.Errorf("%q is there twice", text)
		}
		seen[text] = true
		if strings.ContainsAny(text, `\&`) {
			t.Errorf("%q is not needed", text)
		}
	}
}
