package resolve

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/ktask/ktask/spec"
)

// chosenApps returns the apps that the options select, with the selected workloads.
func chosenApps(c *collector, o Lifecycle, m spec.Manifests, all []app) []app {
	names := []string{}
	ofName := filter(all, func(a app) bool {
		names = append(names, a.name)
		return o.App == "" || isName(o.App, a.namespace, a.name)
	})
	switch {
	case len(ofName) == 0 && o.App != "":
		c.fail(spec.Pos{}, "no-such-app", nearOrAll(o.App, names), "there is no app %q among the manifests", o.App)
	case o.Workload != "":
		return distinct(withWorkload(c, o.Workload, m, ofName))
	case len(ofName) == 0 && c.errors == 0: // otherwise a workload was reported
		c.fail(spec.Pos{}, "no-app", "annotate a workload with keptn.sh/workload, or add a KeptnApp", "the manifests contain no app and no workload that Keptn would see")
	}
	return distinct(ofName)
}

// isName reports whether a user means an object by a name, in which case and underscores do not matter, as for Keptn. The name may
// begin with the namespace and a slash.
func isName(given, namespace, name string) bool {
	if ns, rest, ok := strings.Cut(given, "/"); ok {
		return ns == namespace && objectName(rest) == objectName(name)
	}
	return objectName(given) == objectName(name)
}

// withWorkload returns the app of the workload that a user means by a name, with this workload alone. If there are several, that
// is an error.
func withWorkload(c *collector, name string, m spec.Manifests, all []app) []app {
	var found []app
	var names, candidates []string
	for _, a := range all {
		for _, w := range a.workloads {
			names = append(names, w.object())
			if slices.ContainsFunc([]string{w.source.Name, w.name, w.object()}, func(n string) bool { return isName(name, a.namespace, n) }) {
				one := a
				one.workloads, one.alone = []workload{w}, true
				found = append(found, one)
				candidates = append(candidates, fmt.Sprintf("%s/%s (%s %q)", a.namespace, w.object(), w.source.Kind, w.source.Name))
			}
		}
	}
	switch {
	case len(found) == 1:
		return found
	case len(found) > 1:
		c.fail(spec.Pos{}, "ambiguous-workload", "give one of these names", "%q is the name of several workloads: %s", name, strings.Join(candidates, ", "))
		return nil
	}
	for _, s := range m.Workloads {
		if isName(name, s.Namespace, s.Name) && c.errors == 0 {
			c.fail(s.Pos, "no-such-workload", "annotate it with keptn.sh/workload", "Keptn ignores %s %q: it has no name of a workload", s.Kind, s.Name)
			return nil
		}
	}
	c.fail(spec.Pos{}, "no-such-workload", nearOrAll(name, names), "there is no workload %q among the manifests", name)
	return nil
}

// reportUnread reports documents that may be workloads and were not read. It reports whether there are any.
func reportUnread(r *resolver, m spec.Manifests) bool {
	if !r.options.Lifecycle.chosen() {
		return false // ktask validate has warned of them
	}
	for _, p := range m.Unread {
		remedy := cmp.Or(p.Remedy, "render it first, or leave it out")
		r.relax(p.Pos, "unread-workload", remedy, "this document names keptn.sh/ and cannot be read, so tasks of the deployment may be missing: %s", p.Message)
	}
	return len(m.Unread) > 0
}

// taskFilter selects the tasks of stages by patterns of their names.
type taskFilter struct {
	wanted  patterns
	found   patterns
	listed  []string
	skipped bool
}

// names reports whether a task is selected, by its definition's name or by its full name.
func (f *taskFilter) names(definition, full string) bool {
	f.listed = append(f.listed, full)
	matching := f.wanted.matching(definition, full)
	f.found = append(f.found, matching...)
	chosen := len(f.wanted) == 0 || len(matching) > 0
	f.skipped = f.skipped || !chosen
	return chosen
}

// report reports the patterns that no task of a stage matches.
func (f *taskFilter) report(r *resolver) {
	for _, pattern := range f.wanted {
		if !slices.Contains(f.found, pattern) {
			r.fail(spec.Pos{}, "no-such-task", nearOrAll(pattern, f.listed), "no selected stage has a task %q", pattern)
		}
	}
}
