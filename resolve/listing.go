package resolve

import (
	"slices"

	"github.com/ktask/ktask/spec"
)

// Select returns the KeptnTasks and definitions that the names and labels of the options select, in the order of the manifests.
// Without names it selects all. A name that nothing has is a problem.
func Select(m spec.Manifests, o Options) ([]*spec.Task, []*spec.Definition, spec.Problems) {
	r := newResolver(m, o)
	var all []string
	var found patterns
	chosen := func(meta spec.Meta) bool {
		all = append(all, meta.Name)
		matching := r.tasks.matching(namesOf(meta)...)
		found = append(found, matching...)
		return (len(r.tasks) == 0 || len(matching) > 0) && hasLabels(meta, o.Selector)
	}
	tasks := filter(m.Tasks, func(t *spec.Task) bool { return chosen(t.Meta) })
	definitions := filter(m.Definitions, func(d *spec.Definition) bool { return chosen(d.Meta) })
	slices.Sort(all)
	for _, pattern := range r.tasks {
		if !slices.Contains(found, pattern) && !r.index.broken.AnyTask(func(namespace, name string) bool { return matchesName(pattern, name, namespace+"/"+name) }) {
			r.fail(spec.Pos{}, "no-such-task", nearOrAll(pattern, slices.Compact(all)), "there is no KeptnTask or KeptnTaskDefinition %q among the manifests", pattern)
		}
	}
	return tasks, definitions, r.problems()
}
