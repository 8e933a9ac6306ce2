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

// TestMaskHidesURLs holds what the tools printed of one value.
func TestMaskHidesURLs(t *testing.T) {
	mask := New(secrets("it's (a) p/ss!*~&"))
	for tool, in := range map[string]string{
		"encodeURIComponent, jq's @uri":     "it's%20(a)%20p%2Fss!*~%26",
		"encodeURI":                         "it's%20(a)%20p/ss!*~&",
		"URLSearchParams":                   "it%27s+%28a%29+p%2Fss%21*%7E%26",
		"the password of a URL":             "it's%20(a)%20p%2Fss!*~&",
		"a URL in the searchParams of one":  "it's%2520%28a%29%2520p%252Fss%21*%7E%2526",
		"quote":                             "it%27s%20%28a%29%20p/ss%21%2A~%26",
		"quote, safe=''":                    "it%27s%20%28a%29%20p%2Fss%21%2A~%26",
		"quote_plus, curl --data-urlencode": "it%27s+%28a%29+p%2Fss%21%2A~%26",
		"quote of quote":                    "it%2527s%2520%2528a%2529%2520p%2Fss%2521%252A~%2526",
		"curl -G --data-urlencode":          "it%27s+%28a%29+p%2fss%21%2a~%26",
	} {
		if got := mask.String("[" + in + "]"); got != "["+plan.Mask+"]" {
			t.Errorf("%s: %s became %s", tool, in, got)
		}
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
