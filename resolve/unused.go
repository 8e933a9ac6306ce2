package resolve

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/ktask/ktask/engine/plan"
	"github.com/ktask/ktask/spec"
)

// unusedFlags warns of values of flags, and of options of Go programs, that no task uses: a name may be wrong. Values from files, settings and the environment are
// for many tasks, so they may be unused.
func unusedFlags(r *resolver, p plan.Plan) {
	if r.errors > 0 || len(p.Tasks) == 0 {
		return // the errors say more
	}
	const rule = "unused-flag"
	for _, o := range r.options.Params {
		if given(o.Origin, "param", "Params") && !r.taken["param"] {
			r.warn(spec.Pos{}, rule, "--env NAME=VALUE sets a variable of a container", "%s: parameter %q is not used: all tasks that run are container tasks", o.Origin, o.Key)
		}
	}
	for _, s := range r.options.Secrets {
		if ref := s.Name + "/" + s.Key; given(s.Origin, "secret", "Secrets") && !r.taken["secret "+ref] {
			r.warn(spec.Pos{}, rule, r.nearSecret(s.Name, s.Key), "%s: no task that runs uses secret %s", s.Origin, ref)
		}
	}
	for _, o := range r.options.Images {
		if given(o.Origin, "image", "Images") && !r.taken["image "+o.Key] {
			images := slices.Sorted(maps.Keys(r.images))
			remedy := spec.DidYouMean(o.Key, images)
			if remedy == "" {
				remedy = "they run " + enumerated(images)
			}
			r.warn(spec.Pos{}, rule, remedy, "%s: no task that runs uses image %q", o.Origin, o.Key)
		}
	}
	r.newNames("param", "Params", "parameter", r.options.Params)
	r.newNames("env", "Env", "variable", r.options.Env)
	if r.options.Lifecycle.chosen() && r.taken["param"] {
		noteParameters(r, p)
	}
}

// given reports whether a value is that of a flag itself, or of an option of a Go program.
func given(o plan.Origin, flag, option string) bool {
	return o == plan.Flag(flag) || o == plan.Option(option)
}

// names returns the names of a kind in the manifests, sorted.
func (r *resolver) names(kind string) []string {
	var all []string
	for name := range r.known {
		if name, ok := strings.CutPrefix(name, kind+" "); ok {
			all = append(all, name)
		}
	}
	slices.Sort(all)
	return all
}

// nearSecret returns the remedy for a key of a secret that no task uses: a similar key of it, or a similar secret.
func (r *resolver) nearSecret(name, key string) string {
	var names, keys []string
	for _, ref := range r.names("secret") {
		n, k, _ := strings.Cut(ref, "/")
		names = append(names, n)
		if n == name {
			keys = append(keys, k)
		}
	}
	if len(keys) > 0 {
		return spec.DidYouMean(key, keys)
	}
	return spec.DidYouMean(name, names)
}

// newNames notes values of flags that no task has, and that are similar to one that a task has.
func (r *resolver) newNames(flag, option, what string, values []Override) {
	for _, o := range values {
		if given(o.Origin, flag, option) && !r.known[flag+" "+o.Key] {
			if near := spec.DidYouMean(o.Key, r.names(flag)); near != "" {
				r.add(spec.Note, spec.Pos{}, "new-name", near, "%s: no manifest sets %s %q", o.Origin, what, o.Key)
			}
		}
	}
}

// noteParameters notes which of the tasks of a deployment get the parameters of --param.
func noteParameters(r *resolver, p plan.Plan) {
	var from plan.Origin
	var keys, with, without []string
	for _, o := range r.options.Params {
		if given(o.Origin, "param", "Params") {
			from, keys = o.Origin, append(keys, o.Key)
		}
	}
	for _, t := range p.Tasks {
		if t.Runtime == plan.RuntimeContainer {
			without = append(without, t.Name)
		} else {
			with = append(with, t.Name)
		}
	}
	if len(keys) == 0 || len(p.Tasks) == 1 {
		return
	}
	message := fmt.Sprintf("%s: the tasks that get %s are %s", from, enumerated(keys), enumerated(with))
	if len(without) > 0 {
		message += "; container tasks get none: " + enumerated(without)
	}
	r.add(spec.Note, spec.Pos{}, "parameter-of", "", "%s", message)
}
