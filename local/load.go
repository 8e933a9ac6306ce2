package local

import (
	"github.com/ktask/ktask/engine/plan"
	"github.com/ktask/ktask/resolve"
	"github.com/ktask/ktask/spec"
)

// Loaded is the result of Load.
type Loaded struct {
	// Plan is empty if there is an error among the problems.
	Plan      plan.Plan
	Manifests spec.Manifests
	// Problems are all problems, sorted by file and place.
	Problems spec.Problems
}

// Load resolves manifests into a plan. given are the other files from which the options come, and the problems in them. The
// error is a *spec.InvalidError.
func Load(files, given Files, o resolve.Options) (Loaded, error) {
	manifests, problems, _ := spec.Load(files.Files, spec.Options{Namespace: o.Namespace, Lenient: o.Lenient, OnCluster: o.OnCluster}) // its error is one of the problems
	problems = append(append(problems, files.NotRead...), given.NotRead...)
	l := Loaded{Manifests: manifests}
	err := problems.Err()
	switch {
	case err == nil:
		var more spec.Problems
		l.Plan, more, err = resolve.Resolve(manifests, o)
		problems = problems.WithoutUnread(more)
		l.Plan.Warnings = append(resolve.Warnings(problems), l.Plan.Warnings...)
		problems = append(problems, more...)
	case o.NamesTasks():
		l.Plan, problems, err = resolve.ResolveNamed(manifests, o, files.Files, problems)
	default: // report all problems at once
		problems = append(problems, resolve.Check(manifests, o)...)
	}
	problems.Sort(names(files.Files, given.Files))
	l.Problems = problems
	if err != nil {
		return l, &spec.InvalidError{Problems: problems}
	}
	return l, nil
}

// Check returns manifests, and all problems of them that can be found without carrying them out, sorted by file and place.
func Check(files Files, o resolve.Options) (spec.Manifests, spec.Problems) {
	manifests, problems, _ := spec.Load(files.Files, spec.Options{Namespace: o.Namespace, Lenient: o.Lenient, OnCluster: o.OnCluster, Preview: true, Tests: true}) // its error is one of the problems
	problems = append(append(problems, files.NotRead...), resolve.Check(manifests, o)...)
	problems.Sort(names(files.Files))
	return manifests, problems
}

// names returns the names of files in the order in which their problems are reported.
func names(groups ...[]spec.File) []string {
	var all []string
	for _, files := range groups {
		for _, f := range files {
			all = append(all, f.Name)
		}
	}
	return all
}
