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

// selection returns the tasks of a run: those that the options name, or else every KeptnTask, or else every definition that is not
// only called by others.
func (r *resolver) selection(m spec.Manifests) ([]use, []plan.Skipped) {
	var tasks, definitions []use
	used := map[*spec.Definition]bool{}
	for _, t := range m.Tasks {
		namespaces := r.namespaces(t.Namespace)
		d, ok := find(r.index.definitions, t.Definition.Value, namespaces...)
		if !ok {
			wanted := len(r.options.Tasks) == 0 || slices.Contains(r.options.Tasks, t.Name)
			if wanted && !r.broken("KeptnTaskDefinition", t.Definition.Value, namespaces...) {
				r.fail(t.Definition.Pos, "missing-definition", missing(r.index.definitions, t.Definition.Value, namespaces...),
					"KeptnTask %q: there is no KeptnTaskDefinition %q; in a cluster it would stay Pending forever", t.Name, t.Definition.Value)
			}
			continue
		}
		used[d] = true
		tasks = append(tasks, use{task: t, definition: d})
	}
	for _, d := range m.Definitions {
		definitions = append(definitions, use{definition: d})
	}
	var chosen []use
	var skipped []plan.Skipped
	switch {
	case len(r.options.Tasks) > 0:
		chosen = r.named(m, tasks, definitions)
	case len(m.Tasks) > 0:
		chosen = tasks
		for _, d := range m.Definitions {
			if !used[d] {
				skipped = append(skipped, plan.Skipped{Name: d.Name, Reason: "no KeptnTask uses it; name it with --task"})
			}
		}
	default:
		chosen, skipped = r.callers(definitions)
	}
	return r.labelled(chosen, skipped)
}

// named returns the objects that --task names. A KeptnTask has precedence over a definition of the same name.
func (r *resolver) named(m spec.Manifests, tasks, definitions []use) []use {
	var chosen []use
	var names []string
	for _, u := range slices.Concat(tasks, definitions) {
		names = append(names, u.name())
	}
	for _, name := range r.options.Tasks {
		matches := func(u use) bool { return u.name() == name }
		found := filter(tasks, matches)
		if len(found) == 0 {
			found = filter(definitions, matches)
		}
		dangling := slices.ContainsFunc(m.Tasks, func(t *spec.Task) bool { return t.Name == name })
		if len(found) == 0 && !dangling {
			remedy := spec.DidYouMean(name, names)
			if remedy == "" && len(names) > 0 {
				remedy = "there are " + strings.Join(slices.Compact(slices.Sorted(slices.Values(names))), ", ")
			}
			r.fail(spec.Pos{}, "no-such-task", remedy, "there is no KeptnTask or KeptnTaskDefinition %q", name)
		}
		for _, u := range found {
			if !slices.Contains(chosen, u) {
				chosen = append(chosen, u)
			}
		}
	}
	return chosen
}

// callers returns the definitions that no other one calls through functionRef. A cycle that nothing else calls is also returned, so
// that it is reported.
func (r *resolver) callers(definitions []use) (chosen []use, skipped []plan.Skipped) {
	calledBy := map[*spec.Definition]string{}
	for _, u := range definitions {
		for caller, called := range r.called(u) {
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
		for _, called := range r.called(u) {
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

// called returns the definitions that a use calls, each after its caller. The namespace is always that of the task.
func (r *resolver) called(u use) iter.Seq2[*spec.Definition, *spec.Definition] {
	return func(yield func(caller, called *spec.Definition) bool) {
		at := u.definition
		for range maxChain {
			ref, ok := functionRef(at)
			if !ok {
				return
			}
			next, ok := find(r.index.definitions, ref.Name, r.namespaces(u.meta().Namespace)...)
			if !ok || !yield(at, next) {
				return
			}
			at = next
		}
	}
}

func (r *resolver) labelled(chosen []use, skipped []plan.Skipped) ([]use, []plan.Skipped) {
	if len(r.options.Selector) == 0 {
		return chosen, skipped
	}
	var matching []use
	for _, u := range chosen {
		if r.matches(u) {
			matching = append(matching, u)
		} else {
			skipped = append(skipped, plan.Skipped{Name: u.name(), Reason: "its labels do not match the selector"})
		}
	}
	return matching, skipped
}

func (r *resolver) matches(u use) bool {
	for _, want := range r.options.Selector {
		has := func(l spec.Pair) bool { return l.Key == want.Key && l.Value == want.Value }
		if !slices.ContainsFunc(u.meta().Labels, has) {
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
