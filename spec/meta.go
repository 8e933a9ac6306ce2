package spec

import (
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/ktask/ktask/spec/internal/api"
)

// meta checks metadata as the API server does. It returns false if the object has no usable name.
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
		l.refused(validation.IsDNS1123Label(m.Namespace), s.At("metadata", "namespace"), "invalid-name", "metadata.namespace %q is not a valid namespace", m.Namespace)
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
		l.reportMissing(l.cursor().sub("metadata"), "name")
		return false
	}
	return !l.refused(validation.IsDNS1123Subdomain(m.Name), l.at("metadata", "name"), "invalid-name", "metadata.name %q is not a valid object name", m.Name)
}

func (l *loader) labels(m Meta, s cursor) {
	for _, label := range m.Labels {
		if l.full(Error) {
			return // the checks of the API server are expensive
		}
		l.refused(validation.IsQualifiedName(label.Key), s.keyAt(label.Key), "invalid-label", "%q is not a valid label key", label.Key)
		l.refused(validation.IsValidLabelValue(label.Value), label.Pos, "invalid-label", "%q is not a valid label value", label.Value)
	}
}

func (l *loader) annotations(m Meta, s cursor) {
	for _, a := range m.Annotations {
		if l.full(Error) {
			return
		}
		l.refused(validation.IsQualifiedName(strings.ToLower(a.Key)), s.keyAt(a.Key), "invalid-annotation", "%q is not a valid annotation key", a.Key)
	}
}

// refused reports whether the API server rejects a name. If it does, that is a problem with the first of the server's messages,
// without its regular expression, as the remedy.
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
