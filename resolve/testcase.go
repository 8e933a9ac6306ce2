package resolve

import (
	"path"
	"slices"
	"strings"
	"time"

	"github.com/ktask/ktask/engine/plan"
	"github.com/ktask/ktask/spec"
)

// Case returns the task that a case of a test runs, and every problem of it. The values of the case take precedence over those of
// the options. The task is empty if one of the problems is an error. Objects of the manifests that have errors are missing.
func Case(m spec.Manifests, t *spec.TaskTest, c spec.TestCase, o Options) (plan.Task, spec.Problems) {
	name := t.Task.Value
	if t.NamesNamespace {
		name = t.Namespace + "/" + name
	}
	o.Tasks, o.Selector, o.Lifecycle = []string{name}, nil, Lifecycle{}
	o.Params = slices.Concat(o.Params, caseOverrides(c.Params))
	o.Env = slices.Concat(o.Env, caseOverrides(c.Env))
	o.Context = slices.Concat(o.Context, caseOverrides(c.Context))
	if c.Retries.Given {
		o.Retries = &Setting[int]{int(c.Retries.Value), origin(c.Retries.Pos)}
	}
	if c.Timeout.Given {
		o.Timeout = &Setting[time.Duration]{c.Timeout.Value, origin(c.Timeout.Pos)}
	}
	o.Secrets = slices.Clone(o.Secrets)
	for _, ref := range c.Secrets.Keys() {
		value, _ := c.Secrets.Value(ref)
		secret, key, _ := strings.Cut(ref, "/")
		o.Secrets = append(o.Secrets, NewSecretValue("", secret, key, string(value), origin(c.Pos)))
	}
	r, p := resolve(m, o)
	if len(p.Tasks) > 1 {
		r.fail(t.Task.Pos, "ambiguous-task", "give the test the metadata.namespace of the task", "there are %d tasks %q", len(p.Tasks), t.Task.Value)
	}
	if len(p.Tasks) == 1 {
		r.unusedOfCase(p.Tasks[0], c)
		r.addFiles(&p.Tasks[0].Container, c.Files)
	}
	problems := spec.Problems(filter(r.problems(), func(p spec.Problem) bool {
		return p.Rule != "unused-flag" && p.Rule != "new-name" // of flags, which are for all cases
	}))
	for i, p := range problems {
		if p.Rule == "no-such-task" {
			problems[i].Pos = t.Task.Pos
		}
	}
	if problems.Err() != nil || len(p.Tasks) != 1 {
		return plan.Task{}, problems
	}
	return p.Tasks[0], problems
}

// unusedOfCase reports values of a case that the task cannot get or does not use.
func (r *resolver) unusedOfCase(t plan.Task, c spec.TestCase) {
	if t.Runtime == plan.RuntimeContainer && len(c.Params) > 0 {
		r.fail(c.Params[0].Pos, "unused-param", "env: sets a variable", "container task %q gets no parameters", t.Name)
	}
	for _, ref := range c.Secrets.Keys() {
		if name, key, _ := strings.Cut(ref, "/"); !r.taken["secret "+ref] {
			r.warn(c.Pos, "unused-secret", r.nearSecret(name, key), "task %q does not use secret %s", t.Name, ref)
		}
	}
}

// addFiles adds files to a container. What is below a volume or a mount is refused: it would be a file of the volume, or of the host.
func (r *resolver) addFiles(c *plan.Container, files []spec.Pair) {
	var mounted []string
	for _, v := range c.Tmpfs {
		mounted = append(mounted, v.Path)
	}
	for _, m := range c.Mounts {
		mounted = append(mounted, m.Target)
	}
	if message := c.TerminationMessage.Path; message != "" {
		mounted = append(mounted, message)
	}
	for _, f := range files {
		if slices.ContainsFunc(c.Files, func(other plan.File) bool { return other.Path == f.Key }) {
			r.fail(f.Pos, "conflict", "name another path", "%s is the script of the task", f.Key)
			continue
		}
		for _, dir := range mounted {
			if dir = path.Clean(dir); f.Key == dir || strings.HasPrefix(f.Key, strings.TrimSuffix(dir, "/")+"/") {
				r.fail(f.Pos, "conflict", "name a path outside of it", "%s is in %s, which is mounted", f.Key, dir)
			}
		}
		c.Files = append(c.Files, plan.File{Path: f.Key, Mode: 0o644, Content: []byte(f.Value), Origin: origin(f.Pos)})
	}
}

func caseOverrides(pairs []spec.Pair) []Override {
	var all []Override
	for _, p := range pairs {
		all = append(all, Override{Key: p.Key, Value: p.Value, Origin: origin(p.Pos)})
	}
	return all
}
