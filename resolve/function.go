package resolve

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/ktask/ktask/engine/plan"
	"github.com/ktask/ktask/runtimes"
	"github.com/ktask/ktask/spec"
)

// link is a definition in a chain of functionRef.
type link struct {
	definition *spec.Definition
	function   *spec.Function
}

// function returns the container of a deno or python task. Code, runtime and image are those of the last definition in the chain;
// parameters, secret and options are those of the nearest definition that has them (runtime_builder.go).
func (r *resolver) function(u use, f *spec.Function, t *plan.Task) {
	t.Runtime = plan.Runtime(f.Runtime)
	chain, ok := r.chain(u, f)
	if !ok {
		return
	}
	last := chain[len(chain)-1]
	t.Runtime = plan.Runtime(last.function.Runtime)
	runtime, _ := runtimes.ByName(t.Runtime) // spec rejects others
	c := &t.Container
	c.Name, c.PullPolicy = runtimes.ContainerName, plan.PullIfNotPresent
	c.Image, c.ImageOrigin = runtime.Image, plan.Default
	if o := r.runtimeImage(t.Runtime); o != nil {
		c.Image, c.ImageOrigin = o.Value, o.Origin
	}
	in := runtimes.Inputs{
		Data:       r.data(u, chain),
		Context:    r.context(u),
		CmdArgs:    r.cmdArgs(t.Runtime, chain),
		SecureData: r.secureData(u, chain),
	}
	in.Script, c.Files = r.code(u, last, runtime, c.Image)
	env := r.variables(u)
	for _, e := range runtimes.Env(in) {
		switch {
		case env.overridden(e.Name):
		case e.Name == "SECURE_DATA":
			env.set(e) // values of secrets are not expanded
		default:
			env.expanded(e)
		}
	}
	r.added(env)
	c.Env = r.environment(u, env)
	r.unreadData(u, in, *c)
}

func (r *resolver) runtimeImage(runtime plan.Runtime) *Setting[string] {
	if runtime == plan.RuntimeDeno {
		return r.options.DenoImage
	}
	return r.options.PythonImage
}

// chain returns the definitions that functionRef leads to. A cluster follows only one reference and then has no code: a deno task
// fails there, and a python task passes without running anything. See "Chains of references" in docs/fidelity.md.
func (r *resolver) chain(u use, f *spec.Function) ([]link, bool) {
	chain := []link{{u.definition, f}}
	seen := map[*spec.Definition]bool{u.definition: true}
	namespaces := r.namespaces(u.meta().Namespace)
	for {
		here := chain[len(chain)-1]
		ref, ok := functionRef(here.definition)
		if !ok {
			break
		}
		r.unused(here.function.Sources)
		next, ok := find(r.index.definitions, ref.Name, namespaces...)
		if !ok {
			if !r.broken("KeptnTaskDefinition", ref.Name, namespaces...) {
				r.fail(ref.Pos, "missing-definition", missing(r.index.definitions, ref.Name, namespaces...),
					"%q calls KeptnTaskDefinition %q, which is not there", here.definition.Name, ref.Name)
			}
			return nil, false
		}
		function, ok := next.Runner.(*spec.Function)
		if !ok {
			r.fail(ref.Pos, "container-reference", "only deno and python definitions can be called",
				"%q calls %q, which is a container task; Keptn's operator crashes on it", here.definition.Name, ref.Name)
			return nil, false
		}
		if seen[next] {
			r.fail(ref.Pos, "reference-cycle", "give one of them code", "functionRef goes in a circle: %s", drawn(chain, next))
			return nil, false
		}
		if len(chain) >= maxChain {
			r.fail(ref.Pos, "reference-chain", "call the last one directly", "functionRef leads from %q through more than %d definitions", u.definition.Name, maxChain)
			return nil, false
		}
		seen[next] = true
		chain = append(chain, link{next, function})
	}
	r.cutChain(chain)
	return chain, true
}

// maxChain is the number of definitions in a chain. A cluster follows one reference, so a long chain is a mistake.
const maxChain = 50

// drawn returns a cycle of references for a message. A long one is shortened in the middle.
func drawn(chain []link, back *spec.Definition) string {
	var names []string
	for _, l := range chain {
		names = append(names, l.definition.Name)
	}
	if len(names) > 8 {
		names = append(names[:4], append([]string{"…"}, names[len(names)-3:]...)...)
	}
	return strings.Join(append(names, back.Name), " → ")
}

// unused warns of the sources after the first one. The reference page allows only one; Keptn uses the first in its order.
func (r *resolver) unused(sources []spec.Source) {
	for _, s := range sources[1:] {
		r.warn(s.At(), "unused-source", "keep one of them", "%s is not used: %s comes first", s.At().Field, sources[0].At().Field)
	}
}

// data returns the variable DATA, or nil without parameters: a JSON object of strings, encoded by encoding/json as in Keptn. The
// parameters of the nearest definition win, except empty ones (mergo.Merge without override).
func (r *resolver) data(u use, chain []link) *plan.EnvVar {
	values, places := map[string]string{}, map[string]plan.Origin{}
	var from plan.Origin
	fill := func(pairs []spec.Pair) {
		for _, p := range pairs {
			r.spend(u, perEntry+len(p.Key)+len(p.Value))
			if values[p.Key] == "" {
				values[p.Key], places[p.Key] = p.Value, origin(p.Pos)
			}
		}
		if !from.Known() && len(pairs) > 0 {
			first := slices.MinFunc(pairs, func(a, b spec.Pair) int { return a.Pos.Line - b.Pos.Line })
			from = mapOrigin(first.Pos)
		}
	}
	for _, l := range chain {
		fill(l.function.Parameters)
	}
	if u.task != nil {
		for _, p := range u.task.Parameters {
			if had := values[p.Key]; had != "" && had != p.Value {
				r.warn(p.Pos, "parameter-loses", "to override it: --param "+shellWord(p.Key+"="+p.Value),
					"KeptnTask %q gives parameter %q, but its definition does too, and Keptn takes the definition's", u.task.Name, p.Key)
			}
		}
		fill(u.task.Parameters)
	}
	r.taken["param"] = true
	for _, p := range r.options.Params {
		values[p.Key], places[p.Key], from = p.Value, p.Origin, p.Origin
	}
	if len(values) == 0 {
		return nil
	}
	text, _ := json.Marshal(values) // strings always have JSON
	return &plan.EnvVar{Value: plan.Plain(string(text)), Origin: from, Parts: parts(places)}
}

// shellWord quotes a word that has a meaning in a shell.
func shellWord(s string) string {
	if strings.ContainsAny(s, " \t\n\"'\\$`*?[]{}()<>|&;#~!") {
		return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
	}
	return s
}

// parts returns the parameters, sorted by name.
func parts(places map[string]plan.Origin) []plan.Part {
	var all []plan.Part
	for _, name := range slices.Sorted(maps.Keys(places)) {
		all = append(all, plan.Part{Name: name, Origin: places[name]})
	}
	return all
}

// mapOrigin returns the origin of the map of a parameter.
func mapOrigin(p spec.Pos) plan.Origin {
	if i := strings.LastIndex(p.Field, ".map"); i >= 0 {
		p.Field = p.Field[:i+len(".map")]
	}
	return origin(p)
}

func (r *resolver) cmdArgs(runtime plan.Runtime, chain []link) plan.EnvVar {
	for _, l := range chain {
		if p := l.function.CmdParameters; p.Value != "" {
			if runtime == plan.RuntimeDeno {
				r.warn(p.Pos, "unused-cmd-parameters", "give parameters, which the script reads from DATA", "the deno runtime ignores cmdParameters")
			}
			return plan.EnvVar{Value: plan.Plain(p.Value), Origin: origin(p.Pos)}
		}
	}
	return plan.EnvVar{Origin: plan.Default}
}

// secureData returns the variable SECURE_DATA: the key of that name in the secret of the KeptnTask, or else of the nearest definition.
func (r *resolver) secureData(u use, chain []link) *plan.EnvVar {
	var name spec.Optional[string]
	if u.task != nil {
		name = u.task.Secret
	}
	for _, l := range chain {
		if !name.Given {
			name = l.function.Secret
		}
	}
	if !name.Given {
		return nil
	}
	text, from, ok := r.secret(u, name.Value, "SECURE_DATA", name.Pos, false)
	if !ok {
		return nil
	}
	return &plan.EnvVar{Value: text, Origin: from}
}
