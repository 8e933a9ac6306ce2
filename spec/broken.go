package spec

import "github.com/ktask/ktask/spec/yamltree"

// Broken is the set of objects with errors. A reference to one of them, or to something in one of them, is not reported as
// missing, because it may exist after the errors are fixed.
type Broken struct{ objects map[identity]bool }

// Has reports whether an object has errors.
func (b Broken) Has(kind, namespace, name string) bool {
	return b.objects[identity{kind, namespace, name}]
}

// Any reports whether one of the objects matches.
func (b Broken) Any(match func(namespace, name string) bool) bool {
	for id := range b.objects {
		if match(id.namespace, id.name) {
			return true
		}
	}
	return false
}

// add records the identity of an object with errors, as far as it is known. The kind may be misspelt.
func (b *Broken) add(root *yamltree.Node, kind, defaultNamespace string) {
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
		b.objects = map[identity]bool{}
	}
	b.objects[id] = true
}
