package resolve

import (
	"iter"
	"slices"
	"strings"

	"github.com/ktask/ktask/engine/plan"
	"github.com/ktask/ktask/spec"
)

// use is a task to run: a KeptnTask and its definition, or a definition by itself, for which task is nil.
type use struct {
	task       *spec.Task
	definition *spec.Definition
	// generated is set for a task that the operator would generate for a stage.
	generated *generated
}

// generated is the namespace and the context of a task of a stage.
type generated struct {
	namespace string
	context   taskContext
}

func (u use) name() string {
	if u.task != nil {
		return u.task.Name
	}
	return u.definition.Name
}

// meta returns the metadata that selectors apply to.
func (u use) meta() spec.Meta {
	meta := u.definition.Meta
	if u.task != nil {
		meta = u.task.Meta
	}
	if u.generated != nil {
		meta.Namespace = u.generated.namespace
	}
	return meta
}

// selectUses returns the tasks of a run: those that the options name, or else every KeptnTask, or else every definition that is not
// only called by others.
func selectUses(r *resolver, m spec.Manifests) (chosen []use, skipped []plan.Skipped) {
	tasks, definitions := taskUses(r, m), definitionUses(m)
	switch {
	case len(r.options.Tasks) > 0:
		chosen = selectNamed(r, m, tasks, definitions)
	case len(m.Tasks) > 0:
		chosen = tasks
		used := map[*spec.Definition]bool{}
		for _, u := range tasks {
			used[u.definition] = true
		}
		for _, d := range m.Definitions {
			if !used[d] {
				skipped = append(skipped, plan.Skipped{Name: d.Name, Reason: "no KeptnTask uses it; name it with --task"})
			}
		}
	default:
		chosen, skipped = findCallers(definitions, r.index)
	}
	if len(r.options.Selector) == 0 {
		return chosen, skipped
	}
	var matching []use
	for _, u := range chosen {
		if hasLabels(u.meta(), r.options.Selector) {
			matching = append(matching, u)
		} else {
			skipped = append(skipped, plan.Skipped{Name: u.name(), Reason: "its labels do not match the selector"})
		}
	}
	return matching, skipped
}

// taskUses returns the KeptnTasks that may run, with their definitions. A definition that is missing is reported.
func taskUses(r *resolver, m spec.Manifests) []use {
	var tasks []use
	for _, t := range m.Tasks {
		if len(r.options.Tasks) > 0 && len(r.tasks.matching(namesOf(t.Meta)...)) == 0 {
			continue
		}
		d, ok := require(r, r.index.definitions, t.Definition.Value, r.index.namespaces(t.Namespace), t.Definition.Pos,
			"KeptnTask %q would stay Pending forever in a cluster: it needs", t.Name)
		if ok {
			tasks = append(tasks, use{task: t, definition: d})
		}
	}
	return tasks
}

func definitionUses(m spec.Manifests) []use {
	var definitions []use
	for _, d := range m.Definitions {
		definitions = append(definitions, use{definition: d})
	}
	return definitions
}

// namesOf returns the two names by which a user may select an object.
func namesOf(m spec.Meta) []string { return []string{m.Name, m.Namespace + "/" + m.Name} }

// selectNamed returns the objects that --task names. If a name or a pattern matches KeptnTasks, definitions do not count.
func selectNamed(r *resolver, m spec.Manifests, tasks, definitions []use) []use {
	var chosen []use
	var all []string
	for _, t := range m.Tasks {
		all = append(all, t.Name)
	}
	for _, d := range m.Definitions {
		all = append(all, d.Name)
	}
	all = slices.Compact(slices.Sorted(slices.Values(all)))
	for _, pattern := range r.tasks {
		matches := func(u use) bool { return matchesName(pattern, namesOf(u.meta())...) }
		found := filter(tasks, matches)
		if r.index.broken.AnyTask(func(namespace, name string) bool { return matchesName(pattern, name, namespace+"/"+name) }) {
			r.errors++ // it was reported
			continue
		}
		dangling := slices.ContainsFunc(m.Tasks, func(t *spec.Task) bool { return matchesName(pattern, namesOf(t.Meta)...) })
		if len(found) == 0 && !dangling { // otherwise its definition is missing
			found = filter(definitions, matches)
		}
		if len(found) == 0 && !dangling {
			r.fail(spec.Pos{}, "no-such-task", nearOrAll(pattern, all), "there is no KeptnTask or KeptnTaskDefinition %q among the manifests", pattern)
		}
		for _, u := range found {
			r.index.asked[u.definition.Name] = true
			if !slices.Contains(chosen, u) {
				chosen = append(chosen, u)
			}
		}
	}
	return chosen
}

// nearOrAll returns the remedy for a name that does not exist: a similar one, or all of them, or "" if there are none.
func nearOrAll(name string, names []string) string {
	if near := spec.DidYouMean(name, names); near != "" || len(names) == 0 {
		return near
	}
	return "there are " + strings.Join(names, ", ")
}

// findCallers returns the definitions that no other one calls through functionRef. A cycle that nothing else calls is also returned, so
// that it is reported.
func findCallers(definitions []use, i index) (chosen []use, skipped []plan.Skipped) {
	calledBy := map[*spec.Definition]string{}
	for _, u := range definitions {
		for caller, called := range calls(u, i) {
			if called != u.definition && calledBy[called] == "" {
				calledBy[called] = caller.Name
			}
		}
	}
	reached := map[*spec.Definition]bool{}
	for _, u := range definitions {
		if calledBy[u.definition] != "" {
			continue
		}
		for _, called := range calls(u, i) {
			reached[called] = true
		}
	}
	for _, u := range definitions {
		if by := calledBy[u.definition]; by != "" && reached[u.definition] {
			skipped = append(skipped, plan.Skipped{Name: u.name(), Reason: "called by " + by + "; name it with --task"})
			continue
		}
		chosen = append(chosen, u)
	}
	return chosen, skipped
}

// calls returns the definitions that a use calls, each after its caller. The namespace is always that of the task.
func calls(u use, i index) iter.Seq2[*spec.Definition, *spec.Definition] {
	return func(yield func(caller, called *spec.Definition) bool) {
		at := u.definition
		for range maxChain {
			ref, ok := functionRef(at)
			if !ok {
				return
			}
			next, ok := find(i.definitions, ref.Name, i.namespaces(u.meta().Namespace)...)
			if !ok || !yield(at, next) {
				return
			}
			at = next
		}
	}
}

// hasLabels reports whether the labels of an object have all the wanted values.
func hasLabels(m spec.Meta, wanted []Override) bool {
	for _, want := range wanted {
		has := func(l spec.Pair) bool { return l.Key == want.Key && l.Value == want.Value }
		if !slices.ContainsFunc(m.Labels, has) {
			return false
		}
	}
	return true
}

func filter[T any](all []T, keep func(T) bool) []T {
	var some []T
	for _, v := range all {
		if keep(v) {
			some = append(some, v)
		}
	}
	return some
}

// functionRef returns the reference of a definition to another one, if there is one.
func functionRef(d *spec.Definition) (spec.FunctionRef, bool) {
	if f, ok := d.Runner.(*spec.Function); ok && len(f.Sources) > 0 {
		ref, ok := f.Sources[0].(spec.FunctionRef) // it has precedence over every other source
		return ref, ok
	}
	return spec.FunctionRef{}, false
}
