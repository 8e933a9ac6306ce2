package spec

import (
	"slices"
	"strings"
)

// Workload is a Pod, or something that makes pods of a template, as far as Keptn looks at it: labels and annotations
// of both, and the containers from which a version can be derived.
type Workload struct {
	Meta
	Kind string
	// Template is the metadata of the pods; for a Pod it is the Pod's own.
	Template Annotated
	// Owner is the metadata that Keptn looks at where the pods say nothing; a Pod and a bare ReplicaSet have none.
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
	// Env are the variables in their order; those with valueFrom have no value.
	Env []Pair
}

// isWorkload tells the kinds whose annotations Keptn reads (apis/lifecycle/v1/common, IsOwnerSupported).
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

// workload reads what it needs and judges nothing else: the rest is Kubernetes' business.
func (l *loader) workload() {
	s := l.section()
	name := s.find("metadata", "name")
	if name == nil || name.kind != stringKind {
		l.manifests.Foreign++
		return
	}
	w := &Workload{Meta: Meta{Version: l.version, Name: name.text, Namespace: l.options.Namespace, Pos: s.At()}, Kind: l.kind}
	if ns := s.find("metadata", "namespace"); ns != nil && ns.kind == stringKind && ns.text != "" {
		w.Namespace = ns.text
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

func (l *loader) annotated(s section) Annotated {
	return Annotated{Labels: l.stringMap(s.sub("labels")), Annotations: l.stringMap(s.sub("annotations"))}
}

// stringMap reads a map of strings; a value of another type is an error where the key is one that Keptn reads.
func (l *loader) stringMap(s section) []Pair {
	if s.root == nil || s.root.kind != objectKind {
		return nil
	}
	var all []Pair
	for i, key := range s.root.keys {
		value := s.root.values[i]
		switch {
		case value.kind == stringKind:
			all = append(all, Pair{key.text, value.text, s.At(key.text)})
		case value.kind != nullKind && (strings.HasPrefix(key.text, "keptn.sh/") || strings.HasPrefix(key.text, "app.kubernetes.io/")):
			l.fail(s.At(key.text), "wrong-type", "write "+quoted(value), "%s must be a string, not %s", key.text, value.kind)
		}
	}
	slices.SortFunc(all, func(a, b Pair) int { return strings.Compare(a.Key, b.Key) })
	return all
}

func quoted(n *node) string { return `"` + n.source + `"` }

func containers(s section) []PodContainer {
	if s.root == nil || s.root.kind != listKind {
		return nil
	}
	text := func(n *node) string {
		if n == nil || n.kind != stringKind {
			return ""
		}
		return n.text
	}
	var all []PodContainer
	for _, item := range s.root.values {
		c := PodContainer{Name: text(item.field("name")), Image: text(item.field("image"))}
		if env := item.field("env"); env != nil && env.kind == listKind {
			for _, e := range env.values {
				c.Env = append(c.Env, Pair{Key: text(e.field("name")), Value: text(e.field("value"))})
			}
		}
		all = append(all, c)
	}
	return all
}
