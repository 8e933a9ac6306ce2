package spec

import "reflect"

// Strings reads a file that is no manifest but one object of strings, as a file of parameters is: YAML or JSON, with the
// rules and the problems of parameters in a manifest. The pairs are sorted by key.
func Strings(f File) ([]Pair, Problems) {
	l := loader{file: f, fields: map[reflect.Type][]fieldInfo{}}
	root := l.only()
	if root == nil {
		return nil, l.problems
	}
	var values map[string]*string
	l.root = root
	l.decode(&values)
	l.problems = append(l.problems, l.tally.Untold(Pos{File: f.Name})...)
	return pairs(values, l.section()), l.problems
}

// Setting is a field of a file of settings.
type Setting struct {
	Key string
	// Values are a scalar, the items of a list, or the entries of an object as "key=value".
	Values []string
	// Places are those of the values.
	Places []Pos
	Pos    Pos
}

func (s *Setting) add(value string, at Pos) {
	s.Values, s.Places = append(s.Values, value), append(s.Places, at)
}

// Settings reads a file that is no manifest but one object of scalars, lists of scalars and objects of strings, in the
// order of the file. A value may be a secret: no problem shows one.
func Settings(f File) ([]Setting, Problems) {
	l := loader{file: f, fields: map[reflect.Type][]fieldInfo{}, options: Options{Sensitive: true}, sensitive: true}
	root := l.only()
	if root == nil {
		return nil, l.problems
	}
	var all []Setting
	for i, key := range root.keys {
		at := (*path)(nil).field(key.text)
		setting := Setting{Key: key.text, Pos: l.shape().pos(key, at)}
		switch value := root.values[i]; value.kind {
		case objectKind:
			for i, entry := range value.values {
				l.shape().check(entry, reflect.TypeFor[string](), at.field(value.keys[i].text))
				if !entry.bad && entry.kind == stringKind {
					key := value.keys[i]
					setting.add(key.text+"="+entry.text, l.shape().pos(key, at.field(key.text)))
				}
			}
		case listKind:
			for i, item := range value.values {
				if text, ok := l.word(item, at.item(i)); ok {
					setting.add(text, l.shape().pos(item, at.item(i)))
				}
			}
		default:
			if text, ok := l.word(value, at); ok {
				setting.add(text, setting.Pos)
			}
		}
		all = append(all, setting)
	}
	l.problems = append(l.problems, l.tally.Untold(Pos{File: f.Name})...)
	return all, l.problems
}

// word is a scalar as it is written; null is none.
func (l *loader) word(n *node, at *path) (text string, ok bool) {
	switch n.kind {
	case stringKind, boolKind:
		return n.text, true
	case numberKind:
		return n.source, true
	case nullKind:
		return "", false
	}
	l.shape().wrongType(n, at, "a scalar")
	return "", false
}

// only is the one object of the file at hand, or nil.
func (l *loader) only() *node {
	var only *node
	for _, c := range split(l.file.Data) {
		for _, c := range concatenated(c) {
			root := parse(l.file.Name, c, guarded(c, l.options.Sensitive, l.problem))
			switch {
			case root == nil || root.bad || root.kind == nullKind:
			case only != nil:
				l.fail(l.shape().pos(root, nil), "too-many-documents", "put all into one", "the file has a second document")
				return only
			case root.kind != objectKind:
				l.fail(l.shape().pos(root, nil), "wrong-type", "", "the file must be an object, not %s", root.kind)
				return nil
			default:
				only = root
			}
		}
	}
	return only
}
