package spec

import (
	"bytes"
	"encoding/json"
	"reflect"
	"slices"

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
	// Template is true if the file was found among the templates of a Helm chart.
	Template bool
	// InChart is true if the file is beside the Chart.yaml of a Helm chart.
	InChart bool
	// Kustomization is the argument of kubectl kustomize for the kustomization that has the file among its resources, or "".
	Kustomization string
}

// Options of a load.
type Options struct {
	// Namespace is the namespace of objects without one.
	Namespace string
	// Lenient turns what ktask or Keptn would ignore (unknown fields, fields of other versions, container
	// fields that are not supported) from errors into warnings.
	Lenient bool
	// Preview means that nothing will be run: what a chart has not rendered yet is passed over.
	Preview bool
	// Tests means that TaskTests are read. Otherwise they are passed over.
	Tests bool
	// OnCluster means that tasks run on a cluster, where some fields have an effect that they do not have elsewhere.
	OnCluster bool
	// Sensitive means that any document may hold a secret: no problem shows a value.
	Sensitive bool
}

// Load reads all files and returns every problem in them, in the order of the files. The error is an *InvalidError if one
// of the problems is an error. The manifests then hold the objects without errors, to be checked but not to be run.
func Load(files []File, options Options) (Manifests, Problems, error) {
	l := &loader{places: map[identity]defined{}, decoder: newDecoder()}
	var problems Problems
	names := make([]string, 0, len(files))
	for _, f := range files {
		names = append(names, f.Name)
		l.reporter = &reporter{file: f, options: options}
		l.load()
		problems = append(problems, l.all()...)
	}
	problems.Sort(names)
	l.manifests.err = problems.Err()
	return l.manifests, problems, l.manifests.err
}

// loader reads the objects of files.
type loader struct {
	// reporter is that of the current file.
	*reporter
	// flawed is true if the parser found errors in the current document.
	flawed bool
	// passed are the problems of the current file that do not prevent a run.
	passed    passedOver
	decoder   *decoder
	manifests Manifests
	places    map[identity]defined
}

type identity struct{ kind, namespace, name string }

// defined is the place of an object, and the kustomization of its file.
type defined struct {
	pos           Pos
	kustomization string
}

// load reads the objects of the current file.
func (l *loader) load() {
	l.passed = passedOver{}
	documents := yamltree.Split(l.file.Data, func(p yamltree.Problem) { l.unreadable(l.file.Data, l.parserProblem(p)) })
	for d := range parseAll(l.reporter, documents) {
		if l.full(Error) || l.passed.count > maxProblems && !l.passed.headers {
			break // garbage
		}
		l.read(d)
	}
	l.reportPassedOver()
}

// read reads the objects of a document.
func (l *loader) read(d parsed) {
	if bytes.HasPrefix(d.text, []byte("---\n# Source: ")) {
		l.passed.afterOwn = false // Helm writes this line above each document, so it is not in a script
	}
	if l.template(d.text) {
		return
	}
	before, faults := l.limit.errors, len(l.manifests.Faults)
	for _, f := range d.found {
		if d.root == nil {
			l.unreadable(d.text, f.problem)
		} else {
			l.judge(d.root, f)
		}
	}
	l.flawed = l.limit.errors > before
	data := len(l.manifests.Faults) > faults // a ConfigMap or a Secret
	unread := func(f finding) bool { return f.problem.Rule != "duplicate-key" && !data }
	if i := slices.IndexFunc(d.found, unread); i >= 0 && !l.flawed && bytes.Contains(d.text, []byte("keptn.sh/")) {
		l.manifests.Unread = append(l.manifests.Unread, d.found[i].problem)
	}
	if d.root == nil {
		l.passed.afterOwn = l.flawed
		return
	}
	l.document(d.root, "", "")
}

// object is one object of a file.
type object struct {
	*reporter
	decoder *decoder
	node    *yamltree.Node
	kind    string
	version string
	// meta is the metadata. It identifies the object if named is true.
	meta  Meta
	named bool
}

// top returns the object as a part.
func (o *object) top() part {
	return part{o, cursor{file: o.file.Name, object: o.reporter.object, root: o.node, place: o.node}}
}

// decoder decodes objects. It is shared by all objects of a load, to reuse what it has allocated.
type decoder struct {
	fields api.Fields
	json   bytes.Buffer
}

func newDecoder() *decoder { return &decoder{fields: api.Fields{}} }

// decode checks the object against the type of into and stores in it what is valid.
func (o *object) decode(into any) {
	checker := o.checker()
	checker.top, checker.root = reflect.TypeOf(into).Elem(), o.node
	checker.check(o.node, checker.top, nil)
	if o.node.Bad {
		return
	}
	text := &o.decoder.json
	text.Reset()
	o.node.AppendJSON(text)
	if err := json.Unmarshal(text.Bytes(), into); err != nil {
		o.fail(o.top().At(), "wrong-type", "", "%s: %s", o.kind, err)
	}
}

func (o *object) checker() strictChecker {
	return strictChecker{reporter: o.reporter, fields: o.decoder.fields, version: o.version}
}

// keep adds an object to a list of the manifests, unless value is nil. A second object of the same identity is an error: kubectl
// create rejects it, and kubectl apply silently replaces the first. An object that was not checked completely is not kept either.
func keep[T any](l *loader, o *object, list *[]*T, value *T) {
	if !o.named || o.full(Error) {
		return
	}
	id := identity{o.kind, o.meta.Namespace, o.meta.Name}
	if first, twice := l.places[id]; twice {
		fact, remedy := "is defined twice", "keep one of them"
		if dir := l.file.Kustomization; dir != "" && first.kustomization != "" && first.kustomization != dir {
			fact, remedy = "is in two kustomizations", "run one of them: kubectl kustomize "+dir+" | ktask run -"
		}
		o.fail(o.meta.Pos, "duplicate-object", remedy, "%s %q %s in namespace %q; the first is at %s", id.kind, id.name, fact, id.namespace, first.pos)
		return
	}
	l.places[id] = defined{o.meta.Pos, l.file.Kustomization}
	if value != nil {
		*list = append(*list, value)
	}
}
