package resolve

import (
	"crypto/sha256"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/ktask/ktask/spec"
)

// app is a Keptn application: a KeptnApp with its context, or one that Keptn discovers from its workloads.
type app struct {
	namespace, name, version string
	tasks                    spec.StageTasks
	metadata                 []spec.Pair
	workloads                []workload
	pos                      spec.Pos
	// prefix is the namespace and a slash if several namespaces have an app of this name.
	prefix string
}

// findApps returns the applications of the manifests, sorted by name.
func findApps(r *resolver, m spec.Manifests) []app {
	all := map[key]*app{}
	for _, a := range m.Apps {
		all[key{a.Namespace, a.Name}] = &app{namespace: a.Namespace, name: a.Name, version: a.AppVersion, tasks: a.Tasks, pos: a.Pos}
		warnOldLists(r.collector, a)
	}
	workloads := findWorkloads(r.collector, m)
	for _, w := range workloads {
		id := key{w.source.Namespace, w.app}
		if all[id] == nil {
			all[id] = &app{namespace: id.namespace, name: id.name, pos: w.source.Pos}
		}
		all[id].workloads = append(all[id].workloads, w)
	}
	for _, c := range m.AppContexts {
		a := all[key{c.Namespace, c.Name}]
		if a == nil {
			if !r.broken("KeptnApp", c.Name, c.Namespace) {
				r.warn(c.Pos, "context-without-app", appNames(all), "KeptnAppContext %q has neither a KeptnApp nor workloads", c.Name)
			}
			a = &app{namespace: c.Namespace, name: c.Name, pos: c.Pos}
			all[key{c.Namespace, c.Name}] = a
		}
		a.metadata = c.Metadata
		a.tasks = spec.StageTasks{
			Pre: slices.Concat(a.tasks.Pre, c.Tasks.Pre), Post: slices.Concat(a.tasks.Post, c.Tasks.Post), Promotion: c.Tasks.Promotion,
			Evaluations: slices.Concat(a.tasks.Evaluations, c.Tasks.Evaluations),
		}
	}
	var list []app
	for _, a := range all {
		if a.version == "" {
			a.version = appVersion(a.workloads)
		}
		warnListedWorkloads(r.collector, m, a)
		list = append(list, *a)
	}
	slices.SortFunc(list, func(a, b app) int { return strings.Compare(a.namespace+"/"+a.name, b.namespace+"/"+b.name) })
	return list
}

func appNames(all map[key]*app) string {
	var names []string
	for id := range maps.Keys(all) {
		names = append(names, id.name)
	}
	slices.Sort(names)
	if len(names) == 0 {
		return ""
	}
	return "the apps are " + strings.Join(names, ", ")
}

// warnOldLists warns of tasks in a KeptnApp: a current operator drops them when it converts the object.
func warnOldLists(c *collector, a *spec.App) {
	if len(a.Tasks.Pre)+len(a.Tasks.Post) > 0 {
		c.warn(a.Pos, "tasks-in-app", "move them to a KeptnAppContext of the same name",
			"KeptnApp %q (%s) lists tasks itself: they are used here, but a current operator drops them", a.Name, a.Version)
	}
}

// warnListedWorkloads warns of workloads that a KeptnApp lists but the manifests do not contain.
func warnListedWorkloads(c *collector, m spec.Manifests, a *app) {
	for _, source := range m.Apps {
		if source.Name != a.name || source.Namespace != a.namespace {
			continue
		}
		for _, ref := range source.Workloads {
			has := func(w workload) bool { return w.name == objectName(ref.Name) }
			if !slices.ContainsFunc(a.workloads, has) {
				c.warn(ref.Pos, "missing-workload", "name the file that holds it too", "KeptnApp %q lists workload %q, which is not among the manifests", a.name, ref.Name)
			}
		}
	}
}

// findWorkloads returns the workloads that Keptn would see, sorted by the names of their objects. If two of them have the same object
// (a Deployment and a StatefulSet of one name), Keptn uses the later one, and there is a warning.
func findWorkloads(c *collector, m spec.Manifests) []workload {
	seen := map[key]workload{}
	for _, s := range lastOnes(c, m.Workloads) {
		w, ok := readWorkload(c, s)
		if !ok {
			continue
		}
		id := key{s.Namespace, w.object()}
		if first, twice := seen[id]; twice {
			c.warn(s.Pos, "workload-twice", "give them different names", "%s %q and the one at %s are the same KeptnWorkload %q; the later one counts", s.Kind, s.Name, first.source.Pos, w.object())
		}
		seen[id] = w
	}
	list := slices.Collect(maps.Values(seen))
	slices.SortFunc(list, func(a, b workload) int {
		return strings.Compare(a.source.Namespace+"/"+a.object(), b.source.Namespace+"/"+b.object())
	})
	return list
}

// lastOnes returns the workloads without those that a later one of the same kind, name and namespace replaces.
func lastOnes(c *collector, all []*spec.Workload) []*spec.Workload {
	type identity struct{ kind, namespace, name string }
	last := map[identity]*spec.Workload{}
	for _, s := range all {
		last[identity{s.Kind, s.Namespace, s.Name}] = s
	}
	return filter(all, func(s *spec.Workload) bool {
		later := last[identity{s.Kind, s.Namespace, s.Name}]
		if later != s {
			c.warn(s.Pos, "workload-twice", "remove one of them", "%s %q is defined again at %s; as with kubectl apply, the later one counts", s.Kind, s.Name, later.Pos)
		}
		return later == s
	})
}

// appVersion returns the version of an app that Keptn discovers: that of its only workload, or a hash of the names and versions of
// all (controllers/lifecycle/keptnappcreationrequest, computeVersionFromWorkloads). The workloads are sorted by name.
func appVersion(workloads []workload) string {
	if len(workloads) == 1 {
		return workloads[0].version
	}
	var all strings.Builder
	for _, w := range workloads {
		all.WriteString(w.object() + "-" + w.version)
	}
	return fmt.Sprintf("%x", sha256.Sum256([]byte(all.String())))[:10]
}
