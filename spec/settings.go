package spec

import (
	"reflect"

	"github.com/ktask/ktask/spec/internal/api"
	"github.com/ktask/ktask/spec/yamltree"
)

// Strings reads a file that is one object of strings instead of a manifest, like a file of parameters, in YAML or JSON. Rules
// and problems are those of parameters in a manifest. The pairs are sorted by key.
func Strings(f File) ([]Pair, Problems) {
	o := object{reporter: &reporter{file: f}, decoder: newDecoder()}
	if o.node = single(o.reporter); o.node == nil {
		return nil, o.problems
	}
	var values map[string]*string
	o.decode(&values)
	return pairs(values, o.top().cursor), o.all()
}

// Setting is a field of a file of settings.
type Setting struct {
	Key string
	// Values are a scalar, the items of a list, or the entries of an object as "key=value".
	Values []string
	// Places are the places of the values.
	Places []Pos
	Pos    Pos
}

func (s *Setting) add(value string, at Pos) {
	s.Values, s.Places = append(s.Values, value), append(s.Places, at)
}

// Settings reads a file that is one object of scalars, lists of scalars and objects of strings instead of a manifest. The
// settings are in the order of the file. A value may be a secret, so no problem shows one.
func Settings(f File) ([]Setting, Problems) {
	r := &reporter{file: f, options: Options{Sensitive: true}, sensitive: true}
	root := single(r)
	if root == nil {
		return nil, r.problems
	}
	checker := strictChecker{reporter: r, fields: api.Fields{}}
	var all []Setting
	for i, key := range root.Keys() {
		at := (*yamltree.Path)(nil).Field(key.Text)
		setting := Setting{Key: key.Text, Pos: r.posOf(key, at)}
		switch value := root.Values[i]; value.Kind {
		case yamltree.Object:
			for i, entry := range value.Values {
				key := value.Keys()[i]
				checker.check(entry, reflect.TypeFor[string](), at.Field(key.Text))
				if !entry.Bad && entry.Kind == yamltree.String {
					setting.add(key.Text+"="+entry.Text, r.posOf(key, at.Field(key.Text)))
				}
			}
		case yamltree.List:
			for i, item := range value.Values {
				if text, ok := checker.scalar(item, at.Item(i)); ok {
					setting.add(text, r.posOf(item, at.Item(i)))
				}
			}
		default:
			if text, ok := checker.scalar(value, at); ok {
				setting.add(text, setting.Pos)
			}
		}
		all = append(all, setting)
	}
	return all, r.all()
}

// scalar returns a scalar as it is written; ok is false for null. Anything else is reported.
func (s strictChecker) scalar(n *yamltree.Node, at *yamltree.Path) (text string, ok bool) {
	switch n.Kind {
	case yamltree.String, yamltree.Bool:
		return n.Text, true
	case yamltree.Number:
		return n.Source, true
	case yamltree.Null:
		return "", false
	}
	s.wrongType(n, at, "a scalar")
	return "", false
}

// single returns the one object of the current file, or nil.
func single(r *reporter) *yamltree.Node {
	var single *yamltree.Node
	for _, d := range yamltree.Split(r.file.Data, func(p yamltree.Problem) { r.problem(r.parserProblem(p)) }) {
		root := parse(r, d, func(_ yamltree.Problem, p Problem) { r.problem(p) })
		switch {
		case root == nil || root.Bad || root.Kind == yamltree.Null:
		case single != nil:
			r.fail(r.posOf(root, nil), "too-many-documents", "put all into one", "the file has a second document")
			return single
		case root.Kind != yamltree.Object:
			r.fail(r.posOf(root, nil), "wrong-type", "", "the file must be an object, not %s", root.Kind)
			return nil
		default:
			single = root
		}
	}
	return single
}
