package resolve

import (
	"strings"

	"github.com/ktask/ktask/engine/plan"
)

// maxText is the length of the longest string that Linux passes to a process (MAX_ARG_STRLEN without the final zero).
const maxText = 128<<10 - 1

// maxExpansion is the number of bytes that $(NAME) may insert into the values of one task: the maximum that Linux passes to a process
// as arguments and environment (fs/exec.c, three quarters of 8 MiB).
const maxExpansion = 6 << 20

// maxPlan is the number of bytes of code, parameters and environments of all tasks combined. References multiply what is written
// once, like a script of 1 MiB that a thousand definitions call.
const maxPlan = 64 << 20

// perEntry is the estimated size of a variable or parameter without its text.
const perEntry = 200

// spend counts bytes of the plan. It reports the task that makes the plan too large.
func (r *resolver) spend(u use, bytes int) {
	before := r.spent
	if r.spent += bytes; before <= maxPlan && r.exhausted() {
		r.fail(u.meta().Pos, "plan-too-large", "name fewer with --task", "with task %q the code, parameters and environments of all tasks are more than %d MiB", u.name(), maxPlan>>20)
	}
}

func (r *resolver) exhausted() bool { return r.spent > maxPlan }

// expand replaces $(NAME) as the kubelet does (k8s.io/kubernetes third_party/forked/golang/expansion): $$ is a
// dollar; an unknown name, and any other dollar, stays as it is. Inserted text is not expanded again. An inserted secret remains a
// secret. The result is cut if it is longer than maxText, because nested references may double it many times.
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

// variables builds an environment. Names are unique, and the position of a variable is that of its first declaration.
type variables struct {
	list []plan.EnvVar
	at   map[string]int
	// spend counts bytes of the plan.
	spend func(bytes int)
	// unknown is called with names that are not declared.
	unknown func(name string)
	// overrides are the variables of --env, which replace those of a manifest.
	overrides map[string]plan.EnvVar
	// inserted is the number of bytes that lookup returned.
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

// overridden declares a variable with its value of --env, if there is one, and reports whether it did. The value is not expanded.
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

// lookup returns the value of a name that is declared so far. Beyond maxExpansion, which environment reports, it returns an empty
// value: short references to long values would take too much memory.
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

// expanded declares a variable with a plain value, in which references to variables before it are expanded.
func (v *variables) expanded(e plan.EnvVar) {
	if v.overridden(e.Name) {
		return
	}
	e.Value = expand(e.Value.String(), v.lookup)
	v.set(e)
}

// added declares the variables of --env that the manifest does not have.
func (r *resolver) added(v *variables) {
	for _, o := range r.options.Env {
		v.overridden(o.Key)
	}
}

// environment returns the variables after it has checked their values.
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

// flawed reports a value that cannot be passed to a process.
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
