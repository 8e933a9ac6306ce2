package expect

import (
	"encoding/json"
	"reflect"
	"strings"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/spec"
)

// matches returns the indexes of the lines that fulfil a condition, and for a negated one those that must not be there.
func matches(m spec.Match, lines []Line, hide func(string) string) []int {
	var found []int
	add := func(fulfils func(text string) bool) []int {
		for i, line := range lines {
			if fulfils(line.Text) {
				found = append(found, i)
			}
		}
		return found
	}
	switch {
	case m.Not != nil:
		return matches(*m.Not, lines, hide)
	case m.Regex != nil:
		return add(m.Regex.MatchString)
	case m.JSON != nil:
		want, _ := parse(string(m.JSON)) // JSON that spec has written
		want = hidden(want, hide)
		has := func(text string) bool { got, ok := parse(text); return ok && contains(got, want) }
		if add(has); len(found) > 0 || !has(stdout(lines)) {
			return found
		}
		return add(func(string) bool { return true })
	}
	want := strings.TrimRight(hide(m.Line), " \t\r")
	return add(func(text string) bool { return strings.TrimRight(text, " \t\r") == want })
}

// text returns a condition for a person.
func text(m spec.Match) string {
	switch {
	case m.Not != nil:
		return "not: " + text(*m.Not)
	case m.Regex != nil:
		return "regex: " + m.Regex.String()
	case m.JSON != nil:
		return "json: " + string(m.JSON)
	}
	return m.Line
}

func stdout(lines []Line) string {
	var b strings.Builder
	for _, line := range lines {
		if line.Stream == engine.Stdout {
			b.WriteString(line.Text + "\n")
		}
	}
	return b.String()
}

func parse(text string) (value any, ok bool) {
	err := json.Unmarshal([]byte(text), &value)
	return value, err == nil
}

// contains reports whether JSON has all fields of other JSON. Lists have the same length, and other values are the same.
func contains(got, want any) bool {
	switch want := want.(type) {
	case map[string]any:
		object, ok := got.(map[string]any)
		for key, value := range want {
			has, there := object[key]
			ok = ok && there && contains(has, value)
		}
		return ok
	case []any:
		list, ok := got.([]any)
		if !ok || len(list) != len(want) {
			return false
		}
		for i := range want {
			if !contains(list[i], want[i]) {
				return false
			}
		}
		return true
	}
	return reflect.DeepEqual(got, want)
}

// hidden returns JSON with masked strings, as in the output.
func hidden(value any, hide func(string) string) any {
	switch value := value.(type) {
	case string:
		return hide(value)
	case []any:
		for i := range value {
			value[i] = hidden(value[i], hide)
		}
	case map[string]any:
		for key := range value {
			value[key] = hidden(value[key], hide)
		}
	}
	return value
}
