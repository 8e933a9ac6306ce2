package resolve

import "github.com/ktask/ktask/engine/plan"

// variables builds the environment of a task. Names are unique, and the position of a variable is that of its first declaration.
type variables struct {
	task *builder
	list []plan.EnvVar
	at   map[string]int
	// overrides are the variables of --env, which replace those of a manifest.
	overrides map[string]plan.EnvVar
	// inserted is the number of bytes that lookup returned.
	inserted int
}

func newVariables(task *builder) *variables {
	v := &variables{task: task, at: map[string]int{}, overrides: map[string]plan.EnvVar{}}
	for _, o := range task.options.Env {
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
	v.task.spend(perEntry)
	if i, known := v.at[e.Name]; known {
		v.list[i] = e
		return
	}
	v.at[e.Name] = len(v.list)
	v.list = append(v.list, e)
}

// lookup returns the value of a name that is declared so far. Beyond maxExpansion, which finish reports, it returns an empty value:
// short references to long values would take too much memory.
func (v *variables) lookup(name string) (plan.Text, bool) {
	i, known := v.at[name]
	if !known {
		v.task.inCluster.serviceName(name)
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

// addOverrides declares the variables of --env that the manifest does not have.
func (v *variables) addOverrides() {
	for _, e := range v.list {
		v.task.known["env "+e.Name] = true
	}
	for _, o := range v.task.options.Env {
		v.overridden(o.Key)
	}
}

// finish checks the values and returns the variables.
func (v *variables) finish() []plan.EnvVar {
	for _, e := range v.list {
		v.task.checkText(e.Value, "variable "+e.Name)
	}
	if v.inserted > maxExpansion {
		v.task.fail(v.task.meta().Pos, "value-too-long", "pass it as a file", "task %q: $(NAME) inserts more than %d MiB, the limit of Linux for arguments and environment", v.task.name(), maxExpansion>>20)
	}
	v.task.spend(v.inserted)
	return v.list
}
