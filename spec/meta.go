package spec

import (
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/ktask/ktask/spec/internal/api"
)

// readMeta checks the metadata of an object as the API server does.
func (o *object) readMeta(h api.Header) {
	s := o.top().in("metadata")
	labels, annotations := s.in("labels"), s.in("annotations")
	o.meta = Meta{
		Version: o.version, Name: h.Metadata.Name, Namespace: h.Metadata.Namespace, Pos: o.top().At(),
		Labels:      pairs(pointers(h.Metadata.Labels), labels.cursor),
		Annotations: pairs(pointers(h.Metadata.Annotations), annotations.cursor),
	}
	o.meta.NamesNamespace = o.meta.Namespace != ""
	if !o.meta.NamesNamespace {
		o.meta.Namespace = o.options.Namespace
	} else {
		o.refused(validation.IsDNS1123Label(o.meta.Namespace), s.At("namespace"), "invalid-name", "metadata.namespace %q is not a valid namespace", o.meta.Namespace)
	}
	for _, label := range o.meta.Labels {
		if o.full(Error) {
			break // the checks of the API server are expensive
		}
		o.refused(validation.IsQualifiedName(label.Key), labels.keyAt(label.Key), "invalid-label", "%q is not a valid label key", label.Key)
		o.refused(validation.IsValidLabelValue(label.Value), label.Pos, "invalid-label", "%q is not a valid label value", label.Value)
	}
	for _, a := range o.meta.Annotations {
		if o.full(Error) {
			break
		}
		o.refused(validation.IsQualifiedName(strings.ToLower(a.Key)), annotations.keyAt(a.Key), "invalid-annotation", "%q is not a valid annotation key", a.Key)
	}
	o.named = !s.bad() && !s.bad("name") && checkName(s, h.Metadata)
}

// checkName reports whether an object has a valid name. If not, that is a problem.
func checkName(s part, m metav1.ObjectMeta) bool {
	switch {
	case m.Name == "" && m.GenerateName != "":
		s.fail(s.At("generateName"), "required", "give it a metadata.name", "generateName needs a cluster to generate the name")
		return false
	case m.Name == "":
		s.reportMissing("name")
		return false
	}
	return !s.refused(validation.IsDNS1123Subdomain(m.Name), s.At("name"), "invalid-name", "metadata.name %q is not a valid object name", m.Name)
}

func pointers(values map[string]string) map[string]*string {
	all := make(map[string]*string, len(values))
	for k, v := range values {
		all[k] = &v
	}
	return all
}
