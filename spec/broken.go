package spec

import "github.com/ktask/ktask/spec/yamltree"

// Broken is the set of objects with errors. A reference to one of them, or to something in one of them, is not reported as
// missing, because it may exist after the errors are fixed.
type Broken struct{ objects map[identity]Problems }

// Has reports whether an object has errors.
func (b Broken) Has(kind, namespace, name string) bool {
	_, broken := b.objects[identity{kind, namespace, name}]
	return broken
}

// Faults returns the problems of a ConfigMap or Secret. They are errors for a task that uses it.
func (b Broken) Faults(kind, namespace, name string) Problems {
	return b.objects[identity{kind, namespace, name}]
}

// AnyTask reports whether a KeptnTask or a KeptnTaskDefinition with errors matches.
func (b Broken) AnyTask(match func(namespace, name string) bool) bool {
	for id := range b.objects {
		if (id.kind == "KeptnTask" || id.kind == "KeptnTaskDefinition") && match(id.namespace, id.name) {
			return true
		}
	}
	return false
}

// add records the identity of an object with errors, as far as it is known, and its faults. The kind may be misspelt.
func (b *Broken) add(root *yamltree.Node, kind, defaultNamespace string, faults ...Problem) {
	kind = Nearest(kind, []string{"KeptnTaskDefinition", "KeptnTask", "KeptnApp", "KeptnAppContext", "ConfigMap", "Secret"})
	meta := root.Field("metadata")
	name, namespace := meta.Field("name"), meta.Field("namespace")
	if kind == "" || name == nil || name.Kind != yamltree.String {
		return
	}
	id := identity{kind, defaultNamespace, name.Text}
	if namespace != nil && namespace.Kind == yamltree.String && namespace.Text != "" {
		id.namespace = namespace.Text
	}
	if b.objects == nil {
		b.objects = map[identity]Problems{}
	}
	b.objects[id] = append(b.objects[id], faults...)
}

// fault records a problem of a ConfigMap or Secret, see "Documents of others" in docs/fidelity.md.
func (l *loader) fault(root *yamltree.Node, kind string, p Problem) {
	l.manifests.Faults = append(l.manifests.Faults, p)
	l.manifests.Broken.add(root, kind, l.options.Namespace, p)
}

// readData reads a ConfigMap or a Secret. Its errors become faults.
func readData[T any](l *loader, o *object, list *[]*T, read func(*object) *T) {
	aside := *l.reporter
	aside.problems, aside.limit = nil, ProblemLimit{}
	o.reporter = &aside
	keep(l, o, list, read(o))
	for _, p := range aside.all() {
		if p.Severity == Error {
			l.fault(o.node, o.kind, p)
		} else {
			l.problem(p)
		}
	}
}
