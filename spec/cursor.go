package spec

import "github.com/ktask/ktask/spec/yamltree"

// cursor points at a value of a document, or at the place where a missing value belongs.
type cursor struct {
	file, object string
	root         *yamltree.Node // nil if the value is missing
	at           *yamltree.Path
	// place is where problems of the value are reported.
	place *yamltree.Node
}

// sub returns the cursor that the steps lead to: names of fields and indexes of list items. It reports problems at the value,
// with two exceptions. If an object or list starts on a line below its key, or the value before its key, as that of an
// alias does, it reports them at the key; and if the value is missing, at the innermost value that exists.
func (c cursor) sub(steps ...any) cursor {
	for _, step := range steps {
		var key, value *yamltree.Node
		switch step := step.(type) {
		case string:
			key, value = c.root.Entry(step)
			c.at = c.at.Field(step)
		case int:
			if c.root != nil && c.root.Kind == yamltree.List && step < len(c.root.Values) {
				value = c.root.Values[step]
			}
			c.at = c.at.Item(step)
		}
		switch {
		case value == nil:
		case key != nil && (value.Before(key) || key.Line < value.Line && (value.Kind == yamltree.Object || value.Kind == yamltree.List)):
			c.place = key
		default:
			c.place = value
		}
		c.root = value
	}
	return c
}

// At returns the place that the steps lead to, with the full path of the field.
func (c cursor) At(steps ...any) Pos {
	c = c.sub(steps...)
	if c.place == nil {
		return Pos{File: c.file, Field: c.at.String(), Object: c.object}
	}
	return c.posOf(c.place, c.at)
}

// posOf returns the place of n, with at as its field.
func (c cursor) posOf(n *yamltree.Node, at *yamltree.Path) Pos {
	return Pos{File: c.file, Line: int(n.Line), Column: int(n.Column), Field: at.String(), Object: c.object}
}

// keyAt returns the place of the key of a field, or the place of the field if there is no key.
func (c cursor) keyAt(field string) Pos {
	if key, _ := c.root.Entry(field); key != nil {
		return c.posOf(key, c.at.Field(field))
	}
	return c.At(field)
}

// Given reports whether the field exists, is not null and has no problem of its own.
func (c cursor) Given(steps ...any) bool {
	n := c.find(steps...)
	return n != nil && n.Kind != yamltree.Null && !n.Bad
}

// bad reports whether a problem of the field was reported already.
func (c cursor) bad(steps ...any) bool {
	n := c.find(steps...)
	return n != nil && n.Bad
}

func (c cursor) find(steps ...any) *yamltree.Node { return c.sub(steps...).root }
