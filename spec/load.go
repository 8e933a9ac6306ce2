package spec

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// File is a manifest file, or what came through a pipe.
type File struct {
	// Name is shown in front of every problem.
	Name string
	Data []byte
	// Named is true where the user named this very file, and false where it was found in a directory: what is
	// no Kubernetes object at all is an error in the first and passed over in the second.
	Named bool
}

// Options of a load.
type Options struct {
	// Namespace is that of objects which name none.
	Namespace string
	// Lenient turns what ktask or Keptn would ignore (unknown fields, fields of other versions, container
	// fields that cannot be honoured) from errors into warnings.
	Lenient bool
	// Sensitive says that any document may hold a secret: no problem shows a value.
	Sensitive bool
}

// Load reads all files and returns every problem in them, in the order of the files. The error is an *InvalidError if one
// of the problems is an error. The manifests then hold the objects without errors, to be checked but not to be run.
func Load(files []File, options Options) (Manifests, Problems, error) {
	l := &loader{options: options, fields: map[reflect.Type][]fieldInfo{}, places: map[identity]Pos{}}
	names := make([]string, 0, len(files))
	for _, f := range files {
		names = append(names, f.Name)
		l.file, l.tally = f, Tally{}
		chunks := split(f.Data)
		if len(chunks) > maxDocuments {
			l.fail(Pos{File: f.Name}, "too-large", "is this a manifest?", "more than %d documents", maxDocuments)
			chunks = nil
		}
		add := l.problem
		if !f.Named && !hasHeader(f.Data) {
			add = l.passedOver
		}
		for _, c := range chunks {
			if l.full(Error) {
				break
			}
			for _, c := range concatenated(c) {
				before := l.tally.errors
				if root := parse(f.Name, c, guarded(c, options.Sensitive, add)); root != nil {
					l.flawed = l.tally.errors > before
					l.document(root, "", "")
				}
			}
		}
		l.problems = append(l.problems, l.tally.Untold(Pos{File: f.Name})...)
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
	// fields caches what reflection says about a type.
	fields map[reflect.Type][]fieldInfo
	json   bytes.Buffer

	// What follows is about the file and the object at hand.
	file      File
	tally     Tally
	kind      string
	version   string
	root      *node
	sensitive bool
	// flawed is set where the parser found errors in the document.
	flawed bool
}

type identity struct{ kind, namespace, name string }

func (l *loader) problem(p Problem) {
	if !l.tally.Add(p.Severity) {
		return
	}
	p.Sensitive = p.Sensitive || l.sensitive
	p.Message, p.Remedy = shortened(p.Message), shortened(p.Remedy)
	l.problems = append(l.problems, p)
}

// full tells whether a further problem of the severity would not be shown.
func (l *loader) full(s Severity) bool { return l.tally.Full(s) }

// shortened cuts the middle out of a text that shows a value of any length.
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

// at is the place of a field of the object at hand, or of the object.
func (l *loader) at(steps ...any) Pos { return l.section().At(steps...) }

func (l *loader) section() section { return section{file: l.file.Name, root: l.root, place: l.root} }

func (l *loader) shape() *shape {
	return &shape{
		file: l.file.Name, version: l.version, lenient: l.options.Lenient, sensitive: l.sensitive,
		add: l.problem, full: l.full, fields: l.fields,
	}
}

// decode holds the object at hand against the type of into, and fills it with what fits.
func (l *loader) decode(into any) {
	l.shape().check(l.root, reflect.TypeOf(into).Elem(), nil)
	if l.root.bad {
		return
	}
	l.json.Reset()
	l.root.appendJSON(&l.json)
	if err := json.Unmarshal(l.json.Bytes(), into); err != nil {
		l.fail(l.at(), "wrong-type", "", "%s: %s", l.kind, err)
	}
}

// remember notes an object's identity; the same one twice is an error that names both places (kubectl create
// refuses the second, kubectl apply silently lets it win). An object that was not checked to its end is left out.
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

// pairs are the entries of a string map that are not null, sorted by key; s is the map's place.
func pairs(values map[string]*string, s section) []Pair {
	if len(values) == 0 {
		return nil
	}
	all := make([]Pair, 0, len(values))
	for i, key := range s.root.keys {
		if value := values[key.text]; value != nil {
			at := s.root.values[i]
			all = append(all, Pair{key.text, *value, Pos{s.file, int(at.line), int(at.column), s.at.field(key.text).String()}})
		}
	}
	slices.SortFunc(all, func(a, b Pair) int { return strings.Compare(a.Key, b.Key) })
	return all
}
