package resolve

import (
	"github.com/ktask/ktask/engine/plan"
	"github.com/ktask/ktask/spec"
)

// Check resolves every task and definition of the manifests, including those that a run would skip, and returns the problems
// between them. A missing Secret is only a warning, because Secrets are rarely stored with manifests.
func Check(m spec.Manifests, o Options) spec.Problems {
	o.Tasks, o.Selector = nil, nil
	r := newResolver(m, o)
	tasks, _ := r.selection(m)
	for _, u := range tasks {
		r.task(u)
	}
	// A definition that others call is checked as a part of its callers, because its references depend on them.
	var definitions []use
	for _, d := range m.Definitions {
		definitions = append(definitions, use{definition: d})
	}
	callers, _ := r.callers(definitions)
	for _, u := range callers {
		r.task(u)
	}
	if len(r.apps(m)) > 0 {
		r.options.Lifecycle = Lifecycle{Promotion: true}
		r.deployment(m, &plan.Plan{})
	}
	problems := r.all()
	for i, p := range problems {
		if p.Rule == "missing-secret" {
			problems[i].Severity = spec.Warning
		}
	}
	return problems
}
