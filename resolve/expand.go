package resolve

import (
	"strings"

	"github.com/ktask/ktask/engine/plan"
)

// maxText is the longest string that Linux passes to a process (MAX_ARG_STRLEN, less its end).
const maxText = 128<<10 - 1

// maxExpansion is what $(NAME) may put into the values of one task: the most that Linux gives a process for
// arguments and environment (fs/exec.c, three quarters of 8 MiB).
const maxExpansion = 6 << 20

// maxPlan bounds the code, parameters and environments of all tasks together. References multiply what is written
// once: a script of 1 MiB that a thousand definitions call.
const maxPlan = 64 << 20

// perEntry is what a variable or parameter costs beside its text.
const perEntry = 200

// spend counts bytes of the plan. It reports the task with which the plan becomes too large, the last one.
func (r *resolver) spend(u use, bytes int) {
	before := r.spent
	if r.spent += bytes; before <= maxPlan && r.exhausted() {
		r.fail(u.meta().Pos, "plan-too-large", "name fewer with --task", "with task %q the code, parameters and environments of all tasks are more than %d MiB", u.name(), maxPlan>>20)
	}
}

func (r *resolver) exhausted() bool { return r.spent > maxPlan }

// expand replaces $(NAME) as the kubelet does (k8s.io/kubernetes third_party/forked/golang/expansion): $$ is a
// dollar, a name that is not known stays as it was written, and so does every other dollar. What is
// inserted is not looked at again. A secret stays one wherever it lands. The result is cut once it is longer
// than maxText, since each of a few nested references may double it.
func expand(text string, lookup func(name string) (plan.Text, bool)) plan.Text {
	if strings.IndexByte(text, '$') < 0 {
		return plan.Plain(text)
	}
	var out []plan.Text
	length, closers := 0, true
	add := func(t plan.Text) {
		out = append(out, t)
		length += t.Len()
	}
	for length <= maxText {
		dollar := strings.IndexByte(text, '$')
		if dollar < 0 || dollar == len(text)-1 {
			break
		}
		add(plan.Plain(text[:dollar]))
		text = text[dollar+1:]
		end := -1
		if text[0] == '(' && closers {
			end = strings.IndexByte(text, ')')
			closers = end >= 0
		}
		switch {
		case end >= 0:
			value, ok := lookup(text[1:end])
			if !ok {
				value = plan.Plain("$" + text[:end+1])
			}
			add(value)
			text = text[end+1:]
		case text[0] == '$':
			add(plan.Plain("$"))
			text = text[1:]
		default:
			add(plan.Plain("$" + text[:1]))
			text = text[1:]
		}
	}
	return plan.Join(append(out, plan.Plain(text))...)
}

// variables are an environment in the making: names are unique, the place is that of the first declaration.
type variables struct {
	list []plan.EnvVar
	at   map[string]int
	// spend counts what becomes part of the plan.
	spend func(bytes int)
	// unknown hears of names that are not declared.
	unknown func(name string)
	// overrides are those of --env, which take the place of what a manifest says of a name.
	overrides map[string]plan.EnvVar
	// inserted is how many bytes lookup was asked for.
	inserted int
}

func (r *resolver) variables(u use) *variables {
	v := &variables{
		at: map[string]int{}, overrides: map[string]plan.EnvVar{},
		spend:   func(bytes int) { r.spend(u, bytes) },
		unknown: func(name string) { r.serviceName(u, name) },
	}
	for _, o := range r.options.Env {
		v.overrides[o.Key] = plan.EnvVar{Name: o.Key, Value: plan.Plain(o.Value), Origin: o.Origin}
	}
	return v
}

// overridden declares a variable that --env gives a value, as it was typed, and tells whether it did.
func (v *variables) overridden(name string) bool {
	e, ok := v.overrides[name]
	if ok {
		v.set(e)
	}
	return ok
}

func (v *variables) set(e plan.EnvVar) {
	v.spend(perEntry)
	if i, known := v.at[e.Name]; known {
		v.list[i] = e
		return
	}
	v.at[e.Name] = len(v.list)
	v.list = append(v.list, e)
}

// lookup gives the value of a name as far as declared. Beyond maxExpansion, which environment reports, it gives
// nothing: references to long values, each of few letters, would need more memory than there is.
func (v *variables) lookup(name string) (plan.Text, bool) {
	i, known := v.at[name]
	if !known {
		v.unknown(name)
		return plan.Text{}, false
	}
	value := v.list[i].Value
	if v.inserted += value.Len(); v.inserted > maxExpansion {
		return plan.Text{}, true
	}
	return value, true
}

// expanded declares a variable with a plain value, in which the variables before it are expanded.
func (v *variables) expanded(e plan.EnvVar) {
	if v.overridden(e.Name) {
		return
	}
	e.Value = expand(e.Value.String(), v.lookup)
	v.set(e)
}

// added declares what --env gives beside the variables of a manifest.
func (r *resolver) added(v *variables) {
	for _, o := range r.options.Env {
		v.overridden(o.Key)
	}
}

// environment is the end of every environment: a look at the values.
func (r *resolver) environment(u use, v *variables) []plan.EnvVar {
	for _, e := range v.list {
		r.flawed(u, e.Value, "variable "+e.Name)
		r.tooLong(u, e.Value, "variable "+e.Name)
	}
	if v.inserted > maxExpansion {
		r.fail(u.meta().Pos, "value-too-long", "pass it as a file", "task %q: $(NAME) puts more than %d MiB into its values, which Linux gives no process", u.name(), maxExpansion>>20)
	}
	r.spend(u, v.inserted)
	return v.list
}

// flawed reports a value that no process can get.
func (r *resolver) flawed(u use, t plan.Text, what string) {
	if flaw := t.Flaw(); flaw != (plan.Flaw{}) {
		r.fail(u.meta().Pos, flaw.Rule, encodeIt, "task %q: %s %s", u.name(), what, flaw.Message)
	}
}

func (r *resolver) tooLong(u use, t plan.Text, what string) {
	if t.Len() > maxText {
		r.fail(u.meta().Pos, "value-too-long", "pass it as a file", "task %q: %s is over 128 KiB, which Linux gives no process", u.name(), what)
	}
}
