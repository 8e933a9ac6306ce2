package mask

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// encoding is a way in which tools write a value.
type encoding struct {
	// tools print the value so. A test shows what each of them has printed.
	tools string
	write func(value string) []string
}

// encodings lists every encoding in which a value is hidden.
var encodings = []encoding{
	{"cat, echo, print", func(v string) []string { return []string{v} }},
	{"a shell's echo of a variable without quotes", func(v string) []string { return []string{strings.Join(strings.Fields(v), " ")} }},
	{"Python's bytes.hex, xxd -p", func(v string) []string { return []string{hex.EncodeToString([]byte(v))} }},
	{"Python's base64.b16encode, xxd -u -p", func(v string) []string { return []string{fmt.Sprintf("%X", v)} }},
	{"base64 and openssl, of a value by itself and of one with the line break of echo", inBase64},
	{"base64 of something longer: basic authentication, a kubeconfig, a JWT", inLongerBase64},

	{"Go's url.QueryEscape and url.PathEscape, curl --data-urlencode", func(v string) []string { return []string{url.QueryEscape(v), url.PathEscape(v)} }},
	{"curl -G, which writes small digits", inCurlQuery},
	{"Python's quote with safe=''", percentEncoded("-_.~")},
	{"Python's quote", percentEncoded("-_.~/")},
	{"encodeURIComponent, jq's @uri", percentEncoded("-_.!~*'()")},
	{"encodeURI", percentEncoded("-_.!~*'();/?:@&=+$,#")},
	{"the password of JavaScript's URL", percentEncoded("-_.~!$&'()*+,%")},
	{"JavaScript's URLSearchParams", inSearchParams},
	{"a URL in the query of another one", inNestedURL},

	{"JSON: Go, with and without escapes for HTML; jq and JSON.stringify", func(v string) []string { return []string{inJSON(v, true), inJSON(v, false)} }},
	{"JSON: Python's json.dumps", inJSONOf(pythonJSON)},
	{"JSON: Jinja's and Flask's tojson", inJSONOf(jinjaJSON)},
	{"JSON: .NET's System.Text.Json", inJSONOf(dotNetJSON)},
	{"JSON: Java's Gson", inJSONOf(gsonJSON)},
	{"JSON: PHP's json_encode, with and without JSON_UNESCAPED_UNICODE", inJSONOf(phpJSON...)},
	{"JSON in a string of JSON: logs of request bodies", inNestedJSON},

	{"XML: Python's saxutils.escape", markup(`"`, "'")},
	{"XML: Python's quoteattr", markup("&quot;", "'")},
	{"XML: the five predefined entities; jq's @html", markup("&quot;", "&apos;")},
	{"HTML: Go's templates, Jinja", markup("&#34;", "&#39;")},
	{"HTML: JavaScript's libraries", markup("&quot;", "&#39;")},
	{"HTML: Python's html.escape", markup("&quot;", "&#x27;")},
	{"HTML: PHP's htmlspecialchars", markup("&quot;", "&#039;")},
	{"XML: PHP's FILTER_SANITIZE_SPECIAL_CHARS and others that write decimal numbers", inDecimals},

	{"Python's repr and ascii, the console of Deno and Node, Go's %q, bash's $'', declare and printf %q", inQuotes},
	{"the same of JSON: a document in a string of Python or JavaScript", inQuotesOfJSON},
	{"PyYAML, double quotes", inYAML},
	{"PyYAML, single quotes; SQL", func(v string) []string { return []string{strings.ReplaceAll(v, "'", "''")} }},
	{"CSV", func(v string) []string { return []string{strings.ReplaceAll(v, `"`, `""`)} }},
	{"set -x of bash, dash and busybox; Python's shlex", inShell},
}

// encode returns value in each encoding, once each, or nil if value is too short.
func encode(value string) []string {
	if tooShort(value) {
		return nil
	}
	var all []string
	for _, e := range encodings {
		all = append(all, e.write(value)...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// inBase64 returns value by itself in base64, in one line and in lines of the usual widths.
func inBase64(value string) []string {
	var all []string
	for _, v := range []string{value, value + "\n"} { // echo adds a line break, which changes the end of the base64
		text := base64.StdEncoding.EncodeToString([]byte(v))
		all = append(all, text, base64.RawStdEncoding.EncodeToString([]byte(v)),
			base64.URLEncoding.EncodeToString([]byte(v)), base64.RawURLEncoding.EncodeToString([]byte(v)))
		for _, width := range []int{64, 76} { // openssl; coreutils and Python
			if len(text) > width {
				all = append(all, wrap(text, width))
			}
		}
	}
	return all
}

// inLongerBase64 returns what the base64 of any text that contains value has in common.
func inLongerBase64(value string) []string {
	var all []string
	for offset := range 3 {
		all = append(all, base64Core(base64.RawStdEncoding, offset, value), base64Core(base64.RawURLEncoding, offset, value))
	}
	return all
}

// inBrokenBase64 returns the ends of value as part of something longer in base64 that is broken into lines, as base64
// and MIME do by default. The place of the breaks depends on the text before value. The whole lines between the
// ends are found as fragments.
func inBrokenBase64(value string) []string {
	var all []string
	for _, text := range base64Cores(value) {
		for _, lineBreak := range []string{"\n", "\r\n"} {
			for i := 1; i < len(text); i++ {
				if i < fragmentSize || i > len(text)-fragmentSize {
					all = append(all, text[max(0, i-fragmentSize):i]+lineBreak+text[i:min(len(text), i+fragmentSize)])
				}
			}
		}
	}
	return all
}

// base64Cores returns the core of value at each of the three offsets.
func base64Cores(value string) []string {
	if tooShort(value) {
		return nil
	}
	var all []string
	for offset := range 3 {
		all = append(all, base64Core(base64.RawStdEncoding, offset, value))
	}
	return all
}

// base64Core returns the characters that value alone decides in the base64 of a text that contains it. The offset of
// value in that text counts modulo 3, as base64 encodes 3 bytes at a time.
func base64Core(encoding *base64.Encoding, offset int, value string) string {
	text := encoding.EncodeToString(append(make([]byte, offset), value...))
	const bits = 6 // of a character
	return text[(offset*8+bits-1)/bits : (offset+len(value))*8/bits]
}

// wrap breaks text into lines.
func wrap(text string, width int) string {
	var b strings.Builder
	for len(text) > width {
		b.WriteString(text[:width] + "\n")
		text = text[width:]
	}
	return b.String() + text
}

func percentEncoded(unescaped string) func(string) []string {
	return func(v string) []string { return []string{percentEncode(v, unescaped)} }
}

// percentEncode escapes every byte but letters, digits and those of unescaped.
func percentEncode(value, unescaped string) string {
	var b strings.Builder
	for _, c := range []byte(value) {
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
		if letter || strings.IndexByte(unescaped, c) >= 0 {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

// inCurlQuery returns value in a URL of curl -G.
func inCurlQuery(value string) []string {
	return []string{escapedBytes.ReplaceAllStringFunc(url.QueryEscape(value), strings.ToLower)}
}

var escapedBytes = regexp.MustCompile("%[0-9A-F]{2}")

func inSearchParams(value string) []string {
	return []string{strings.ReplaceAll(percentEncode(value, "-_.* "), " ", "+")}
}

func inNestedURL(value string) []string {
	var all []string
	for _, inner := range []string{url.QueryEscape(value), url.PathEscape(value), percentEncode(value, "-_.~/"), percentEncode(value, "-_.!~*'()")} {
		for _, unescaped := range []string{"-_.~", "-_.!~*'()", "-_.*", "-_.*'"} { // the last two are URLSearchParams, in a URL too
			all = append(all, percentEncode(inner, unescaped))
		}
	}
	return all
}

// markup returns an encoder for HTML and XML that writes double and single quotes so. Attributes keep their tabs and
// line breaks only as numbers, and so do documents in ASCII with other characters.
func markup(double, single string) func(string) []string {
	entities := strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, double, "'", single)
	return func(value string) []string {
		text := entities.Replace(value)
		all := []string{text}
		for _, spaces := range markupSpaces {
			all = append(all, spaces.Replace(text))
		}
		for _, text := range all {
			all = append(all, inNumbers(text, func(r rune) bool { return r >= utf8.RuneSelf }))
		}
		return all
	}
}

// markupSpaces are the ways in which tools write the blanks of attributes: Python's saxutils, Python's ElementTree.
var markupSpaces = []*strings.Replacer{
	strings.NewReplacer("\t", "&#9;", "\n", "&#10;", "\r", "&#13;"),
	strings.NewReplacer("\t", "&#09;", "\n", "&#10;", "\r", "&#13;"),
}

// inDecimals returns value with the special characters of XML as numbers, with and without those that are not printed.
func inDecimals(value string) []string {
	special := func(r rune) bool { return strings.ContainsRune(`&<>"'`, r) }
	return []string{inNumbers(value, special), inNumbers(value, func(r rune) bool { return special(r) || r < ' ' })}
}

// inNumbers returns text with some characters as decimal references.
func inNumbers(text string, some func(rune) bool) string {
	var b strings.Builder
	for _, r := range text {
		if some(r) {
			fmt.Fprintf(&b, "&#%d;", r)
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}
