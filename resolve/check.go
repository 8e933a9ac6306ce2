package resolve

import (
	"slices"

	"github.com/ktask/ktask/engine/plan"
	"github.com/ktask/ktask/spec"
)

// Check resolves every task and definition of the manifests, including those that a run would skip, and returns the problems
// between them. A missing Secret is only a warning, because Secrets are rarely stored with manifests.
func Check(m spec.Manifests, o Options) spec.Problems {
	o.Tasks, o.Selector, o.Lifecycle = nil, nil, Lifecycle{Promotion: true}
	r := newResolver(m, o)
	selected, _ := selectUses(r, m)
	// A definition that others call is checked as a part of its callers, because its references depend on them.
	callers, _ := findCallers(definitionUses(m), r.index)
	for _, u := range slices.Concat(selected, callers) {
		buildTask(r, u)
	}
	if len(findApps(r, m)) > 0 {
		planDeployment(r, m, &plan.Plan{})
	}
	problems := r.problems()
	for i, p := range problems {
		if p.Rule == "missing-secret" {
			problems[i].Severity = spec.Warning
		}
	}
	return problems
}
