// Package resolve turns manifests into a plan.
//
// In come the typed objects of package spec and the user's options. Every reference between them is looked up: chains of
// functionRef, ConfigMaps, Secrets, parameters, the context. Out comes a plan.Plan without references, or the problems that
// prevent it, each with its place. It is the only package that knows both manifests and plans. It runs nothing and opens
// neither files nor sockets.
package resolve

import (
	"fmt"
	"slices"
	"time"

	"github.com/ktask/ktask/engine/plan"
	"github.com/ktask/ktask/spec"
)

// Options are the settings of the user. The zero value of a field means that it is not set.
type Options struct {
	// Namespace is the default namespace of manifests. KeptnNamespace is searched after the namespace of a task.
	Namespace      string
	KeptnNamespace string

	// Tasks are names of KeptnTasks or KeptnTaskDefinitions, as they are or as a plan has them ("namespace/name"), patterns with *
	// and ?, and lists of these with commas. Selector are labels that must all match.
	Tasks    []string
	Selector []Override

	Lifecycle Lifecycle

	Params  []Override
	Secrets []SecretValue
	Env     []Override
	// Context overrides fields of KEPTN_CONTEXT: workloadName, appName, …, or metadata.KEY.
	Context []Override

	Retries   *Setting[int]
	Timeout   *Setting[time.Duration]
	Grace     *Setting[time.Duration]
	Semantics plan.Semantics
	// Pids is the limit of processes and threads of each task; 0 means no limit.
	Pids *Setting[int64]
	// BackoffScale multiplies the waits between attempts; 0 means 1.
	BackoffScale float64
	Lenient      bool

	// DenoImage and PythonImage replace the images of the runtimes. Images replaces any image by another one.
	DenoImage   *Setting[string]
	PythonImage *Setting[string]
	Images      []Override

	// Pull replaces the pull policy of every image.
	Pull    *Setting[plan.PullPolicy]
	Mounts  []plan.Mount
	Network string
	// Compose is a running project of Docker Compose whose default network the tasks join. Network must then be "".
	Compose  string
	Platform string
	// Allow lists what tasks may do outside of their container, see Allowances. Anything that is not allowed is an error, or a
	// warning if Preview is set, which means that nothing will run.
	Allow   []string
	Preview bool
	// WithoutSecrets lets values of secrets be missing: nothing will run. Pull secrets are read all the same. A value that is
	// missing is then a plan.MissingSecret, and with Preview it is that beside the error.
	WithoutSecrets bool
	// Node is the engine's host, in place of a pod's node.
	Node Node
	// OnCluster means that the engine is a cluster: fields of a pod have the values of the pod that runs, whatever Node is, and names of
	// Services and fields for a cluster have their meaning.
	OnCluster bool
}

// Node is what a pod can read of its node.
type Node struct{ Name, IP string }

// Override is a key and a value from outside the manifests, with its origin.
type Override struct {
	Key, Value string
	Origin     plan.Origin
}

// Setting is a value from outside the manifests, with its origin.
type Setting[T any] struct {
	Value  T
	Origin plan.Origin
}

// SecretValue is a key of a secret from outside the manifests. It prints without the value.
type SecretValue struct {
	// Namespace is "" if the value applies to all namespaces.
	Namespace string
	Name, Key string
	Value     plan.Secret
	Origin    plan.Origin
	// registries are what Value has for registries if Key is that of a pull secret.
	registries pullSecret
}

// NewSecretValue returns a key of a secret. Namespace is "" if the value applies to all namespaces.
func NewSecretValue(namespace, name, key, value string, from plan.Origin) SecretValue {
	return SecretValue{
		Namespace: namespace, Name: name, Key: key, Value: plan.NewSecret(name+"/"+key, value), Origin: from,
		registries: readPullSecret(name, key, []byte(value)),
	}
}

// cluster reports whether tasks run as in a cluster.
func (o Options) cluster() bool { return o.Semantics == plan.Cluster }

// Resolve returns the plan of a run and every problem between the manifests. The error is a *spec.InvalidError if one of
// the problems is an error, or if the manifests had one when they were loaded. The plan is then empty, unless Options.Preview is
// set and the only errors are missing secrets.
func Resolve(m spec.Manifests, o Options) (plan.Plan, spec.Problems, error) {
	if err := m.Err(); err != nil {
		return plan.Plan{}, nil, err
	}
	r, p := resolve(m, o)
	problems := r.problems()
	err := problems.Err()
	if err != nil && r.incomplete() {
		return plan.Plan{}, problems, err
	}
	p.Warnings = Warnings(problems)
	return p, problems, err
}

// incomplete reports whether there is an error other than a missing secret that a plan can show.
func (r *resolver) incomplete() bool { return r.errors > r.missingSecrets }

// resolve returns a plan without warnings, and the resolver that has the problems.
func resolve(m spec.Manifests, o Options) (*resolver, plan.Plan) {
	r := newResolver(m, o)
	checkFlags(r.collector, o)
	var p plan.Plan
	if o.Lifecycle.chosen() {
		planDeployment(r, m, &p)
	} else {
		planObjects(r, m, &p)
	}
	unusedFlags(r, p)
	r.warnFaults(m.Faults)
	return r, p
}

// planObjects plans the selected KeptnTasks or definitions.
func planObjects(r *resolver, m spec.Manifests, p *plan.Plan) {
	selected, skipped := selectUses(r, m)
	p.Skipped = skipped
	p.Tasks = make([]plan.Task, 0, len(selected))
	for _, u := range selected {
		if task, ok := buildTask(r, u); ok {
			p.Tasks = append(p.Tasks, task)
		}
	}
	nameTasks(p.Tasks)
}

// Warnings returns the warnings and notes among problems as warnings of a plan.
func Warnings(problems spec.Problems) []plan.Warning {
	var all []plan.Warning
	for _, w := range slices.Concat(problems.Warnings(), problems.Notes()) {
		message := w.Named()
		if w.Remedy != "" {
			message += " (" + w.Remedy + ")"
		}
		all = append(all, plan.Warning{Origin: origin(w.Pos), Rule: w.Rule, Message: message})
	}
	return all
}

// nameTasks makes names unique: tasks with the same name in several namespaces get their namespace as prefix.
func nameTasks(tasks []plan.Task) {
	count := map[string]int{}
	for _, t := range tasks {
		count[t.Name]++
	}
	for i, t := range tasks {
		if count[t.Name] > 1 {
			tasks[i].Name = t.Namespace + "/" + t.Name
		}
	}
}

// resolver holds what all tasks of a resolution share.
type resolver struct {
	*collector
	index   index
	options Options
	// tasks are the patterns of options.Tasks.
	tasks patterns
	// taken are the overrides that were used: "secret NAME/KEY", "image FROM", "param". images are the images of all tasks.
	taken, images map[string]bool
	// known are the names in manifests that flags may have meant: "param KEY", "env NAME", "secret NAME/KEY".
	known map[string]bool
	// used are the definitions of the tasks, and those that they call.
	used      map[*spec.Definition]bool
	addresses addresses
	// registries are the pull secrets of manifests that have been read.
	registries map[*spec.Secret]pullSecret
	// missingSecrets is the number of errors after which the plan has a plan.MissingSecret.
	missingSecrets int
	// spent is the number of bytes of code, parameters, environments and pull secrets in the plan.
	spent int
}

func newResolver(m spec.Manifests, o Options) *resolver {
	if o.Semantics == "" {
		o.Semantics = plan.Local
	}
	if o.BackoffScale == 0 {
		o.BackoffScale = 1
	}
	c := &collector{reported: map[spec.Problem]bool{}}
	return &resolver{
		collector: c, index: newIndex(m, o), options: o, tasks: newPatterns(c, o.Tasks),
		taken: map[string]bool{}, images: map[string]bool{}, known: map[string]bool{}, used: map[*spec.Definition]bool{},
		addresses: newAddresses(m.Services), registries: map[*spec.Secret]pullSecret{},
	}
}

// relax reports an error, or a warning if the options are lenient.
func (r *resolver) relax(at spec.Pos, rule, remedy, format string, args ...any) {
	if r.options.Lenient {
		r.warn(at, rule, remedy, format, args...)
		return
	}
	r.fail(at, rule, remedy, format, args...)
}

// broken reports whether an object that is missing, or in which something is missing, has errors. The faults of a ConfigMap or Secret
// are reported now. Other errors were reported already, so the missing object is only counted.
func (r *resolver) broken(kind, name string, namespaces ...string) bool {
	for _, ns := range namespaces {
		if r.index.broken.Has(kind, ns, name) {
			for _, p := range r.index.broken.Faults(kind, ns, name) {
				r.report(p)
			}
			r.errors++
			return true
		}
	}
	return false
}

// warnFaults warns of the ConfigMaps and Secrets with faults that no task uses, once a file.
func (r *resolver) warnFaults(all spec.Problems) {
	unused := filter(all, func(p spec.Problem) bool { return !r.reported[p] })
	count := map[string]int{}
	for _, p := range unused {
		count[p.Pos.File]++
	}
	for _, p := range unused {
		more := count[p.Pos.File] - 1
		if more < 0 {
			continue // the file has its warning
		}
		count[p.Pos.File] = 0
		p.Severity, p.Message = spec.Warning, p.Named()+"; no task that runs uses it"
		if more > 0 {
			p.Message += fmt.Sprintf("; %d more in such objects of this file", more)
		}
		r.report(p)
	}
}

// require returns an object of the namespaces, or reports that it is missing. The message begins with what needs it: "x calls".
func require[T any](r *resolver, c *catalog[T], name string, namespaces []string, at spec.Pos, need string, needed ...any) (T, bool) {
	object, ok := find(c, name, namespaces...)
	if !ok && !r.broken(c.kind, name, namespaces...) {
		fact, remedy := c.absence(name, namespaces)
		r.fail(at, c.missingRule, remedy, "%s %s %q, %s", fmt.Sprintf(need, needed...), c.kind, name, fact)
	}
	return object, ok
}

// origin returns a place as an origin.
func origin(p spec.Pos) plan.Origin {
	if p.Line == 0 {
		return plan.Origin{File: p.File}
	}
	return plan.Origin{File: p.File, Line: p.Line, Column: p.Column, Field: p.Field}
}
