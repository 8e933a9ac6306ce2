package spec

// Broken are the objects in which a load found errors, whether or not it returns them. What seems to be missing, or to be
// missing in one of them, may be there once they are mended.
type Broken struct{ objects map[identity]bool }

// Has tells whether the object is one of them.
func (b Broken) Has(kind, namespace, name string) bool {
	return b.objects[identity{kind, namespace, name}]
}

// broken notes what an object with errors says of its identity. Its kind may be what is misspelt.
func (l *loader) broken(root *node, kind string) {
	kind = Nearest(kind, []string{"KeptnTaskDefinition", "KeptnTask", "KeptnApp", "KeptnAppContext", "ConfigMap", "Secret"})
	meta := root.field("metadata")
	name, namespace := meta.field("name"), meta.field("namespace")
	if kind == "" || name == nil || name.kind != stringKind {
		return
	}
	id := identity{kind, l.options.Namespace, name.text}
	if namespace != nil && namespace.kind == stringKind && namespace.text != "" {
		id.namespace = namespace.text
	}
	if l.manifests.Broken.objects == nil {
		l.manifests.Broken.objects = map[identity]bool{}
	}
	l.manifests.Broken.objects[id] = true
}
