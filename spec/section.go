package spec

// section is a part of a document that can tell the places of what is in it.
type section struct {
	file string
	root *node
	at   *path
}

// At is the place of the field that the steps lead to: names of fields and indexes of list items. Where a
// field is missing, it is the place of what would hold it, with the field's full path.
func (s section) At(steps ...any) Pos {
	n, at, found := s.root, s.at, s.root
	for _, step := range steps {
		switch step := step.(type) {
		case string:
			at = at.field(step)
			n = n.field(step)
		case int:
			at = at.item(step)
			if n != nil && n.kind == listKind && step < len(n.values) {
				n = n.values[step]
			} else {
				n = nil
			}
		}
		if n != nil {
			found = n
		}
	}
	p := Pos{File: s.file, Field: at.String()}
	if found != nil {
		p.Line, p.Column = int(found.line), int(found.column)
	}
	return p
}

// given tells whether the field is there, not null and without a problem of its own.
func (s section) given(steps ...any) bool {
	n := s.find(steps...)
	return n != nil && n.kind != nullKind && !n.bad
}

// bad tells whether a problem of the field was reported already.
func (s section) bad(steps ...any) bool {
	n := s.find(steps...)
	return n != nil && n.bad
}

func (s section) find(steps ...any) *node {
	n := s.root
	for _, step := range steps {
		switch step := step.(type) {
		case string:
			n = n.field(step)
		case int:
			if n == nil || n.kind != listKind || step >= len(n.values) {
				return nil
			}
			n = n.values[step]
		}
	}
	return n
}

// sub is the section of a field; it is empty where the field is not there.
func (s section) sub(steps ...any) section {
	at := s.at
	for _, step := range steps {
		switch step := step.(type) {
		case string:
			at = at.field(step)
		case int:
			at = at.item(step)
		}
	}
	return section{file: s.file, root: s.find(steps...), at: at}
}

// line is the line on which the text of a scalar starts.
func (s section) textLine(steps ...any) int {
	n := s.find(steps...)
	switch {
	case n == nil:
		return 0
	case n.block:
		return int(n.line) + 1
	}
	return int(n.line)
}
