package resolve

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/ktask/ktask/spec"
)

// index finds objects by namespace and name.
type index struct {
	definitions *catalog[*spec.Definition]
	configMaps  *catalog[*spec.ConfigMap]
	secrets     *catalog[*spec.Secret]
	// broken are the objects with errors.
	broken spec.Broken
	// asked are the names that were looked up.
	asked          map[string]bool
	keptnNamespace string
}

// catalog holds the objects of a kind.
type catalog[T any] struct {
	kind string
	// missingRule is the rule of a reference to a missing object.
	missingRule string
	objects     map[key]T
	broken      spec.Broken
	asked       map[string]bool
	// given are names from outside the manifests. Their namespace is "" if they apply to all namespaces.
	given []key
	// unnamed is the namespace of objects that name none, or "" if an object names it.
	unnamed string
	// compared counts the comparisons of absence.
	compared int
}

// maxCompared is the number of comparisons for remedies: there may be thousands of missing references and thousands of names.
const maxCompared = 200_000

type key struct{ namespace, name string }

func newIndex(m spec.Manifests, o Options) index {
	i := index{
		broken: m.Broken, keptnNamespace: o.KeptnNamespace, asked: map[string]bool{},
		definitions: newCatalog(m, "KeptnTaskDefinition", "missing-definition", m.Definitions, func(d *spec.Definition) spec.Meta { return d.Meta }),
		configMaps:  newCatalog(m, "ConfigMap", "missing-configmap", m.ConfigMaps, func(c *spec.ConfigMap) spec.Meta { return c.Meta }),
		secrets:     newCatalog(m, "Secret", "missing-secret", m.Secrets, func(s *spec.Secret) spec.Meta { return s.Meta }),
	}
	i.definitions.asked, i.configMaps.asked, i.secrets.asked = i.asked, i.asked, i.asked
	if !namesNamespace(m, o.Namespace) {
		i.definitions.unnamed, i.configMaps.unnamed, i.secrets.unnamed = o.Namespace, o.Namespace, o.Namespace
	}
	for _, s := range o.Secrets {
		i.secrets.given = append(i.secrets.given, key{s.Namespace, s.Name})
	}
	return i
}

// namesNamespace reports whether an object names a namespace, and is not only in it by default.
func namesNamespace(m spec.Manifests, namespace string) bool {
	return names(m.Definitions, namespace, func(d *spec.Definition) spec.Meta { return d.Meta }) ||
		names(m.Tasks, namespace, func(t *spec.Task) spec.Meta { return t.Meta }) ||
		names(m.ConfigMaps, namespace, func(c *spec.ConfigMap) spec.Meta { return c.Meta }) ||
		names(m.Secrets, namespace, func(s *spec.Secret) spec.Meta { return s.Meta }) ||
		names(m.Apps, namespace, func(a *spec.App) spec.Meta { return a.Meta }) ||
		names(m.AppContexts, namespace, func(c *spec.AppContext) spec.Meta { return c.Meta }) ||
		names(m.Workloads, namespace, func(w *spec.Workload) spec.Meta { return w.Meta })
}

func names[T any](objects []T, namespace string, meta func(T) spec.Meta) bool {
	return slices.ContainsFunc(objects, func(o T) bool { m := meta(o); return m.NamesNamespace && m.Namespace == namespace })
}

func newCatalog[T any](m spec.Manifests, kind, missingRule string, all []T, meta func(T) spec.Meta) *catalog[T] {
	c := &catalog[T]{kind: kind, missingRule: missingRule, objects: make(map[key]T, len(all)), broken: m.Broken}
	for _, o := range all {
		m := meta(o)
		c.objects[key{m.Namespace, m.Name}] = o
	}
	return c
}

// find searches the namespaces in their order. An object with errors ends the search without a result.
func find[T any](c *catalog[T], name string, namespaces ...string) (object T, ok bool) {
	c.asked[name] = true
	for _, ns := range namespaces {
		if c.broken.Faults(c.kind, ns, name) != nil {
			break
		}
		if object, ok = c.objects[key{ns, name}]; ok || c.broken.Has(c.kind, ns, name) {
			return object, ok
		}
	}
	var none T
	return none, false
}

// absent reports whether none of the namespaces has an object of the name, not even one with errors.
func (c *catalog[T]) absent(name string, namespaces []string) bool {
	return !slices.ContainsFunc(namespaces, func(ns string) bool {
		_, ok := c.objects[key{ns, name}]
		return ok || c.broken.Has(c.kind, ns, name)
	})
}

// names returns, sorted, the names in the namespaces and in others, and the other namespaces that have name.
func (c *catalog[T]) names(name string, namespaces []string) (near, others, elsewhere []string) {
	for _, k := range slices.AppendSeq(slices.Clone(c.given), maps.Keys(c.objects)) {
		if k.namespace == "" || slices.Contains(namespaces, k.namespace) {
			near = append(near, k.name)
			continue
		}
		others = append(others, k.namespace)
		if k.name == name {
			elsewhere = append(elsewhere, k.namespace)
		}
	}
	for _, list := range []*[]string{&near, &others, &elsewhere} {
		slices.Sort(*list)
		*list = slices.Compact(*list)
	}
	return near, others, elsewhere
}

// absence returns what is wrong with a reference to a missing object, and the remedy: another namespace, or similar names other
// than those of except.
func (c *catalog[T]) absence(name string, namespaces []string, except ...string) (fact, remedy string) {
	fact, remedy = "which is not among the manifests", "name the file that holds it too"
	if c.compared += len(c.objects) + len(c.given); c.compared > maxCompared {
		return fact, remedy
	}
	names, others, elsewhere := c.names(name, namespaces)
	names = filter(names, func(n string) bool { return !slices.Contains(except, n) })
	near := spec.DidYouMean(name, names)
	switch {
	case strings.Contains(name, "{{"):
		remedy = "render the template: helm template CHART | ktask run -"
	case len(elsewhere) > 0:
		fact = fmt.Sprintf("which is in namespace %s, not in %s", enumerated(elsewhere), strings.Join(namespaces, " or "))
		switch remedy = "move it to namespace " + namespaces[0]; c.unnamed {
		case namespaces[0]:
			remedy = "--namespace " + elsewhere[0]
		case elsewhere[0]:
			remedy = "--namespace " + namespaces[0]
		}
	case near != "":
		remedy = near
	case len(names) > 0:
		remedy = fmt.Sprintf("the %ss are %s", c.kind, enumerated(names))
	case len(others) > 0:
		remedy = fmt.Sprintf("those of namespace %s are not searched", enumerated(others))
	}
	return fact, remedy
}

// enumerated returns a list of names, shortened if there are many.
func enumerated(names []string) string {
	const most = 20
	if len(names) > most {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
	}
	return strings.Join(names, ", ")
}

// keysAre returns the remedy for a missing key.
func keysAre(keys []string) string {
	if len(keys) == 0 {
		return "it has no keys"
	}
	return "its keys are " + enumerated(keys)
}

// namespaces returns the namespaces that Keptn searches for a task of ns (controllers/common/helperfunctions.go).
func (i index) namespaces(ns string) []string {
	if ns == i.keptnNamespace {
		return []string{ns}
	}
	return []string{ns, i.keptnNamespace}
}
