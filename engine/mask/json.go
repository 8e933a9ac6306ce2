package mask

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
)

// jsonStyle is how a tool writes a string in JSON.
type jsonStyle struct {
	// numbers are the printable characters of ASCII that are written as numbers.
	numbers string
	// slash is true if a slash has a backslash before it.
	slash bool
	// ascii is true if what is not printable ASCII is written as numbers.
	ascii bool
	// format is that of a number.
	format string
}

const lowerHex, upperHex = `\u%04x`, `\u%04X`

// jsonLetters are pairs: a character and the letter that stands for it.
const jsonLetters = "\"\"\\\\\bb\ff\nn\rr\tt"

// write returns value as it stands between the quotes of a string.
func (s jsonStyle) write(value string) string {
	var b strings.Builder
	for _, r := range value {
		letter := strings.IndexRune(jsonLetters, r)
		switch {
		case strings.ContainsRune(s.numbers, r):
			fmt.Fprintf(&b, s.format, r)
		case letter >= 0 && letter%2 == 0:
			b.WriteString(`\` + jsonLetters[letter+1:letter+2])
		case r == '/' && s.slash:
			b.WriteString(`\/`)
		case r == 0x7f && s.slash: // PHP writes it as it is
			b.WriteRune(r)
		case r >= ' ' && (!s.ascii || r < 0x7f) && r != '\u2028' && r != '\u2029':
			b.WriteRune(r)
		case r <= 0xFFFF:
			fmt.Fprintf(&b, s.format, r)
		default:
			high, low := utf16.EncodeRune(r)
			fmt.Fprintf(&b, s.format+s.format, high, low)
		}
	}
	return b.String()
}

// inJSONOf returns an encoder for strings of JSON.
func inJSONOf(styles ...jsonStyle) func(string) []string {
	return func(value string) []string {
		var all []string
		for _, s := range styles {
			all = append(all, s.write(value))
		}
		return all
	}
}

var (
	pythonJSON = jsonStyle{ascii: true, format: lowerHex}
	jinjaJSON  = jsonStyle{numbers: `<>&'`, ascii: true, format: lowerHex}
	dotNetJSON = jsonStyle{numbers: "\"&'<>+`", ascii: true, format: upperHex}
	gsonJSON   = jsonStyle{numbers: `<>&='`, format: lowerHex}
	phpJSON    = []jsonStyle{{slash: true, ascii: true, format: lowerHex}, {slash: true, format: lowerHex}}
)

// inJSON returns value as it stands between the quotes of a JSON string. If html is set, <, > and & are escaped, as
// Go's encoding/json does by default.
func inJSON(value string, html bool) string {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(html)
	_ = enc.Encode(value) // a string can always be encoded
	return strings.TrimSuffix(strings.TrimPrefix(b.String(), `"`), "\"\n")
}

// commonJSON returns value in the JSON strings of Go, JavaScript, jq and Python, without those that are value itself.
func commonJSON(value string) []string {
	return changed(value, []string{inJSON(value, true), inJSON(value, false), pythonJSON.write(value)})
}

// allJSON returns value in each kind of JSON string, without those that are value itself.
func allJSON(value string) []string {
	return changed(value, slices.Concat(commonJSON(value), inJSONOf(jinjaJSON, dotNetJSON, gsonJSON)(value), inJSONOf(phpJSON...)(value)))
}

// changed returns the different texts that are not value itself.
func changed(value string, texts []string) []string {
	slices.Sort(texts)
	return slices.DeleteFunc(slices.Compact(texts), func(text string) bool { return text == value })
}

func inNestedJSON(value string) []string {
	all := allJSON(value)
	for i := range all {
		all[i] = inJSON(all[i], false)
	}
	return all
}

// inQuotesOfJSON covers the common kinds of JSON only: there are many kinds of quotes.
func inQuotesOfJSON(value string) []string {
	var all []string
	for _, text := range commonJSON(value) {
		all = append(all, inQuotes(text)...)
	}
	return all
}

// leaves returns the strings and the numbers in a text that is JSON, or nothing.
func leaves(text string) (strs []string, numbers []json.Number) {
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber() // a number that no float can hold does not hide the strings
	var document any
	if decoder.Decode(&document) != nil || decoder.More() {
		return nil, nil
	}
	var walk func(node any)
	walk = func(node any) {
		switch node := node.(type) {
		case string:
			strs = append(strs, node)
		case json.Number:
			numbers = append(numbers, node)
		case []any:
			for _, child := range node {
				walk(child)
			}
		case map[string]any:
			for _, child := range node {
				walk(child)
			}
		}
	}
	walk(document)
	return strs, numbers
}

// inDigits returns a number of JSON as programs print it after they have read it: as it was, as a float of JavaScript and Python,
// of Go and of Java.
func inDigits(number json.Number) []string {
	all := []string{number.String()}
	f, err := number.Float64()
	if err != nil {
		return all
	}
	if js, err := json.Marshal(f); err == nil {
		all = append(all, string(js))
	}
	java := strings.NewReplacer("E+0", "E", "E+", "E", "E-0", "E-").Replace(strconv.FormatFloat(f, 'E', -1, 64))
	return append(all, fmt.Sprint(f), java)
}
