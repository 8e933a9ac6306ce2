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
		"htmlspecialchars":    {both, "[it&#039;s &quot;S3&quot;\t&lt;a&gt;&amp;]"},
		"PHP's filter_var":    {both, "[it&#39;s &#34;S3&#34;&#9;&#60;a&#62;&#38;]"},
		"decimal numbers":     {both, "[it&#39;s &#34;S3&#34;\t&#60;a&#62;&#38;]"},
		"ElementTree":         {both + "é😀\n\r", "[it's \"S3\"\t&lt;a&gt;&amp;&#233;&#128512;\n\r]"},
		"an attribute of it":  {both + "é😀\n\r", "[it's &quot;S3&quot;&#09;&lt;a&gt;&amp;&#233;&#128512;&#10;&#13;]"},
		"xmlcharrefreplace":   {both + "é😀", "[it&#x27;s &quot;S3&quot;\t&lt;a&gt;&amp;&#233;&#128512;]"},
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

// TestMaskHidesJSON holds what Gson 2.10, PHP 8.2 and Jinja 3.1 printed of one value, and of .NET what its documentation shows
// of each character: https://learn.microsoft.com/dotnet/standard/serialization/system-text-json/character-encoding.
func TestMaskHidesJSON(t *testing.T) {
	const value = "it's \"S3\"\t<a>&=+/`\\é\x01\x7f\u2028😀\b\f\v"
	mask := New(secrets(value))
	for tool, in := range map[string]string{
		"Gson":                         `it\u0027s \"S3\"\t\u003ca\u003e\u0026\u003d+/` + "`" + `\\é\u0001` + "\x7f" + `\u2028😀\b\f\u000b`,
		"Gson, disableHtmlEscaping":    `it's \"S3\"\t<a>&=+/` + "`" + `\\é\u0001` + "\x7f" + `\u2028😀\b\f\u000b`,
		"tojson of Jinja":              `it\u0027s \"S3\"\t\u003ca\u003e\u0026=+/` + "`" + `\\\u00e9\u0001\u007f\u2028\ud83d\ude00\b\f\u000b`,
		"json.dumps":                   `it's \"S3\"\t<a>&=+/` + "`" + `\\\u00e9\u0001\u007f\u2028\ud83d\ude00\b\f\u000b`,
		"json_encode":                  `it's \"S3\"\t<a>&=+\/` + "`" + `\\\u00e9\u0001` + "\x7f" + `\u2028\ud83d\ude00\b\f\u000b`,
		"json_encode, unicode":         `it's \"S3\"\t<a>&=+\/` + "`" + `\\é\u0001` + "\x7f" + `\u2028😀\b\f\u000b`,
		"System.Text.Json":             `it\u0027s \u0022S3\u0022\t\u003Ca\u003E\u0026=\u002B/\u0060\\\u00E9\u0001\u007F\u2028\uD83D\uDE00\b\f\u000B`,
		"System.Text.Json in a string": `it\\u0027s \\u0022S3\\u0022\\t\\u003Ca\\u003E\\u0026=\\u002B/\\u0060\\\\\\u00E9\\u0001\\u007F\\u2028\\uD83D\\uDE00\\b\\f\\u000B`,
	} {
		if got := mask.String("[" + in + "]"); got != "["+plan.Mask+"]" {
			t.Errorf("%s: %s became %s", tool, in, got)
		}
	}
}

// TestMaskHidesNumbersInJSON has numbers as the tools printed them after they had read the JSON.
func TestMaskHidesNumbersInJSON(t *testing.T) {
	mask := New(secrets(`{"pin": 12345678, "list": [[123456.50]], "id": 12345678901234567890, "big": 1e999, "short": 123, "word": "abcdef"}`))
	for tool, in := range map[string]string{
		"as it is": "12345678", "Go": "1.2345678e+07", "Gson": "1.2345678E7", "Python": "123456.5", "as it was": "123456.50",
		"JavaScript": "12345678901234567000", "Python, an integer": "12345678901234567890", "a string": "abcdef", "base64": "MTIzNDU2Nzg=",
	} {
		if got := mask.String("[" + in + "]"); got != "["+plan.Mask+"]" {
			t.Errorf("%s: %s became %s", tool, in, got)
		}
	}
	const other = "123 1234567 999"
	if got := mask.String(other); got != other {
		t.Errorf("%s became %s", other, got)
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
