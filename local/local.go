// Package local runs Keptn tasks on a container engine from Go programs. The command ktask uses it, too.
//
// Its input are paths of manifests and Options; its output are the Result of a run, and events while it runs. Most programs
// only need Run. Its steps are also available one by one: ReadFiles, Load and Execute. The package does not print or end the
// process, and reads the environment only in FromEnv and UserRuns.
package local

import (
	"cmp"
	"context"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/docker"
	"github.com/ktask/ktask/engine/kubernetes"
	"github.com/ktask/ktask/engine/owner"
	"github.com/ktask/ktask/engine/plan"
	"github.com/ktask/ktask/resolve"
	"github.com/ktask/ktask/runtimes"
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
	// Lifecycle selects the tasks of stages of a deployment.
	Lifecycle resolve.Lifecycle

	Params map[string]string
	Env    map[string]string
	// Secrets are values by NAME or NAME/KEY. They are masked in all output.
	Secrets map[string]string

	Namespace, KeptnNamespace string
	DenoImage, PythonImage    string
	// Images replace images that manifests name.
	Images  map[string]string
	Network string
	// Compose is a running project of Docker Compose whose default network the tasks join when its services are healthy.
	Compose  string
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

	// Parallel is how many tasks run at once. Zero means as many as there are processors, or if there are stages, all tasks of
	// a stage.
	Parallel int
	FailFast bool
	// Parts lets the Sink receive engine.OutputParts.
	Parts bool
	// Terminal starts a shell on a terminal in place of each task. It is for plans of one task, and may be nil.
	Terminal *engine.Terminal
	// Engine runs the tasks, and is made from EngineOptions. If nil, it is made for this run.
	Engine        engine.Engine
	EngineOptions EngineOptions
	// Sink receives the events of the run, from one goroutine.
	Sink engine.Sink
	// RunID identifies the run on the engine. It must not be used for two runs; if empty, one is made.
	RunID string
	// Version identifies the version of the calling program on the engine.
	Version string
	// Runs records the run, so that other runs on this machine leave its containers alone. The zero value records nothing.
	Runs owner.Runs
	// Guardian is the path of the ktask executable, which then runs beside this process and removes what the run has on the
	// engine if this process is killed. If empty, there is none. With it, the descriptors above 2 of this process are marked
	// close-on-exec.
	Guardian string
	// Warm is how many containers the Guardian prepares after the run for each kind that the run has used; 0 is none. The next run
	// with the same EngineOptions, whose Pool is WarmPool, takes them.
	Warm int
	// Warn is called with each warning as soon as it is known: all but KeptUnknown before anything runs. The Result has them,
	// too. It may be nil.
	Warn func(Warning)
	// Abandon makes Execute return ErrAbandoned when it is closed: its guardian then removes what is on the engine as soon
	// as the engine answers. It is for an engine that no longer answers; to stop a run, end its context.
	Abandon <-chan struct{}
}

// FromEnv returns the Options that the environment sets: EngineOptions as docker.FromEnv and kubernetes.FromEnv do, Runs as UserRuns does, and the
// images of deno and python tasks with FUNCTION_RUNNER_IMAGE and PYTHON_RUNNER_IMAGE.
func FromEnv() Options {
	image := func(name plan.Runtime) string {
		r, _ := runtimes.ByName(name)
		return os.Getenv(r.ImageVariable)
	}
	return Options{
		DenoImage: image(plan.RuntimeDeno), PythonImage: image(plan.RuntimePython),
		EngineOptions: EngineOptions{Options: docker.FromEnv(), Cluster: kubernetes.FromEnv()}, Runs: UserRuns(),
	}
}

// Run runs tasks to their end. If a task fails, that is in the Result, not an error. The error is a *spec.InvalidError if
// the manifests or options are invalid, an *engine.Error if the engine cannot be used, and a *CanceledError if ctx has
// ended; the Result is then complete up to that point. Nothing is left on the engine when Run returns, except for what is
// kept. Run may be called concurrently.
func Run(ctx context.Context, o Options) (Result, error) {
	files, err := ReadFiles(o.Paths, o.In)
	if err != nil {
		return Result{}, err
	}
	loaded, err := Load(files, Files{}, o.resolved())
	warnings := warningsOf(loaded.Problems)
	for _, w := range warnings {
		if o.Warn != nil {
			o.Warn(w)
		}
	}
	if err != nil {
		return Result{Warnings: warnings}, err
	}
	r, err := Execute(ctx, loaded.Plan, o)
	r.Warnings = append(warnings, r.Warnings...)
	return r, err
}

// resolved returns the options for package resolve.
func (o Options) resolved() resolve.Options {
	r := resolve.Options{
		Namespace: cmp.Or(o.Namespace, DefaultNamespace), KeptnNamespace: cmp.Or(o.KeptnNamespace, DefaultKeptnNamespace),
		Lifecycle: o.Lifecycle,
		Tasks:     o.Tasks, Params: overrides(o.Params, "Params"), Env: overrides(o.Env, "Env"), Images: overrides(o.Images, "Images"),
		DenoImage: setting(o.DenoImage, "DenoImage"), PythonImage: setting(o.PythonImage, "PythonImage"),
		Network: o.Network, Compose: o.Compose, Platform: o.Platform, Mounts: o.Mounts, Allow: o.Allow, Lenient: o.Lenient,
		Pull: setting(o.Pull, "Pull"), Timeout: setting(o.Timeout, "Timeout"), Grace: setting(o.Grace, "Grace"), Semantics: cmp.Or(o.Semantics, plan.Local),
	}
	r.Node, r.OnCluster = o.EngineOptions.Node()
	if o.Retries != nil {
		r.Retries = &resolve.Setting[int]{Value: *o.Retries, Origin: plan.Option("Retries")}
	}
	for _, ref := range slices.Sorted(maps.Keys(o.Secrets)) {
		name, key := SplitSecret(ref)
		r.Secrets = append(r.Secrets, resolve.NewSecretValue("", name, key, o.Secrets[ref], plan.Option("Secrets")))
	}
	return r
}

// SplitSecret returns the parts of NAME or NAME/KEY.
func SplitSecret(ref string) (name, key string) {
	name, key, keyed := strings.Cut(ref, "/")
	if !keyed {
		key = DefaultSecretKey
	}
	return name, key
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
