package spec

import (
	"iter"
	"strings"
)

// section is a part of a document that can tell the places of what is in it.
type section struct {
	file string
	root *node // nil where the field is not there
	at   *path
	// place is what a problem of the section points at.
	place *node
}

// sub is the section that the steps lead to: names of fields and indexes of list items. Its place is the value, or
// the key where an object or list begins on a line below it, or the value stands before it, as the one of an alias
// does, or, where the field is missing, what would hold it.
func (s section) sub(steps ...any) section {
	for _, step := range steps {
		var key, value *node
		switch step := step.(type) {
		case string:
			key, value = s.root.entry(step)
			s.at = s.at.field(step)
		case int:
			if s.root != nil && s.root.kind == listKind && step < len(s.root.values) {
				value = s.root.values[step]
			}
			s.at = s.at.item(step)
		}
		switch {
		case value == nil:
		case key != nil && (value.before(key) || key.line < value.line && (value.kind == objectKind || value.kind == listKind)):
			s.place = key
		default:
			s.place = value
		}
		s.root = value
	}
	return s
}

// At is the place that the steps lead to, with the field's full path.
func (s section) At(steps ...any) Pos {
	s = s.sub(steps...)
	p := Pos{File: s.file, Field: s.at.String()}
	if s.place != nil {
		p.Line, p.Column = int(s.place.line), int(s.place.column)
	}
	return p
}

// keyAt is the place of the key of a field, or that of the field where it has none.
func (s section) keyAt(field string) Pos {
	p := s.At(field)
	if key, _ := s.root.entry(field); key != nil {
		p.Line, p.Column = int(key.line), int(key.column)
	}
	return p
}

// Given tells whether the field is there, not null and without a problem of its own.
func (s section) Given(steps ...any) bool {
	n := s.find(steps...)
	return n != nil && n.kind != nullKind && !n.bad
}

// bad tells whether a problem of the field was reported already.
func (s section) bad(steps ...any) bool {
	n := s.find(steps...)
	return n != nil && n.bad
}

func (s section) find(steps ...any) *node { return s.sub(steps...).root }

// sound gives the items of the list at s that have no problem of their own, each with its place. It ends once
// nobody would read of a further problem, so that checking a list of garbage costs no more than reading it.
func sound[T any](l *loader, s section, list []T) iter.Seq2[section, T] {
	return func(yield func(section, T) bool) {
		for i, value := range list {
			if l.full(Error) {
				return
			}
			if item := s.sub(i); (item.root == nil || !item.root.bad) && !yield(item, value) {
				return
			}
		}
	}
}

// textLine is the line on which the text of a scalar starts, or 0 where the lines of the text are not those of the
// file: in a quoted or folded scalar of several lines, and in base64.
func (s section) textLine(steps ...any) int {
	n := s.find(steps...)
	switch {
	case n == nil, n.style == base64Style, n.style != literalStyle && strings.Contains(strings.TrimRight(n.text, "\n"), "\n"):
		return 0
	case n.style == literalStyle, n.style == foldedStyle:
		return int(n.line) + 1
	}
	return int(n.line)
}
