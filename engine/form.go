package engine

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// forms are the ways in which programs write a value; none where it is too short.
func forms(value string) []string {
	if len(strings.TrimSpace(value)) < shortestMasked {
		return nil
	}
	all := []string{value, hex.EncodeToString([]byte(value)), fmt.Sprintf("%X", value)}
	all = append(all, inBase64(value)...)
	all = append(all, inURL(value)...)
	all = append(all, inMarkup(value)...)
	all = append(all, inLiterals(value)...)
	all = append(all, inYAML(value)...)
	all = append(all, doubled(value)...)
	all = append(all, inShell(value)...)
	inJSONs := []string{inJSON(value, true), inJSON(value, false), inASCII(value)}
	for _, text := range slices.Compact(inJSONs) {
		// PHP escapes slashes as well; and bodies of requests are logged as JSON within JSON.
		all = append(all, text, strings.ReplaceAll(text, "/", `\/`), inJSON(text, false))
		if text != value {
			all = append(all, inLiterals(text)...)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// inMarkup are the forms in HTML and XML; attributes keep their tabs and line breaks as numbers alone.
func inMarkup(value string) []string {
	var all []string
	for _, entities := range markups {
		text := entities.Replace(value)
		all = append(all, text, spacesInMarkup.Replace(text))
	}
	return all
}

// markups differ in what stands for double and single quotes.
var markups = []*strings.Replacer{
	markup(`"`, "'"),           // Python's saxutils.escape, and text of the DOM
	markup("&#34;", "&#39;"),   // Go, Jinja
	markup("&quot;", "'"),      // Python's quoteattr
	markup("&quot;", "&apos;"), // XML
	markup("&quot;", "&#39;"),  // JavaScript's libraries
	markup("&quot;", "&#039;"), // PHP
	markup("&quot;", "&#x27;"), // Python's html.escape
}

func markup(double, single string) *strings.Replacer {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, double, "'", single)
}

var spacesInMarkup = strings.NewReplacer("\t", "&#9;", "\n", "&#10;", "\r", "&#13;")

// doubled are the forms between quotes of which two stand for one: those of YAML and SQL, and of CSV.
func doubled(value string) []string {
	return []string{strings.ReplaceAll(value, "'", "''"), strings.ReplaceAll(value, `"`, `""`)}
}

// inBase64 are the forms in base64: by itself, in lines, and as part of something longer, as in the user:password of
// HTTP's basic authentication.
func inBase64(value string) []string {
	var all []string
	// Shells print a value with a line break behind it, which changes the end of its base64.
	for _, v := range []string{value, value + "\n"} {
		text := base64.StdEncoding.EncodeToString([]byte(v))
		all = append(all, text, base64.RawStdEncoding.EncodeToString([]byte(v)),
			base64.URLEncoding.EncodeToString([]byte(v)), base64.RawURLEncoding.EncodeToString([]byte(v)))
		for _, width := range []int{64, 76} { // of openssl; of coreutils and Python
			if len(text) > width {
				all = append(all, wrapped(text, width))
			}
		}
	}
	for before := range 3 {
		all = append(all, core(base64.RawStdEncoding, before, value), core(base64.RawURLEncoding, before, value))
	}
	return all
}

// wrapped breaks a text into lines.
func wrapped(text string, width int) string {
	var b strings.Builder
	for len(text) > width {
		b.WriteString(text[:width] + "\n")
		text = text[width:]
	}
	return b.String() + text
}

// inLines are the forms in base64 as part of something longer that is broken into lines, as base64 and MIME do on their
// own: where the breaks are depends on what stands before. Windows of the cores hide the whole lines, these the ends.
func inLines(value string) []string {
	var all []string
	for _, text := range cores(value) {
		for _, lineBreak := range []string{"\n", "\r\n"} {
			for i := 1; i < len(text); i++ {
				if i < window || i > len(text)-window {
					all = append(all, text[max(0, i-window):i]+lineBreak+text[i:min(len(text), i+window)])
				}
			}
		}
	}
	return all
}

// cores are those of a value at each place that it can have in base64.
func cores(value string) []string {
	if len(strings.TrimSpace(value)) < shortestMasked {
		return nil
	}
	var all []string
	for before := range 3 {
		all = append(all, core(base64.RawStdEncoding, before, value))
	}
	return all
}

// core is what the base64 of anything has in common that holds value behind so many bytes, counted by 3: the
// characters that the value alone decides.
func core(encoding *base64.Encoding, before int, value string) string {
	text := encoding.EncodeToString(append(make([]byte, before), value...))
	const bits = 6 // of a character
	return text[(before*8+bits-1)/bits : (before+len(value))*8/bits]
}

// Characters that are left as they are in parts of URLs, besides letters and digits.
var leftInURLs = []string{
	"-_.~",                 // RFC 3986, curl
	"-_.~/",                // Python's quote
	"-_.!~*'()",            // encodeURIComponent
	"-_.!~*'();/?:@&=+$,#", // encodeURI
	"-_.~!$&'()*+,%",       // the user's part of WHATWG's URL
}

// inURL are the forms as part of a URL or of a form.
func inURL(value string) []string {
	all := []string{url.QueryEscape(value), url.PathEscape(value)}
	for _, left := range leftInURLs {
		all = append(all, percent(value, left))
	}
	// URLSearchParams
	all = append(all, strings.ReplaceAll(percent(value, "-_.* "), " ", "+"))
	for _, text := range all {
		// .NET writes the digits small; a URL that is part of another one is escaped twice.
		all = append(all, escapes16.ReplaceAllStringFunc(text, strings.ToLower), percent(text, leftInURLs[0]))
	}
	return all
}

var escapes16 = regexp.MustCompile("%[0-9A-F]{2}")

// percent escapes all bytes but letters, digits and those of left.
func percent(value, left string) string {
	var b strings.Builder
	for _, c := range []byte(value) {
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
		if letter || strings.IndexByte(left, c) >= 0 {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
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

// inASCII is the value as part of JSON that is plain ASCII, as Python writes it.
func inASCII(value string) string {
	var b strings.Builder
	for _, r := range inJSON(value, false) {
		switch {
		case r < utf8.RuneSelf:
			b.WriteRune(r)
		case r <= 0xFFFF:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			high, low := utf16.EncodeRune(r)
			fmt.Fprintf(&b, `\u%04x\u%04x`, high, low)
		}
	}
	return b.String()
}
