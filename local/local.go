// Package local runs Keptn tasks on a container engine from Go programs. The command ktask uses it, too.
//
// Its input are paths of manifests and Options; its output are the Result of a run, and events while it runs. Most programs
// only need Run. Its steps are also available one by one: ReadFiles, Load, Attend and an engine.Runner. The package does not
// print, end the process or read the environment.
package local

import (
	"cmp"
	"context"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/docker"
	"github.com/ktask/ktask/engine/owner"
	"github.com/ktask/ktask/engine/plan"
	"github.com/ktask/ktask/resolve"
)

// The namespaces that are used if Options name none.
const (
	DefaultNamespace      = "default"
	DefaultKeptnNamespace = "keptn-system"
	// DefaultSecretKey is the key of a secret for which no key is given.
	DefaultSecretKey = "SECURE_DATA"
)

// Options select what to run and how. The zero value of a field means the manifests' value, or ktask's default.
type Options struct {
	// Paths are manifests, directories of manifests, or "-" for In.
	Paths []string
	In    io.Reader
	// Tasks are the names of the KeptnTasks or KeptnTaskDefinitions to run. If empty, those that ktask run selects are run.
	Tasks []string

	Params map[string]string
	Env    map[string]string
	// Secrets are values by NAME or NAME/KEY. They are masked in all output.
	Secrets map[string]string

	Namespace, KeptnNamespace string
	DenoImage, PythonImage    string
	// Images replace images that manifests name.
	Images   map[string]string
	Network  string
	Platform string
	Pull     plan.PullPolicy
	Mounts   []plan.Mount
	// Allow lists what tasks may do outside of their containers, see resolve.Allowances.
	Allow   []string
	Lenient bool

	Retries   *int
	Timeout   time.Duration
	Grace     time.Duration
	Semantics plan.Semantics

	Parallel int
	FailFast bool
	// Engine runs the tasks. If nil, it is Docker at its default socket, which Run closes at the end; see docker.FromEnv for
	// the engine that the environment names.
	Engine engine.Engine
	// Sink receives the events of the run, from one goroutine.
	Sink engine.Sink
	// Runs records the run, so that other runs on this machine leave its containers alone. The zero value records nothing.
	Runs owner.Runs
}

// CanceledError is returned by a run whose context has ended.
type CanceledError struct{ Cause error }

// Error returns the cause as text.
func (e *CanceledError) Error() string { return "run canceled: " + e.Cause.Error() }

// Unwrap returns the cause of the context.
func (e *CanceledError) Unwrap() error { return e.Cause }

// Run runs tasks to their end. If a task fails, that is in the Result, not an error. The error is a *spec.InvalidError if
// the manifests or options are invalid, an *engine.Error if the engine cannot be used, and a *CanceledError if ctx has
// ended; the Result is then complete up to that point. Nothing is left on the engine when Run returns. Run may be called
// concurrently.
func Run(ctx context.Context, o Options) (engine.Result, error) {
	files, err := ReadFiles(o.Paths, o.In)
	if err != nil {
		return engine.Result{}, err
	}
	loaded, err := Load(files, Files{}, o.resolved())
	if err != nil {
		return engine.Result{}, err
	}
	e := o.Engine
	if e == nil {
		own, err := docker.New(docker.Options{})
		if err != nil {
			return engine.Result{}, err
		}
		defer func() { _ = own.Close() }()
		e = own
	}
	r := engine.Runner{
		Engine: e, Sink: o.Sink, Parallel: o.Parallel, FailFast: o.FailFast, RunID: engine.NewRunID(), Owner: Owner(),
	}
	attendance, _ := Attend(ctx, e, o.Runs, r.RunID)
	result, err := r.Run(ctx, loaded.Plan)
	attendance.End(slices.ContainsFunc(result.Tasks, func(t engine.TaskResult) bool { return t.MayRemain }))
	if err == nil && ctx.Err() != nil {
		err = &CanceledError{Cause: context.Cause(ctx)}
	}
	return result, err
}

// resolved returns the options for package resolve.
func (o Options) resolved() resolve.Options {
	r := resolve.Options{
		Namespace: cmp.Or(o.Namespace, DefaultNamespace), KeptnNamespace: cmp.Or(o.KeptnNamespace, DefaultKeptnNamespace),
		Tasks: o.Tasks, Params: overrides(o.Params, "Params"), Env: overrides(o.Env, "Env"), Images: overrides(o.Images, "Images"),
		DenoImage: setting(o.DenoImage, "DenoImage"), PythonImage: setting(o.PythonImage, "PythonImage"),
		Network: o.Network, Platform: o.Platform, Mounts: o.Mounts, Allow: o.Allow, Lenient: o.Lenient,
		Pull: setting(o.Pull, "Pull"), Timeout: setting(o.Timeout, "Timeout"), Grace: setting(o.Grace, "Grace"), Semantics: cmp.Or(o.Semantics, plan.Local),
	}
	if o.Retries != nil {
		r.Retries = &resolve.Setting[int]{Value: *o.Retries, Origin: plan.Option("Retries")}
	}
	for _, ref := range slices.Sorted(maps.Keys(o.Secrets)) {
		name, key, keyed := strings.Cut(ref, "/")
		if !keyed {
			key = DefaultSecretKey
		}
		r.Secrets = append(r.Secrets, resolve.SecretValue{
			Name: name, Key: key, Value: plan.NewSecret(name+"/"+key, o.Secrets[ref]), Origin: plan.Option("Secrets"),
		})
	}
	return r
}

func overrides(values map[string]string, option string) []resolve.Override {
	var all []resolve.Override
	for _, key := range slices.Sorted(maps.Keys(values)) {
		all = append(all, resolve.Override{Key: key, Value: values[key], Origin: plan.Option(option)})
	}
	return all
}

func setting[T comparable](value T, option string) *resolve.Setting[T] {
	var zero T
	if value == zero {
		return nil
	}
	return &resolve.Setting[T]{Value: value, Origin: plan.Option(option)}
}
