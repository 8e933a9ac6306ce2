package spec

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/ktask/ktask/spec/internal/api"
	"github.com/ktask/ktask/spec/yamltree"
)

// File is a manifest file, or what came through a pipe.
type File struct {
	// Name is the first word of every problem.
	Name string
	Data []byte
	// Named is true if the user named this file, and false if it was found in a directory: then what is not a Kubernetes object
	// is ignored instead of an error.
	Named bool
}

// Options of a load.
type Options struct {
	// Namespace is the namespace of objects without one.
	Namespace string
	// Lenient turns what ktask or Keptn would ignore (unknown fields, fields of other versions, container
	// fields that are not supported) from errors into warnings.
	Lenient bool
	// Sensitive means that any document may hold a secret: no problem shows a value.
	Sensitive bool
}

// Load reads all files and returns every problem in them, in the order of the files. The error is an *InvalidError if one
// of the problems is an error. The manifests then hold the objects without errors, to be checked but not to be run.
func Load(files []File, options Options) (Manifests, Problems, error) {
	l := &loader{options: options, fields: api.Fields{}, places: map[identity]Pos{}}
	names := make([]string, 0, len(files))
	for _, f := range files {
		names = append(names, f.Name)
		l.file, l.limit = f, ProblemLimit{}
		add := l.problem
		if !f.Named && !hasHeader(f.Data) {
			add = l.notManifest
		}
		for _, d := range yamltree.Split(f.Data, func(p yamltree.Problem) { l.problem(l.parserProblem(p)) }) {
			if l.full(Error) {
				break
			}
			before := l.limit.errors
			if root := l.parse(d, add); root != nil {
				l.flawed = l.limit.errors > before
				l.document(root, "", "")
			}
		}
		l.problems = append(l.problems, l.limit.Exceeded(Pos{File: f.Name})...)
	}
	l.problems.Sort(names)
	l.manifests.err = l.problems.Err()
	return l.manifests, l.problems, l.manifests.err
}

type loader struct {
	options   Options
	manifests Manifests
	problems  Problems
	places    map[identity]Pos
	fields    api.Fields
	json      bytes.Buffer

	// The current file and object.
	file      File
	limit     ProblemLimit
	kind      string
	version   string
	root      *yamltree.Node
	sensitive bool
	// flawed is true if the parser found errors in the document.
	flawed bool
}

type identity struct{ kind, namespace, name string }

func (l *loader) problem(p Problem) {
	if !l.limit.Add(p.Severity) {
		return
	}
	p.Sensitive = p.Sensitive || l.sensitive
	p.Message, p.Remedy = shortened(p.Message), shortened(p.Remedy)
	l.problems = append(l.problems, p)
}

// full reports whether no more problems of the severity are kept.
func (l *loader) full(s Severity) bool { return l.limit.Full(s) }

// shortened removes the middle of a long text, which may show a value of any length.
func shortened(text string) string {
	const most, kept = 1000, 300
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:kept], "") + " … " + strings.ToValidUTF8(text[len(text)-kept:], "")
}

func (l *loader) fail(at Pos, rule, remedy, format string, args ...any) {
	if l.full(Error) {
		return
	}
	l.problem(Problem{Pos: at, Severity: Error, Rule: rule, Message: fmt.Sprintf(format, args...), Remedy: remedy})
}

func (l *loader) warn(at Pos, rule, remedy, format string, args ...any) {
	l.problem(Problem{Pos: at, Severity: Warning, Rule: rule, Message: fmt.Sprintf(format, args...), Remedy: remedy})
}

// at returns the place of a field of the current object, or of the object.
func (l *loader) at(steps ...any) Pos { return l.cursor().At(steps...) }

func (l *loader) cursor() cursor { return cursor{file: l.file.Name, root: l.root, place: l.root} }

func (l *loader) checker() *strictChecker {
	return &strictChecker{
		file: l.file.Name, version: l.version, lenient: l.options.Lenient, sensitive: l.sensitive,
		add: l.problem, full: l.full, fields: l.fields,
	}
}

// decode checks the current object against the type of into and stores in it what is valid.
func (l *loader) decode(into any) {
	l.checker().check(l.root, reflect.TypeOf(into).Elem(), nil)
	if l.root.Bad {
		return
	}
	l.json.Reset()
	l.root.AppendJSON(&l.json)
	if err := json.Unmarshal(l.json.Bytes(), into); err != nil {
		l.fail(l.at(), "wrong-type", "", "%s: %s", l.kind, err)
	}
}

// remember records the identity of an object and reports whether the object can be returned. A second object of the same
// identity is an error: kubectl create rejects it, and kubectl apply silently replaces the first. An object that was not checked
// completely is not returned either.
func (l *loader) remember(m Meta) bool {
	if l.full(Error) {
		return false
	}
	id := identity{l.kind, m.Namespace, m.Name}
	if first, twice := l.places[id]; twice {
		l.fail(m.Pos, "duplicate-object", "keep one of them", "%s %q is defined twice in namespace %q; the first is at %s", l.kind, m.Name, m.Namespace, first)
		return false
	}
	l.places[id] = m.Pos
	return true
}

// pairs returns the entries of the string map at c that are not null, sorted by key.
func pairs(values map[string]*string, c cursor) []Pair {
	if len(values) == 0 {
		return nil
	}
	all := make([]Pair, 0, len(values))
	for i, key := range c.root.Keys() {
		if value := values[key.Text]; value != nil {
			all = append(all, Pair{key.Text, *value, posOf(c.file, c.root.Values[i], c.at.Field(key.Text))})
		}
	}
	slices.SortFunc(all, func(a, b Pair) int { return strings.Compare(a.Key, b.Key) })
	return all
}
