package resolve

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ktask/ktask/spec"
)

// index finds objects by namespace and name.
type index struct {
	definitions *catalog[*spec.Definition]
	configMaps  *catalog[*spec.ConfigMap]
	secrets     *catalog[*spec.Secret]
}

// catalog holds the objects of a kind.
type catalog[T any] struct {
	objects map[key]T
	// compared counts the names that missing has held against others.
	compared int
}

// maxCompared bounds the work for remedies: thousands of references that lead nowhere, among thousands of names.
const maxCompared = 200_000

type key struct{ namespace, name string }

func newIndex(m spec.Manifests) index {
	return index{
		definitions: newCatalog(m.Definitions, func(d *spec.Definition) spec.Meta { return d.Meta }),
		configMaps:  newCatalog(m.ConfigMaps, func(c *spec.ConfigMap) spec.Meta { return c.Meta }),
		secrets:     newCatalog(m.Secrets, func(s *spec.Secret) spec.Meta { return s.Meta }),
	}
}

func newCatalog[T any](all []T, meta func(T) spec.Meta) *catalog[T] {
	c := &catalog[T]{objects: make(map[key]T, len(all))}
	for _, o := range all {
		m := meta(o)
		c.objects[key{m.Namespace, m.Name}] = o
	}
	return c
}

// find looks in the namespaces in their order; the first hit wins.
func find[T any](c *catalog[T], name string, namespaces ...string) (object T, ok bool) {
	for _, ns := range namespaces {
		if object, ok = c.objects[key{ns, name}]; ok {
			return object, true
		}
	}
	return object, false
}

// missing is the remedy for a reference that was not found: the namespace that has it, or the names that are close.
func missing[T any](c *catalog[T], kind, name string, namespaces ...string) string {
	if c.compared += len(c.objects); c.compared > maxCompared {
		return fmt.Sprintf("no %s of that name was loaded", kind)
	}
	var elsewhere, names []string
	for k := range c.objects {
		if k.name == name {
			elsewhere = append(elsewhere, k.namespace)
		}
		if slices.Contains(namespaces, k.namespace) {
			names = append(names, k.name)
		}
	}
	slices.Sort(elsewhere)
	slices.Sort(names)
	if len(elsewhere) > 0 {
		return fmt.Sprintf("there is one in namespace %s, which is not searched", enumerated(elsewhere))
	}
	if near := spec.DidYouMean(name, names); near != "" {
		return near
	}
	if len(names) == 0 {
		return fmt.Sprintf("no %s was loaded; name its file too", kind)
	}
	return fmt.Sprintf("the %ss loaded are %s", kind, enumerated(names))
}

// enumerated lists names, the first ones of many.
func enumerated(names []string) string {
	const most = 20
	if len(names) > most {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
	}
	return strings.Join(names, ", ")
}

// namespaces are searched for a task of ns, as Keptn's operator does (controllers/common/helperfunctions.go).
func (r *resolver) namespaces(ns string) []string {
	if ns == r.options.KeptnNamespace {
		return []string{ns}
	}
	return []string{ns, r.options.KeptnNamespace}
}
