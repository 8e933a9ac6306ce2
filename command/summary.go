package command

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ktask/ktask/spec"
)

// nothingToCheck returns a note if manifests without errors hold nothing of Keptn, and otherwise nil.
func nothingToCheck(m spec.Manifests, problems spec.Problems, paths []string) spec.Problems {
	if len(kinds(m)) > 0 || len(problems.Errors()) > 0 {
		return nil
	}
	others := m.Foreign + len(m.ConfigMaps) + len(m.Secrets) + len(m.Workloads)
	return spec.Problems{{
		Severity: spec.Note, Rule: "nothing-to-check", Remedy: "name the files of your tasks and apps",
		Message: fmt.Sprintf("found no object of Keptn and %s in %s", counted(others, "other object"), inputs(paths)),
	}}
}

// summary returns what was checked, and what was found besides errors: "24 files, 20 tasks, 1 app: no problems".
func summary(files int, m spec.Manifests, problems spec.Problems) string {
	var found []string
	for _, group := range []struct {
		n    int
		name string
	}{{len(problems.Warnings()), "warning"}, {len(problems.Notes()), "note"}} {
		if group.n > 0 {
			found = append(found, counted(group.n, group.name))
		}
	}
	if found == nil {
		found = []string{"no problems"}
	}
	checked := append([]string{counted(files, "file")}, kinds(m)...)
	return strings.Join(checked, ", ") + ": " + strings.Join(found, ", ")
}

// kinds returns how many objects of Keptn there are of each kind, without the kinds of which there are none. A definition counts
// as a task, unless KeptnTasks say which tasks there are.
func kinds(m spec.Manifests) []string {
	tasks, definitions := len(m.Tasks), len(m.Definitions)
	if tasks == 0 {
		tasks, definitions = definitions, 0
	}
	type name struct{ namespace, name string }
	var apps []name // an app and its KeptnAppContext have the same name
	for _, a := range m.Apps {
		apps = append(apps, name{a.Namespace, a.Name})
	}
	for _, c := range m.AppContexts {
		if own := (name{c.Namespace, c.Name}); !slices.Contains(apps, own) {
			apps = append(apps, own)
		}
	}
	var all []string
	for _, kind := range []struct {
		n    int
		name string
	}{{definitions, "task definition"}, {tasks, "task"}, {len(apps), "app"}, {annotated(m), "workload"}, {len(m.Tests), "test"}, {len(m.Configs), "KeptnConfig"}, {m.Ignored, "other object of Keptn"}} {
		if kind.n > 0 {
			all = append(all, counted(kind.n, kind.name))
		}
	}
	return all
}

// annotated returns how many workloads have a label or an annotation that Keptn reads. The others are not Keptn's concern.
func annotated(m spec.Manifests) int {
	n := 0
	for _, w := range m.Workloads {
		all := slices.Concat(w.Template.Labels, w.Template.Annotations, w.Owner.Labels, w.Owner.Annotations)
		if slices.ContainsFunc(all, func(p spec.Pair) bool {
			return strings.HasPrefix(p.Key, "keptn.sh/") || p.Key == "app.kubernetes.io/name" && p.Value != ""
		}) {
			n++
		}
	}
	return n
}

// inputs returns the names of paths as problems have them.
func inputs(paths []string) string {
	names := slices.Clone(paths)
	for i, name := range names {
		if name == "-" {
			names[i] = spec.Stdin
		}
	}
	return strings.Join(names, ", ")
}

// counted returns a number with a noun: "1 file", "2 files", "2 objects of Keptn".
func counted(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	noun, rest, more := strings.Cut(noun, " of ")
	if more {
		rest = " of " + rest
	}
	return fmt.Sprintf("%d %ss%s", n, noun, rest)
}
