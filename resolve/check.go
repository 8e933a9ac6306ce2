package resolve

import (
	"slices"

	"github.com/ktask/ktask/engine/plan"
	"github.com/ktask/ktask/spec"
)

// Check resolves every task and definition of the manifests, including those that a run would skip, and returns the problems
// between them. A definition that something uses is checked as it is used: namespace, parameters and secrets depend on the use. A
// missing object is only a warning, because the manifests may be a part of what is deployed.
func Check(m spec.Manifests, o Options) spec.Problems {
	o.Tasks, o.Selector, o.Lifecycle = nil, nil, Lifecycle{Promotion: true}
	r := newResolver(m, o)
	for _, u := range taskUses(r, m) {
		buildTask(r, u)
	}
	if len(findApps(r, m)) > 0 {
		planDeployment(r, m, &plan.Plan{})
	}
	unused := filter(definitionUses(m), func(u use) bool { return !r.used[u.definition] })
	callers, _ := findCallers(unused, r.index)
	for _, u := range callers {
		buildTask(r, u)
	}
	r.warnFaults(m.Faults)
	problems := r.problems()
	for i, p := range problems {
		if p.Severity == spec.Error && IsMissing(p) {
			problems[i].Severity = spec.Warning
		}
	}
	return problems
}

// IsMissing reports whether a problem is a reference to an object that is not among the manifests.
func IsMissing(p spec.Problem) bool {
	return slices.Contains([]string{"missing-secret", "missing-definition", "missing-configmap", "missing-workload"}, p.Rule)
}
