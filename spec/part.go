package spec

import (
	"iter"
	"regexp"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/ktask/ktask/spec/internal/api"
	"github.com/ktask/ktask/spec/yamltree"
)

// part is a value of an object, or the place of a missing one, with the checks that all kinds of objects need.
type part struct {
	*object
	cursor
}

// in returns the part that the steps lead to.
func (p part) in(steps ...any) part { return part{p.object, p.sub(steps...)} }

// items returns the items of the list at p that have no problem of their own, each with its part. It stops when no more
// errors are kept, so that checking a list of garbage takes no longer than reading it.
func items[T any](p part, list []T) iter.Seq2[part, T] {
	return func(yield func(part, T) bool) {
		for i, value := range list {
			if p.full(Error) {
				return
			}
			if item := p.in(i); (item.root == nil || !item.root.Bad) && !yield(item, value) {
				return
			}
		}
	}
}

// required returns a field of p and reports it if it is missing.
func required[T any](p part, value *T, field string) Optional[T] {
	if value == nil {
		p.reportMissing(field)
	}
	return given(value, p.sub(field))
}

func given[T any](value *T, c cursor) Optional[T] {
	if value == nil {
		return Optional[T]{}
	}
	return Optional[T]{Value: *value, Given: true, Pos: c.At()}
}

// reportMissing reports that a field of p is missing, unless a problem of it or its misspelt name was reported.
func (p part) reportMissing(field string) {
	if p.bad() || p.bad(field) || p.misspelt(field) {
		return
	}
	if p.root == nil && p.at != nil && p.at.Parent == nil && p.top().misspelt(p.at.Name) {
		return
	}
	p.fail(p.At(field), "required", "", "%s is required", p.At(field).Field)
}

// misspelt reports whether a key of p that was reported is probably the misspelt name of a field.
func (p part) misspelt(field string) bool {
	return p.anyBad(func(key string) bool { return Nearest(key, []string{field}) == field })
}

// badInside reports whether p or a field of it has a problem already.
func (p part) badInside() bool {
	return p.root == nil || p.root.Bad || p.anyBad(func(string) bool { return true })
}

// anyBad reports whether a field of p has an error, and a name that matches.
func (p part) anyBad(matches func(key string) bool) bool {
	if p.root == nil || p.root.Kind != yamltree.Object || p.options.Lenient {
		return false
	}
	for i, key := range p.root.Keys() {
		if p.root.Values[i].Bad && matches(key.Text) {
			return true
		}
	}
	return false
}

// missing reports whether a required field is empty. If it is, that is a problem, unless the field has one already.
func (p part) missing(value string, steps ...any) bool {
	if value != "" {
		return false
	}
	last := len(steps) - 1
	p.in(steps[:last]...).reportMissing(steps[last].(string))
	return true
}

// oneOf checks a value of an enumeration. Case matters, as in Kubernetes.
func (p part) oneOf(value string, allowed []string, steps ...any) {
	if value == "" || slices.Contains(allowed, value) {
		return
	}
	remedy := DidYouMean(value, allowed)
	if remedy == "" {
		remedy = "it is one of " + strings.Join(allowed, ", ")
	}
	p.fail(p.At(steps...), "invalid-value", remedy, "%s cannot be %q", p.At(steps...).Field, value)
}

// exactlyOne reports it if not exactly one of the alternatives is given, unless a field of p has a problem already.
func (p part) exactlyOne(count int, names string) {
	if count != 1 && !p.badInside() {
		p.fail(p.At(), "conflict", "", "%s needs one of %s; it has %d", p.At().Field, names, count)
	}
}

// reference checks the name of another object, and reports whether an object can have it. An empty name is not checked.
func (p part) reference(name string) bool {
	return name == "" || !p.refused(validation.IsDNS1123Subdomain(name), p.At(), "invalid-name", "%s %q is not a valid object name", p.At().Field, name)
}

// seen holds the lines of the items of a list by their keys.
type seen map[string]int

// once reports a key that an item before p has, too.
func (s seen) once(p part, field, key, what string) {
	if line, twice := s[key]; twice {
		p.fail(p.At(field), "duplicate-item", "keep one of them", "%s is given twice; the first is on line %d", what, line)
	}
	s[key] = p.At().Line
}

// count returns a number of which Kubernetes rejects negative values, although Keptn's schema accepts them.
func (p part) count(value *int32, name string) Optional[int32] {
	s := p.sub(name)
	if value != nil && *value < 0 {
		p.fail(s.At(), "out-of-range", "write "+name+": 0", "spec.%s must be 0 or more, not %d: Kubernetes refuses such a Job, and Keptn tries to create it forever", name, *value)
		return Optional[int32]{}
	}
	return given(value, s)
}

var timeoutPattern = regexp.MustCompile(api.TimeoutPattern)

const timeoutExample = "for example 30s, 5m or 1h30m"

// duration returns a field of p that is a duration in Keptn's schema.
func (p part) duration(value *string, field string) Optional[time.Duration] {
	if value == nil {
		return Optional[time.Duration]{}
	}
	s, text := p.sub(field), *value
	d, err := time.ParseDuration(text)
	valid := timeoutPattern.MatchString(text)
	if err == nil && valid {
		return given(&d, s)
	}
	problem, remedy := "is not a valid duration", timeoutExample
	switch rest, negative := strings.CutPrefix(text, "-"); {
	case valid:
		problem, remedy = "is longer than a duration can be", "at most 2562047h"
	case negative && (timeoutPattern.MatchString(rest) || timeoutPattern.MatchString(rest+"s")):
		problem = "must not be negative"
	case timeoutPattern.MatchString(text + "s"):
		remedy = "a duration has a unit: " + text + "s"
	}
	p.fail(s.At(), "invalid-timeout", remedy, "%s %q %s", s.At().Field, text, problem)
	return Optional[time.Duration]{}
}

// pairs returns the entries of the string map at c that are not null, sorted by key.
func pairs(values map[string]*string, c cursor) []Pair {
	if len(values) == 0 {
		return nil
	}
	all := make([]Pair, 0, len(values))
	for i, key := range c.root.Keys() {
		if value := values[key.Text]; value != nil {
			all = append(all, Pair{key.Text, *value, c.posOf(c.root.Values[i], c.at.Field(key.Text))})
		}
	}
	slices.SortFunc(all, func(a, b Pair) int { return strings.Compare(a.Key, b.Key) })
	return all
}
