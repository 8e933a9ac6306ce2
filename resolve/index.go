package resolve

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ktask/ktask/spec"
)

// index finds objects by namespace and name.
type index struct {
	definitions map[key]*spec.Definition
	configMaps  map[key]*spec.ConfigMap
	secrets     map[key]*spec.Secret
}

type key struct{ namespace, name string }

func newIndex(m spec.Manifests) index {
	x := index{map[key]*spec.Definition{}, map[key]*spec.ConfigMap{}, map[key]*spec.Secret{}}
	for _, d := range m.Definitions {
		x.definitions[key{d.Namespace, d.Name}] = d
	}
	for _, c := range m.ConfigMaps {
		x.configMaps[key{c.Namespace, c.Name}] = c
	}
	for _, s := range m.Secrets {
		x.secrets[key{s.Namespace, s.Name}] = s
	}
	return x
}

// find looks in the namespaces in their order; the first hit wins.
func find[T any](objects map[key]T, name string, namespaces ...string) (object T, ok bool) {
	for _, ns := range namespaces {
		if object, ok = objects[key{ns, name}]; ok {
			return object, true
		}
	}
	return object, false
}

// missing is the remedy for a reference that was not found: the namespace that has it, or the names that are close.
func missing[T any](objects map[key]T, kind, name string, namespaces ...string) string {
	var elsewhere, names []string
	for k := range objects {
		if k.name == name {
			elsewhere = append(elsewhere, k.namespace)
		}
		if slices.Contains(namespaces, k.namespace) {
			names = append(names, k.name)
		}
	}
	slices.Sort(elsewhere)
	slices.Sort(names)
	switch {
	case len(elsewhere) > 0:
		return fmt.Sprintf("there is one in namespace %s, which is not searched", strings.Join(elsewhere, ", "))
	case spec.Nearest(name, names) != "":
		return spec.DidYouMean(name, names)
	case len(names) == 0:
		return fmt.Sprintf("no %s was loaded; name its file too", kind)
	}
	return fmt.Sprintf("the %ss loaded are %s", kind, strings.Join(names, ", "))
}

// namespaces are searched for a task of ns, as Keptn's operator does (controllers/common/helperfunctions.go).
func (r *resolver) namespaces(ns string) []string {
	if ns == r.options.KeptnNamespace {
		return []string{ns}
	}
	return []string{ns, r.options.KeptnNamespace}
}
