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
	// source is the KeptnApp, or nil if Keptn discovers the app.
	source *spec.App
	// hasContext is true if there is a KeptnAppContext.
	hasContext bool
	// gaps are reasons for which passed tasks do not show that Keptn would deploy the app.
	gaps []string
	// unsure is true if the workloads may be incomplete, because one of them has an error.
	unsure bool
	// alone is true if the user names one workload of the app.
	alone bool
	// prefix is the namespace and a slash if several namespaces have an app of this name.
	prefix string
}

// findApps returns the applications of the manifests, sorted by name.
func findApps(r *resolver, m spec.Manifests) []app {
	all := map[key]*app{}
	for _, a := range m.Apps {
		all[key{a.Namespace, a.Name}] = &app{namespace: a.Namespace, name: a.Name, version: a.AppVersion, tasks: a.Tasks, pos: a.Pos, source: a}
	}
	before := r.errors
	workloads := findWorkloads(r, m)
	unsure := r.errors > before
	for _, w := range workloads {
		id := key{w.source.Namespace, w.app}
		if all[id] == nil {
			all[id] = &app{namespace: id.namespace, name: id.name, pos: w.source.Pos}
		}
		all[id].workloads = append(all[id].workloads, w)
	}
	for _, c := range m.AppContexts {
		addContext(r, all, c, unsure || len(m.Unread) > 0)
	}
	var list []app
	for _, a := range all {
		if a.version == "" {
			a.version = appVersion(a.workloads)
		}
		if a.source != nil && !a.hasContext && lists(a.source.Tasks) {
			r.warn(a.pos, "tasks-in-app", "move them to a KeptnAppContext of the same name",
				"KeptnApp %q (%s) lists tasks itself: they are used here, but a current operator drops them", a.name, a.source.Version)
		}
		a.unsure = unsure
		list = append(list, *a)
	}
	slices.SortFunc(list, func(a, b app) int { return strings.Compare(a.namespace+"/"+a.name, b.namespace+"/"+b.name) })
	return list
}

// appNames returns the names of the apps that Keptn would know, for a remedy.
func appNames(all map[key]*app, namespace string) string {
	var known []key
	for id, a := range all {
		if a.source != nil || len(a.workloads) > 0 {
			known = append(known, id)
		}
	}
	if len(known) == 0 {
		return ""
	}
	return "the apps are " + enumerated(listOf(known, namespace))
}

// addContext adds a KeptnAppContext to its app. Its lists replace those of an old KeptnApp: an operator reads one or the other.
// unsure is true if there may be workloads that were not read.
func addContext(r *resolver, all map[key]*app, c *spec.AppContext, unsure bool) {
	a := all[key{c.Namespace, c.Name}]
	if a == nil {
		a = &app{namespace: c.Namespace, name: c.Name, pos: c.Pos}
		if !r.broken("KeptnApp", c.Name, c.Namespace) && !unsure {
			r.warn(c.Pos, "context-without-app", appNames(all, c.Namespace), "KeptnAppContext %q has neither a KeptnApp nor workloads", c.Name)
			a.gaps = []string{fmt.Sprintf("Keptn would not know an app %s", c.Name)}
		}
		all[key{c.Namespace, c.Name}] = a
	}
	if lists(a.tasks) {
		r.warn(a.pos, "tasks-in-app", "list them in the KeptnAppContext",
			"KeptnApp %q (%s) lists tasks itself: they are dropped, as the lists of KeptnAppContext %q at %s count", a.name, a.source.Version, c.Name, c.Pos)
	}
	a.hasContext, a.metadata, a.tasks = true, c.Metadata, c.Tasks
}

// lists reports whether a KeptnApp lists tasks itself, as it could before v1beta1.
func lists(t spec.StageTasks) bool { return len(t.Pre)+len(t.Post) > 0 }

// findWorkloads returns the workloads that Keptn would see, sorted by the names of their objects. If two of them have the same object
// (a Deployment and a StatefulSet of one name), Keptn uses the later one, and there is a warning.
func findWorkloads(r *resolver, m spec.Manifests) []workload {
	seen := map[key]workload{}
	for _, s := range lastOnes(r.collector, m.Workloads) {
		for _, p := range s.Faults {
			r.report(p)
		}
		w, ok := readWorkload(r.collector, s)
		if !ok {
			continue
		}
		withoutPods(r, &w)
		id := key{s.Namespace, w.object()}
		if first, twice := seen[id]; twice {
			r.warn(s.Pos, "workload-twice", "give them different names", "%s %q and the one at %s are the same KeptnWorkload %q; the later one counts", s.Kind, s.Name, first.source.Pos, w.object())
		}
		seen[id] = w
	}
	list := slices.Collect(maps.Values(seen))
	slices.SortFunc(list, func(a, b workload) int {
		return strings.Compare(a.source.Namespace+"/"+a.object(), b.source.Namespace+"/"+b.object())
	})
	return list
}

// withoutPods removes the tasks of a workload with replicas: 0. Keptn learns of a workload from its pods, so it never starts them.
func withoutPods(r *resolver, w *workload) {
	if !w.source.NoPods {
		return
	}
	listed := len(w.pre)+len(w.post) > 0
	const fact = "%s %q has replicas: 0, so a cluster has no pod of it and Keptn never starts its tasks: they are "
	switch {
	case r.options.Lenient && listed:
		r.warn(w.source.Pos, "no-pods", "", fact+"run nevertheless", w.source.Kind, w.source.Name)
	case listed:
		r.warn(w.source.Pos, "no-pods", "--lenient runs them", fact+"left out", w.source.Kind, w.source.Name)
	}
	if !r.options.Lenient {
		w.idle, w.pre, w.post, w.evaluations = true, nil, nil, nil
	}
}

// lastOnes returns one workload of each kind, name and namespace: the last complete one, or else the last one.
func lastOnes(c *collector, all []*spec.Workload) []*spec.Workload {
	type identity struct{ kind, namespace, name string }
	last := map[identity]*spec.Workload{}
	for _, s := range all {
		id := identity{s.Kind, s.Namespace, s.Name}
		if last[id] == nil || last[id].Partial || !s.Partial {
			last[id] = s
		}
	}
	return filter(all, func(s *spec.Workload) bool {
		counts := last[identity{s.Kind, s.Namespace, s.Name}]
		switch {
		case counts == s:
			return true
		case s.Partial && !counts.Partial:
			c.warn(s.Pos, "workload-twice", "run the output of kubectl kustomize", "%s %q has no spec.selector, so it is taken for a patch and left out; the one at %s counts", s.Kind, s.Name, counts.Pos)
		default:
			c.warn(s.Pos, "workload-twice", "remove one of them", "%s %q is defined again at %s; as with kubectl apply, the later one counts", s.Kind, s.Name, counts.Pos)
		}
		return false
	})
}

// appVersion returns the version of an app that Keptn discovers: that of its only workload, or a hash of the names and versions of
// all (controllers/lifecycle/keptnappcreationrequest, computeVersionFromWorkloads). The workloads are sorted by name.
func appVersion(workloads []workload) string {
	workloads = filter(workloads, func(w workload) bool { return !w.idle })
	if len(workloads) == 1 {
		return workloads[0].version
	}
	var all strings.Builder
	for _, w := range workloads {
		all.WriteString(w.object() + "-" + w.version)
	}
	return fmt.Sprintf("%x", sha256.Sum256([]byte(all.String())))[:10]
}
