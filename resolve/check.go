package resolve

import (
	"github.com/ktask/ktask/engine/plan"
	"github.com/ktask/ktask/spec"
)

// Check resolves every task and definition of the manifests, those too that a run would leave out, and reports
// what is wrong between them. Secrets rarely lie beside manifests: one that is missing is a warning here.
func Check(m spec.Manifests, o Options) spec.Problems {
	o.Tasks, o.Selector = nil, nil
	r := newResolver(m, o)
	tasks, _ := r.selection(m)
	for _, u := range tasks {
		r.task(u)
	}
	// What others call is checked in their place: its references mean what they mean there.
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
