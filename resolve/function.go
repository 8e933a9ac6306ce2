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

// functionBuilder builds a deno or python task.
type functionBuilder struct {
	*builder
	// chain is the definition of the task and those that functionRef leads to. It is never empty.
	chain []link
}

// buildFunction builds the container of a deno or python task. Code, runtime and image are those of the last definition in the chain;
// parameters, secret and options are those of the nearest definition that has them (runtime_builder.go).
func buildFunction(task *builder, f *spec.Function) {
	task.out.Runtime = plan.Runtime(f.Runtime)
	b := functionBuilder{task, []link{{task.definition, f}}}
	if !b.follow() {
		return
	}
	last := b.chain[len(b.chain)-1]
	b.out.Runtime = plan.Runtime(last.function.Runtime)
	runtime, _ := runtimes.ByName(b.out.Runtime) // spec rejects others
	c := &b.out.Container
	c.Name, c.PullPolicy = runtimes.ContainerName, plan.PullIfNotPresent
	c.Image, c.ImageOrigin = runtime.Image, plan.Default
	image := b.options.PythonImage
	if runtime.Name == plan.RuntimeDeno {
		image = b.options.DenoImage
	}
	if image != nil {
		c.Image, c.ImageOrigin = image.Value, image.Origin
	}
	in := runtimes.Inputs{Data: b.data(), Context: b.context(), CmdArgs: b.cmdArgs(), SecureData: b.secureData()}
	in.Script, c.Files = b.code(last, runtime)
	env := newVariables(task)
	for _, e := range runtimes.Env(in) {
		switch {
		case env.overridden(e.Name):
		case e.Name == "SECURE_DATA":
			env.set(e) // values of secrets are not expanded
		default:
			env.expanded(e)
		}
	}
	env.addOverrides()
	c.Env = env.finish()
	b.warnUnset()
}

// follow extends the chain to the last definition, or reports why it cannot. A cluster follows only one reference and then has no
// code: a deno task fails there, and a python task passes without running anything. See "Chains of references" in docs/fidelity.md.
func (b *functionBuilder) follow() bool {
	seen := map[*spec.Definition]bool{b.definition: true}
	for {
		here := b.chain[len(b.chain)-1]
		ref, ok := functionRef(here.definition)
		if !ok {
			b.inCluster.cutChain(b.chain)
			return true
		}
		b.warnUnusedSources(here.function.Sources)
		next, ok := find(b.index.definitions, ref.Name, b.namespaces...)
		if !ok {
			b.missingCallee(here.definition, ref)
			return false
		}
		function, ok := next.Runner.(*spec.Function)
		switch {
		case !ok:
			b.fail(ref.Pos, "container-reference", "only deno and python definitions can be called",
				"%q calls %q, which is a container task; Keptn's operator crashes on it", here.definition.Name, ref.Name)
			return false
		case seen[next]:
			b.fail(ref.Pos, "reference-cycle", "give one of them code", "functionRef forms a cycle: %s", drawn(b.chain, next))
			return false
		case len(b.chain) >= maxChain:
			b.fail(ref.Pos, "reference-chain", "call the last one directly", "functionRef leads from %q through more than %d definitions", b.definition.Name, maxChain)
			return false
		}
		seen[next], b.used[next] = true, true
		b.chain = append(b.chain, link{next, function})
	}
}

// missingCallee reports a reference to a definition that is missing. The caller itself is not meant, however similar its name is.
func (b *functionBuilder) missingCallee(caller *spec.Definition, ref spec.FunctionRef) {
	c := b.index.definitions
	if b.broken(c.kind, ref.Name, b.namespaces...) {
		return
	}
	fact, remedy := c.absence(ref.Name, b.namespaces, caller.Name)
	b.fail(ref.Pos, c.missingRule, remedy, "%q calls %s %q, %s", caller.Name, c.kind, ref.Name, fact)
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

// warnUnusedSources warns of the sources after the first one. The reference page allows only one; Keptn uses the first in its order.
func (b *functionBuilder) warnUnusedSources(sources []spec.Source) {
	for _, s := range sources[1:] {
		b.warn(s.At(), "unused-source", "keep one of them", "%s is not used: %s comes first", s.At().Field, sources[0].At().Field)
	}
}

// data returns the variable DATA, or nil without parameters: a JSON object of strings, encoded by encoding/json as in Keptn. The
// parameters of the nearest definition win, except empty ones (mergo.Merge without override).
func (b *functionBuilder) data() *plan.EnvVar {
	values, places := map[string]string{}, map[string]plan.Origin{}
	var from plan.Origin
	fill := func(pairs []spec.Pair) {
		for _, p := range pairs {
			b.spend(perEntry + len(p.Key) + len(p.Value))
			if values[p.Key] == "" {
				values[p.Key], places[p.Key] = p.Value, origin(p.Pos)
			}
		}
		if !from.Known() && len(pairs) > 0 {
			first := slices.MinFunc(pairs, func(a, b spec.Pair) int { return a.Pos.Line - b.Pos.Line })
			from = mapOrigin(first.Pos)
		}
	}
	for _, l := range b.chain {
		fill(l.function.Parameters)
	}
	if b.task != nil {
		for _, p := range b.task.Parameters {
			if had := values[p.Key]; had != "" && had != p.Value {
				b.warn(p.Pos, "parameter-loses", "to override it: --param "+shellWord(p.Key+"="+p.Value),
					"parameter %q of KeptnTask %q is not used: its definition sets it too, and Keptn prefers the definition", p.Key, b.task.Name)
			}
		}
		fill(b.task.Parameters)
	}
	b.taken["param"] = true
	for key := range values {
		b.known["param "+key] = true
	}
	for _, p := range b.options.Params {
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

func (b *functionBuilder) cmdArgs() plan.EnvVar {
	for _, l := range b.chain {
		if p := l.function.CmdParameters; p.Value != "" {
			if b.out.Runtime == plan.RuntimeDeno {
				b.warn(p.Pos, "unused-cmd-parameters", "use parameters, which the script reads from DATA", "the deno runtime ignores cmdParameters")
			}
			return plan.EnvVar{Value: plan.Plain(p.Value), Origin: origin(p.Pos)}
		}
	}
	return plan.EnvVar{Origin: plan.Default}
}

// secretName returns the name of the secret of the KeptnTask, or else of the nearest definition that has one.
func (b *functionBuilder) secretName() (name spec.Optional[string]) {
	if b.task != nil {
		name = b.task.Secret
	}
	for _, l := range b.chain {
		if !name.Given {
			name = l.function.Secret
		}
	}
	return name
}

// secureData returns the variable SECURE_DATA: the key of that name in the secret.
func (b *functionBuilder) secureData() *plan.EnvVar {
	name := b.secretName()
	if !name.Given {
		return nil
	}
	text, from, ok := b.secret(name.Value, "SECURE_DATA", name.Pos, false)
	if !ok {
		return nil
	}
	return &plan.EnvVar{Value: text, Origin: from}
}
