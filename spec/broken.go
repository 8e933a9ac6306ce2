package spec

import "github.com/ktask/ktask/spec/yamltree"

// Broken are the objects in which a load found errors, whether or not it returns them. What seems to be missing, or to be
// missing in one of them, may be there once they are mended.
type Broken struct{ objects map[identity]bool }

// Has tells whether the object is one of them.
func (b Broken) Has(kind, namespace, name string) bool {
	return b.objects[identity{kind, namespace, name}]
}

// broken notes what an object with errors says of its identity. Its kind may be what is misspelt.
func (l *loader) broken(root *yamltree.Node, kind string) {
	kind = Nearest(kind, []string{"KeptnTaskDefinition", "KeptnTask", "KeptnApp", "KeptnAppContext", "ConfigMap", "Secret"})
	meta := root.Field("metadata")
	name, namespace := meta.Field("name"), meta.Field("namespace")
	if kind == "" || name == nil || name.Kind != yamltree.String {
		return
	}
	id := identity{kind, l.options.Namespace, name.Text}
	if namespace != nil && namespace.Kind == yamltree.String && namespace.Text != "" {
		id.namespace = namespace.Text
	}
	if l.manifests.Broken.objects == nil {
		l.manifests.Broken.objects = map[identity]bool{}
	}
	l.manifests.Broken.objects[id] = true
}
