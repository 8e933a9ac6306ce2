package resolve

import (
	"fmt"
	"hash/fnv"
	"io"
	"slices"
	"strings"

	"github.com/ktask/ktask/spec"
)

// workload is the KeptnWorkload that Keptn's webhook creates for a pod (webhooks/pod_mutator/handlers).
type workload struct {
	source *spec.Workload
	// app and name are the parts of the name of the object, "app-name".
	app, name string
	version   string
	pre, post []spec.Name
	metadata  []spec.Pair
	// idle is true if the workload has no pods, so that Keptn does not see it.
	idle bool
	// evaluations are the places of lists of evaluations.
	evaluations []spec.Pos
}

// object returns the name of the KeptnWorkload.
func (w workload) object() string { return w.app + "-" + w.name }

// The keys that Keptn reads. Each second one is the label that Kubernetes recommends.
const (
	keyWorkload, recommendedWorkload = "keptn.sh/workload", "app.kubernetes.io/name"
	keyApp, recommendedApp           = "keptn.sh/app", "app.kubernetes.io/part-of"
	keyVersion, recommendedVersion   = "keptn.sh/version", "app.kubernetes.io/version"
	keyPre, keyPost                  = "keptn.sh/pre-deployment-tasks", "keptn.sh/post-deployment-tasks"
	keyPreEval, keyPostEval          = "keptn.sh/pre-deployment-evaluations", "keptn.sh/post-deployment-evaluations"
	keyContainer                     = "keptn.sh/container"
	keyMetadata                      = "keptn.sh/metadata"
)

// lookup returns a value by Keptn's precedence: annotation, label, recommended annotation, recommended label. Empty values are
// ignored (GetLabelOrAnnotation).
func lookup(a spec.Annotated, key, recommended string) (spec.Pair, bool) {
	for _, name := range []string{key, recommended} {
		if name == "" {
			continue
		}
		for _, pairs := range [][]spec.Pair{a.Annotations, a.Labels} {
			for _, p := range pairs {
				if p.Key == name && p.Value != "" {
					return p, true
				}
			}
		}
	}
	return spec.Pair{}, false
}

// readWorkload returns a workload as Keptn reads it, or false if Keptn ignores it because it has no name. Keptn reads the metadata
// of the owner, and only that, if the metadata of the pods names no workload.
func readWorkload(c *collector, s *spec.Workload) (w workload, ok bool) {
	from := s.Template
	name, named := lookup(from, keyWorkload, recommendedWorkload)
	if named {
		warnHiddenLists(c, s)
	} else {
		if name, named = lookup(s.Owner, keyWorkload, recommendedWorkload); !named {
			warnUnnamed(c, s)
			return w, false
		}
		from = s.Owner
	}
	w = workload{source: s, name: objectName(name.Value), app: objectName(name.Value)}
	if app, ok := lookup(from, keyApp, recommendedApp); ok {
		w.app = objectName(app.Value)
	}
	version, ok := lookup(from, keyVersion, recommendedVersion)
	if !ok {
		version.Value, ok = workloadVersion(c, s, from)
	}
	w.version = strings.ToLower(version.Value)
	w.pre, w.post = taskList(c, from, keyPre), taskList(c, from, keyPost)
	for _, key := range []string{keyPreEval, keyPostEval} {
		if p, ok := lookup(from, key, ""); ok {
			w.evaluations = append(w.evaluations, p.Pos)
		}
	}
	if p, ok := lookup(from, keyMetadata, ""); ok {
		w.metadata = metadata(p)
	}
	return w, ok
}

// warnHiddenLists warns of task lists of the owner that Keptn ignores because the pods name a workload.
func warnHiddenLists(c *collector, s *spec.Workload) {
	for _, key := range []string{keyPre, keyPost} {
		own, listed := lookup(s.Owner, key, "")
		if _, has := lookup(s.Template, key, ""); listed && !has {
			c.warn(own.Pos, "hidden-tasks", "put it into spec.template.metadata.annotations",
				"%s of %s %q is not read: its pod template names a workload of its own", key, s.Kind, s.Name)
		}
	}
}

// warnUnnamed warns of task lists of a workload that Keptn ignores because nothing names it.
func warnUnnamed(c *collector, s *spec.Workload) {
	remedy := "add keptn.sh/workload: " + s.Name + " beside it"
	for i, from := range []spec.Annotated{s.Template, {Labels: s.Labels, Annotations: s.Annotations}} {
		if i == 1 && s.Kind == "ReplicaSet" { // Keptn reads its pods alone
			remedy = "move it to the pod template, with keptn.sh/workload: " + s.Name
		}
		for _, key := range []string{keyPre, keyPost, keyPreEval, keyPostEval} {
			if list, listed := lookup(from, key, ""); listed {
				c.warn(list.Pos, "ignored-tasks", remedy, "%s of %s %q is not read: Keptn finds no name of the workload", key, s.Kind, s.Name)
			}
		}
	}
}

// objectName returns a name as Keptn writes it: in lower case, with dashes for underscores.
func objectName(s string) string { return strings.ReplaceAll(strings.ToLower(s), "_", "-") }

// taskList splits a list of tasks at its commas. Keptn neither trims names nor drops empty ones, and does not find such definitions.
// Here they are trimmed and dropped, with a warning.
func taskList(c *collector, from spec.Annotated, key string) []spec.Name {
	p, ok := lookup(from, key, "")
	if !ok {
		return nil
	}
	var names []spec.Name
	for piece := range strings.SplitSeq(p.Value, ",") {
		name := strings.TrimSpace(piece)
		switch {
		case name == "":
			c.warn(p.Pos, "empty-task-name", "remove the comma", "%s: %q contains an empty name, which a cluster would look for", key, p.Value)
			continue
		case name != piece:
			c.warn(p.Pos, "untrimmed-task-name", fmt.Sprintf("write %q without blanks", name), "%s: a cluster does not trim names, and would look for %q", key, piece)
		}
		names = append(names, spec.Name{Value: name, Pos: p.Pos})
	}
	return names
}

// metadata reads a list of key=value, separated by commas. Items without exactly one equals sign are ignored (parseWorkloadMetadata).
func metadata(p spec.Pair) []spec.Pair {
	var all []spec.Pair
	for piece := range strings.SplitSeq(p.Value, ",") {
		if parts := strings.Split(piece, "="); len(parts) == 2 {
			all = append(all, spec.Pair{Key: parts[0], Value: parts[1], Pos: p.Pos})
		}
	}
	return all
}

// workloadVersion returns the version of a workload without one: the tag of the image of the container that keptn.sh/container names,
// or else a hash of all containers (calculateVersion). The tag is the text after the last colon, "5000/web" for "host:5000/web".
func workloadVersion(c *collector, s *spec.Workload, from spec.Annotated) (string, bool) {
	wanted, named := lookup(from, keyContainer, "")
	var names []string
	h := fnv.New32a() // its Write never fails
	for _, container := range s.Containers {
		if container.Name == wanted.Value {
			if i := strings.LastIndex(container.Image, ":"); i >= 0 && container.Image[i+1:] != "" && container.Image[i+1:] != "latest" {
				return container.Image[i+1:], true
			}
		}
		names = append(names, container.Name)
		_, _ = io.WriteString(h, container.Name+container.Image)
		for _, e := range container.Env {
			_, _ = io.WriteString(h, e.Key+e.Value)
		}
	}
	if named && !slices.Contains(names, wanted.Value) {
		c.fail(wanted.Pos, "no-such-container", "its containers are "+strings.Join(names, ", "),
			"%s names container %q, which the pods of %s %q do not have; Keptn finds no version", keyContainer, wanted.Value, s.Kind, s.Name)
		return "", false
	}
	return fmt.Sprint(h.Sum32()), true
}
