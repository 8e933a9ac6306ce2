package spec

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"

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
	// Faults are the problems of labels and annotations that Keptn reads. They are errors for who uses the workload.
	Faults Problems
	// NoPods is true if replicas is 0.
	NoPods bool
	// Partial is true if the object lacks spec.selector, which a complete one has. It may be a patch.
	Partial bool
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

// readWorkload reads a workload, or returns nil if it has no name. It does not check the fields that Keptn does not read.
func readWorkload(o *object) *Workload {
	s := o.top()
	name := s.find("metadata", "name")
	if name == nil || name.Kind != yamltree.String {
		return nil
	}
	w := &Workload{Kind: o.kind}
	own := w.annotated(s.in("metadata"))
	o.named = true
	o.meta = Meta{
		Version: o.version, Name: name.Text, Namespace: cmp.Or(text(s.find("metadata", "namespace")), o.options.Namespace), Pos: s.At(),
		Labels: own.Labels, Annotations: own.Annotations,
	}
	w.Meta, w.Template = o.meta, own
	pod := s
	if o.kind != "Pod" {
		pod = s.in("spec", "template")
		w.Template = w.annotated(pod.in("metadata"))
	}
	if o.kind != "Pod" && o.kind != "ReplicaSet" {
		w.Owner = own
	}
	if replicas := s.find("spec", "replicas"); replicas != nil && o.kind != "Pod" && o.kind != "DaemonSet" {
		w.NoPods = replicas.Kind == yamltree.Number && replicas.Text == "0"
	}
	w.Partial = o.kind != "Pod" && s.find("spec", "selector") == nil
	w.Containers = containers(pod.find("spec", "containers"))
	return w
}

func (w *Workload) annotated(s part) Annotated {
	return Annotated{Labels: w.stringMap(s.in("labels")), Annotations: w.stringMap(s.in("annotations"))}
}

// recommendedLabels are the labels of Kubernetes that Keptn reads.
var recommendedLabels = []string{"app.kubernetes.io/name", "app.kubernetes.io/part-of", "app.kubernetes.io/version"}

// stringMap returns a map of strings. A value of another type is a fault if Keptn reads the key.
func (w *Workload) stringMap(s part) []Pair {
	if s.root == nil || s.root.Kind != yamltree.Object {
		return nil
	}
	var all []Pair
	for i, key := range s.root.Keys() {
		value := s.root.Values[i]
		switch {
		case value.Bad: // a template
		case value.Kind == yamltree.String:
			all = append(all, Pair{key.Text, value.Text, s.At(key.Text)})
			if s.at.Name == "labels" && readByKeptn(key.Text) {
				w.checkLabel(s, all[len(all)-1])
			}
			w.checkKey(s, key.Text)
		case value.Kind != yamltree.Null && readByKeptn(key.Text):
			p := Problem{Pos: s.At(key.Text), Severity: Error, Rule: "wrong-type", Message: fmt.Sprintf("%s must be a string, not %s", key.Text, value.Kind)}
			if value.Kind != yamltree.List && value.Kind != yamltree.Object {
				p.Remedy = `write "` + value.Source + `"`
			}
			w.Faults = append(w.Faults, p)
		}
	}
	slices.SortFunc(all, func(a, b Pair) int { return strings.Compare(a.Key, b.Key) })
	return all
}

// warnJob warns of task lists of a Job or a CronJob, which Keptn ignores.
func (o *object) warnJob() {
	for _, steps := range [][]any{{"metadata"}, {"spec", "template", "metadata"}, {"spec", "jobTemplate", "spec", "template", "metadata"}} {
		for _, field := range []string{"annotations", "labels"} {
			s := o.top().in(append(steps, field)...)
			for _, key := range keptnKeys {
				if key = "keptn.sh/" + key; strings.Contains(key, "-deployment-") && text(s.find(key)) != "" {
					o.warn(s.At(key), "ignored-tasks", "annotate a Deployment, StatefulSet, DaemonSet, Pod or Rollout",
						"%s of a %s is not read: Keptn ignores this kind", key, o.kind)
				}
			}
		}
	}
}

// keptnKeys are the labels and annotations of a workload that Keptn reads, after keptn.sh/.
var keptnKeys = []string{
	"workload", "app", "version", "container", "metadata",
	"pre-deployment-tasks", "post-deployment-tasks", "pre-deployment-evaluations", "post-deployment-evaluations",
}

// otherKeys are the labels and annotations that Keptn reads or writes elsewhere.
var otherKeys = []string{"lifecycle-toolkit", "task-name", "app-type", "app-name"}

// checkKey adds a warning for a key that is probably a misspelt one of Keptn. Other keys of keptn.sh may be those of another tool.
func (w *Workload) checkKey(s part, key string) {
	name, ours := strings.CutPrefix(key, "keptn.sh/")
	if !ours || slices.Contains(keptnKeys, name) || slices.Contains(otherKeys, name) {
		return
	}
	if near := Nearest(name, keptnKeys); near != "" {
		w.Faults = append(w.Faults, Problem{
			Pos: s.keyAt(key), Severity: Warning, Rule: "unknown-key", Message: "Keptn does not read " + shortened(key),
			Remedy: fmt.Sprintf("did you mean %q?", "keptn.sh/"+near), Sensitive: s.sensitive,
		})
	}
}

func readByKeptn(key string) bool {
	return strings.HasPrefix(key, "keptn.sh/") || slices.Contains(recommendedLabels, key)
}

// checkLabel adds a fault if the API server refuses the value of a label.
func (w *Workload) checkLabel(s part, label Pair) {
	problems := validation.IsValidLabelValue(label.Value)
	if len(problems) == 0 {
		return
	}
	remedy := inWords(problems[0])
	switch {
	case helmAction.MatchString(label.Value):
		remedy = renderFirst
	case strings.Contains(label.Value, ","):
		remedy = "a label cannot hold a list: write it as an annotation"
	}
	w.Faults = append(w.Faults, Problem{
		Pos: label.Pos, Severity: Error, Rule: "invalid-label", Message: fmt.Sprintf("label %s: %q is not a valid label value", label.Key, shortened(label.Value)),
		Remedy: remedy, Sensitive: s.sensitive,
	})
}

// text returns the text of a string, or "" for anything else.
func text(n *yamltree.Node) string {
	if n == nil || n.Kind != yamltree.String {
		return ""
	}
	return n.Text
}

func containers(list *yamltree.Node) []PodContainer {
	if list == nil || list.Kind != yamltree.List {
		return nil
	}
	var all []PodContainer
	for _, item := range list.Values {
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
