package resolve

import (
	"maps"
	"slices"

	"github.com/ktask/ktask/engine/plan"
	"github.com/ktask/ktask/spec"
)

// unusedFlags warns of values of flags that no task uses: a name may be wrong. Values from files, settings and the environment are
// for many tasks, so they may be unused.
func unusedFlags(r *resolver, p plan.Plan) {
	if r.errors > 0 || len(p.Tasks) == 0 {
		return // the errors say more
	}
	const rule = "unused-flag"
	for _, o := range r.options.Params {
		if o.Origin == plan.Flag("param") && !r.taken["param"] {
			r.warn(spec.Pos{}, rule, "--env NAME=VALUE sets a variable of a container", "%s: parameter %q is not used: all tasks that run are container tasks", o.Origin, o.Key)
		}
	}
	for _, s := range r.options.Secrets {
		if ref := s.Name + "/" + s.Key; s.Origin == plan.Flag("secret") && !r.taken["secret "+ref] {
			r.warn(spec.Pos{}, rule, "", "%s: no task that runs uses secret %s", s.Origin, ref)
		}
	}
	for _, o := range r.options.Images {
		if o.Origin == plan.Flag("image") && !r.taken["image "+o.Key] {
			images := slices.Sorted(maps.Keys(r.images))
			remedy := spec.DidYouMean(o.Key, images)
			if remedy == "" {
				remedy = "they run " + enumerated(images)
			}
			r.warn(spec.Pos{}, rule, remedy, "%s: no task that runs uses image %q", o.Origin, o.Key)
		}
	}
}
