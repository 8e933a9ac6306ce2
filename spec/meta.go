package spec

import (
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/ktask/ktask/spec/internal/api"
)

// meta validates metadata as the API server does; ok is false where the object has no usable name.
func (l *loader) meta(h api.Header) (m Meta, ok bool) {
	s := l.cursor()
	m = Meta{
		Version: l.version, Name: h.Metadata.Name, Namespace: h.Metadata.Namespace, Pos: s.At(),
		Labels:      pairs(pointers(h.Metadata.Labels), s.sub("metadata", "labels")),
		Annotations: pairs(pointers(h.Metadata.Annotations), s.sub("metadata", "annotations")),
	}
	if m.Namespace == "" {
		m.Namespace = l.options.Namespace
	} else {
		l.refused(validation.IsDNS1123Label(m.Namespace), s.At("metadata", "namespace"), "invalid-name", "metadata.namespace %q is no name of a namespace", m.Namespace)
	}
	l.labels(m, s.sub("metadata", "labels"))
	l.annotations(m, s.sub("metadata", "annotations"))
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
		l.missing(l.cursor().sub("metadata"), "name")
		return false
	}
	return !l.refused(validation.IsDNS1123Subdomain(m.Name), l.at("metadata", "name"), "invalid-name", "metadata.name %q is no name of an object", m.Name)
}

func (l *loader) labels(m Meta, s cursor) {
	for _, label := range m.Labels {
		if l.full(Error) {
			return // the words of the API server are dear, and nobody would read them
		}
		l.refused(validation.IsQualifiedName(label.Key), s.keyAt(label.Key), "invalid-label", "%q is no key of a label", label.Key)
		l.refused(validation.IsValidLabelValue(label.Value), label.Pos, "invalid-label", "%q is no value of a label", label.Value)
	}
}

func (l *loader) annotations(m Meta, s cursor) {
	for _, a := range m.Annotations {
		if l.full(Error) {
			return
		}
		l.refused(validation.IsQualifiedName(strings.ToLower(a.Key)), s.keyAt(a.Key), "invalid-annotation", "%q is no key of an annotation", a.Key)
	}
}

// refused reports what the API server has against a name, if anything, with its words as the remedy but without the
// regular expressions in them.
func (l *loader) refused(problems []string, at Pos, rule, format string, args ...any) bool {
	if len(problems) == 0 {
		return false
	}
	remedy, _, shortened := strings.Cut(problems[0], ", regex used")
	if shortened {
		remedy += ")"
	}
	l.fail(at, rule, remedy, format, args...)
	return true
}

func pointers(values map[string]string) map[string]*string {
	all := make(map[string]*string, len(values))
	for k, v := range values {
		all[k] = &v
	}
	return all
}
