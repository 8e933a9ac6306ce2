package spec

import (
	"slices"
	"strings"

	"github.com/ktask/ktask/spec/yamltree"
)

// Workload is the part that Keptn reads of a Pod, or of an object with a pod template: the labels and annotations of both, and the
// containers, from which it derives a version.
type Workload struct {
	Meta
	Kind string
	// Template is the metadata of the pod template, or of the Pod itself.
	Template Annotated
	// Owner is the metadata that Keptn reads if the template has none of Keptn's. It is empty for a Pod and a ReplicaSet.
	Owner      Annotated
	Containers []PodContainer
}

// Annotated is a set of labels and annotations.
type Annotated struct {
	Labels      []Pair
	Annotations []Pair
}

// PodContainer is a container of a workload's pods.
type PodContainer struct {
	Name  string
	Image string
	// Env are the variables in their order. Those with valueFrom have no value.
	Env []Pair
}

// isWorkload reports whether Keptn reads the annotations of a kind (IsOwnerSupported in apis/lifecycle/v1/common).
func isWorkload(group, kind string) bool {
	switch group {
	case "apps":
		return slices.Contains([]string{"Deployment", "StatefulSet", "DaemonSet", "ReplicaSet"}, kind)
	case "":
		return kind == "Pod"
	case "argoproj.io":
		return kind == "Rollout"
	}
	return false
}

// workload reads a workload. It does not check the fields that Keptn does not read.
func (l *loader) workload() {
	s := l.cursor()
	name := s.find("metadata", "name")
	if name == nil || name.Kind != yamltree.String {
		l.manifests.Foreign++
		return
	}
	w := &Workload{Meta: Meta{Version: l.version, Name: name.Text, Namespace: l.options.Namespace, Pos: s.At()}, Kind: l.kind}
	if ns := s.find("metadata", "namespace"); ns != nil && ns.Kind == yamltree.String && ns.Text != "" {
		w.Namespace = ns.Text
	}
	own := l.annotated(s.sub("metadata"))
	w.Labels, w.Annotations = own.Labels, own.Annotations
	pod := s
	switch l.kind {
	case "Pod":
		w.Template = own
	case "ReplicaSet":
		pod = s.sub("spec", "template")
		w.Template = l.annotated(pod.sub("metadata"))
	default:
		pod = s.sub("spec", "template")
		w.Template, w.Owner = l.annotated(pod.sub("metadata")), own
	}
	w.Containers = containers(pod.sub("spec", "containers"))
	if l.remember(w.Meta) {
		l.manifests.Workloads = append(l.manifests.Workloads, w)
	}
}

func (l *loader) annotated(s cursor) Annotated {
	return Annotated{Labels: l.stringMap(s.sub("labels")), Annotations: l.stringMap(s.sub("annotations"))}
}

// stringMap returns a map of strings. A value of another type is an error if Keptn reads the key.
func (l *loader) stringMap(s cursor) []Pair {
	if s.root == nil || s.root.Kind != yamltree.Object {
		return nil
	}
	var all []Pair
	for i, key := range s.root.Keys() {
		value := s.root.Values[i]
		switch {
		case value.Kind == yamltree.String:
			all = append(all, Pair{key.Text, value.Text, s.At(key.Text)})
		case value.Kind != yamltree.Null && (strings.HasPrefix(key.Text, "keptn.sh/") || strings.HasPrefix(key.Text, "app.kubernetes.io/")):
			l.fail(s.At(key.Text), "wrong-type", "write "+quoted(value), "%s must be a string, not %s", key.Text, value.Kind)
		}
	}
	slices.SortFunc(all, func(a, b Pair) int { return strings.Compare(a.Key, b.Key) })
	return all
}

func quoted(n *yamltree.Node) string { return `"` + n.Source + `"` }

func containers(s cursor) []PodContainer {
	if s.root == nil || s.root.Kind != yamltree.List {
		return nil
	}
	text := func(n *yamltree.Node) string {
		if n == nil || n.Kind != yamltree.String {
			return ""
		}
		return n.Text
	}
	var all []PodContainer
	for _, item := range s.root.Values {
		c := PodContainer{Name: text(item.Field("name")), Image: text(item.Field("image"))}
		if env := item.Field("env"); env != nil && env.Kind == yamltree.List {
			for _, e := range env.Values {
				c.Env = append(c.Env, Pair{Key: text(e.Field("name")), Value: text(e.Field("value"))})
			}
		}
		all = append(all, c)
	}
	return all
}
