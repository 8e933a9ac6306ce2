package spec

import (
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"
)

// meta validates metadata as the API server does; ok is false where the object has no usable name.
func (l *loader) meta(h rawHeader) (m Meta, ok bool) {
	s := l.section()
	m = Meta{
		Version: l.version, Name: h.Metadata.Name, Namespace: h.Metadata.Namespace, Pos: s.At(),
		Labels:      pairs(pointers(h.Metadata.Labels), s.sub("metadata", "labels")),
		Annotations: pairs(pointers(h.Metadata.Annotations), s.sub("metadata", "annotations")),
	}
	if m.Namespace == "" {
		m.Namespace = l.options.Namespace
	} else if problems := validation.IsDNS1123Label(m.Namespace); problems != nil {
		l.fail(s.At("metadata", "namespace"), "invalid-name", nameRule(problems), "metadata.namespace %q is no name of a namespace", m.Namespace)
	}
	l.labels(m)
	if s.bad("metadata") || s.bad("metadata", "name") {
		return m, false
	}
	return m, l.name(h.Metadata)
}

func (l *loader) name(m metav1.ObjectMeta) bool {
	switch {
	case m.Name == "" && m.GenerateName != "":
		l.fail(l.at("metadata", "generateName"), "required", "give it a metadata.name", "generateName needs a cluster to generate the name")
		return false
	case m.Name == "":
		l.missing(l.section().sub("metadata"), "name")
		return false
	}
	if problems := validation.IsDNS1123Subdomain(m.Name); problems != nil {
		l.fail(l.at("metadata", "name"), "invalid-name", nameRule(problems), "metadata.name %q is no name of an object", m.Name)
		return false
	}
	return true
}

func (l *loader) labels(m Meta) {
	for _, label := range m.Labels {
		if l.full(Error) {
			return // the words of the API server are dear, and nobody would read them
		}
		if problems := validation.IsQualifiedName(label.Key); problems != nil {
			l.fail(label.Pos, "invalid-label", problems[0], "%q is no key of a label", label.Key)
		}
		if problems := validation.IsValidLabelValue(label.Value); problems != nil {
			l.fail(label.Pos, "invalid-label", problems[0], "%q is no value of a label", label.Value)
		}
	}
	for _, a := range m.Annotations {
		if l.full(Error) {
			return
		}
		if problems := validation.IsQualifiedName(strings.ToLower(a.Key)); problems != nil {
			l.fail(a.Pos, "invalid-annotation", problems[0], "%q is no key of an annotation", a.Key)
		}
	}
}

// nameRule is what a name has to be, in the words of the API server but without its regular expression.
func nameRule(problems []string) string {
	rule, _, shortened := strings.Cut(problems[0], ", regex used")
	if shortened {
		rule += ")"
	}
	return rule
}

func pointers(values map[string]string) map[string]*string {
	all := make(map[string]*string, len(values))
	for k, v := range values {
		all[k] = &v
	}
	return all
}
