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
	var names []key
	ofName := filter(all, func(a app) bool {
		names = append(names, key{a.namespace, a.name})
		return o.App == "" || isName(o.App, a.namespace, a.name)
	})
	switch {
	case len(ofName) == 0 && o.App != "":
		c.fail(spec.Pos{}, "no-such-app", whichName(o.App, names, names), "there is no app %q among the manifests", o.App)
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

// whichName returns the remedy for a name that nothing has. all are the names to list, and accepted those that a user may give.
func whichName(given string, all, accepted []key) string {
	if strings.Contains(given, ",") {
		return "give one name, not a list"
	}
	names := listOf(all, "")
	_, rest, slash := strings.Cut(given, "/")
	if i := slices.IndexFunc(accepted, func(k key) bool { return isName(rest, "", k.name) }); slash && i >= 0 {
		return fmt.Sprintf("write %s/%s: a namespace stands before the slash", accepted[i].namespace, accepted[i].name)
	}
	var alike []string // are written as the given one is
	for _, k := range all {
		if slash {
			k.name = k.namespace + "/" + k.name
		}
		alike = append(alike, k.name)
	}
	if near := spec.DidYouMean(given, alike); near != "" {
		return near
	}
	return nearOrAll(given, names)
}

// listOf returns each name once, sorted, with its namespace unless all have the same one. If namespace is not "", it is that one.
func listOf(all []key, namespace string) []string {
	var names, full []string
	for _, k := range all {
		names, full = append(names, k.name), append(full, k.namespace+"/"+k.name)
		namespace = cmp.Or(namespace, k.namespace)
	}
	if slices.ContainsFunc(all, func(k key) bool { return k.namespace != namespace }) {
		names = full
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// withWorkload returns the app of the workload that a user means by a name, with this workload alone. The name of a KeptnWorkload
// takes precedence over the others. If there are several workloads, that is an error.
func withWorkload(c *collector, name string, m spec.Manifests, all []app) []app {
	var found, exact []app
	var names, accepted []key
	for _, a := range all {
		for _, w := range a.workloads {
			one := a
			one.workloads, one.alone = []workload{w}, true
			names = append(names, key{a.namespace, w.object()})
			accepted = append(accepted, key{a.namespace, w.source.Name}, key{a.namespace, w.name}, key{a.namespace, w.object()})
			switch {
			case isName(name, a.namespace, w.object()):
				exact = append(exact, one)
			case isName(name, a.namespace, w.source.Name), isName(name, a.namespace, w.name):
				found = append(found, one)
			}
		}
	}
	if len(exact) > 0 {
		found = exact
	}
	switch {
	case len(found) == 1:
		return found
	case len(found) > 1:
		var candidates []string
		for _, a := range found {
			w := a.workloads[0]
			candidates = append(candidates, fmt.Sprintf("%s/%s of %s %q", a.namespace, w.object(), w.source.Kind, w.source.Name))
		}
		c.fail(spec.Pos{}, "ambiguous-workload", "give one of these names", "%q is the name of several workloads: %s", name, strings.Join(candidates, ", "))
		return nil
	}
	for _, s := range m.Workloads {
		if isName(name, s.Namespace, s.Name) && c.errors == 0 {
			c.fail(s.Pos, "no-such-workload", "annotate it with keptn.sh/workload", "Keptn ignores %s %q: it has no name of a workload", s.Kind, s.Name)
			return nil
		}
	}
	c.fail(spec.Pos{}, "no-such-workload", whichName(name, names, accepted), "there is no workload %q among the manifests", name)
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
