// Package plan is what ktask is about to do, as inert data.
//
// In comes what package resolve found in the manifests, out goes what the engine executes and what
// `ktask plan` prints: the same value, so a dry run is never a second code path. A plan holds no clock,
// no random id and no map, so the same input renders to the same bytes. This package never touches the
// network, the file system or the environment, and it imports the standard library alone.
package plan

import (
	"cmp"
	"time"
)

// Plan is one run: tasks in the order in which they start, and what was said or left out on the way.
type Plan struct {
	Tasks []Task
	// Stages are those of a deployment's lifecycle, each after those that it needs; empty if tasks run without stages.
	Stages []Stage
	// NonBlocking lets the stages after a failed one start, and turns failed stages into warnings: Keptn's
	// blockDeployment: false.
	NonBlocking bool
	// NotChecked are reasons for which the plan's tasks may pass although Keptn would not let the deployment proceed:
	// "evaluations are not run".
	NotChecked []string
	Skipped    []Skipped
	Warnings   []Warning
}

// Stage is a step in the deployment of an app or a workload. Its tasks run together, once every stage that it needs
// has passed; a stage without tasks passes.
type Stage struct {
	// ID is unique in a plan: "podtato-head/app-pre".
	ID string
	// Name is one of the names below.
	Name string
	App  string
	// Workload is the KeptnWorkload of a workload's stage ("podtato-head-server"), else "".
	Workload string
	// Needs are the IDs of earlier stages.
	Needs []string
}

// String names a stage for people: "app-pre podtato-head", "workload-pre podtato-head-server".
func (s Stage) String() string { return s.Name + " " + cmp.Or(s.Workload, s.App) }

// The names of stages, in the order in which Keptn walks through a deployment.
const (
	AppPre       = "app-pre"
	WorkloadPre  = "workload-pre"
	WorkloadPost = "workload-post"
	AppPost      = "app-post"
	Promotion    = "promotion"
)

// Skipped is a resource that the manifests hold and this run leaves out.
type Skipped struct {
	Name   string
	Reason string
}

// Warning is something that a person should know and that does not stop the run.
type Warning struct {
	Origin  Origin
	Rule    string
	Message string
}

// Runtime is the kind of runner that a task uses: the field of spec that a definition fills.
type Runtime string

// The runners of a KeptnTaskDefinition.
const (
	RuntimeDeno      Runtime = "deno"
	RuntimePython    Runtime = "python"
	RuntimeContainer Runtime = "container"
)

// Semantics selects whose rules hold for retries, waits and the clock.
type Semantics string

// Local is what suits a laptop; Cluster is what a Kubernetes Job does, see Retry and Task.Timeout.
const (
	Local   Semantics = "local"
	Cluster Semantics = "cluster"
)

// Task is one KeptnTask: a container, and the rules of the Job around it.
type Task struct {
	// Name is unique in a plan; reports and output are keyed by it.
	Name string
	// Definition is the KeptnTaskDefinition that the task runs.
	Definition string
	Namespace  string
	Runtime    Runtime
	Origin     Origin
	// Stage is the ID of one of Plan.Stages, or "".
	Stage       string
	Labels      Labels
	Annotations Labels // for a cluster only, like TTL
	TTL         time.Duration

	Container Container
	Retry     Retry
	// Timeout covers all attempts and the waits between them. Under Cluster semantics it is whole seconds,
	// covers the pull as well, and zero is a deadline that is over before anything starts.
	Timeout       time.Duration
	TimeoutOrigin Origin
	Semantics     Semantics
}

// Retry is how often a failed attempt is repeated and how long the waits between attempts are.
type Retry struct {
	// Limit is the retries that the manifest asks for: at most Limit+1 attempts.
	Limit   int
	Origin  Origin
	Backoff Backoff
}

// Backoff is the wait before a second attempt, doubled before each further one up to Max.
type Backoff struct {
	Initial time.Duration
	Max     time.Duration
}

// Label is one label of a task.
type Label struct{ Key, Value string }

// Labels are labels or annotations, sorted by key.
type Labels []Label
