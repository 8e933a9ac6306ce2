// Package spec turns manifests into valid, typed objects with their places.
//
// In come files, or what was piped in. Out come the Keptn and Kubernetes objects that ktask reads, and every problem of the
// files with file, line, column, field and rule. The format is that of Keptn's KeptnTaskDefinition reference page and of the
// Kubernetes API. If Keptn's versions differ, a field is valid in the versions that have it. This package opens no socket,
// reads no environment and starts no process, so manifests can be validated anywhere.
package spec

import (
	"maps"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// Manifests are the objects of a load, each kind in the order of the sources.
type Manifests struct {
	Definitions []*Definition
	Tasks       []*Task
	ConfigMaps  []*ConfigMap
	Secrets     []*Secret
	Apps        []*App
	AppContexts []*AppContext
	Configs     []*Config
	Workloads   []*Workload
	Services    []ServiceName
	// Tests are those of Options.Tests.
	Tests  []*TaskTest
	Broken Broken
	// Faults are the problems of all ConfigMaps and Secrets. They are errors only for what uses the object, see Broken.Faults.
	Faults Problems
	// Foreign is the number of documents of other kinds.
	Foreign int
	// Ignored is the number of those that are Keptn's.
	Ignored int
	// Unread are problems of documents that were passed over, in whole or in part, and may hold annotations of Keptn.
	Unread Problems

	err error
}

// ServiceName is the name of a Service, which is a host name in the cluster.
type ServiceName struct{ Namespace, Name string }

// Err returns the error of the load that returned m, or nil.
func (m Manifests) Err() error { return m.err }

// Meta holds the metadata of an object.
type Meta struct {
	// Version is the API version without its group: "v1alpha3".
	Version string
	Name    string
	// Namespace is never empty: the default is Options.Namespace, if NamesNamespace is false.
	Namespace      string
	NamesNamespace bool

	Labels      []Pair
	Annotations []Pair
	Pos         Pos
}

// Pair is an entry of a string map. Slices of pairs are sorted by key.
type Pair struct {
	Key, Value string
	Pos        Pos
}

// Definition is a KeptnTaskDefinition.
type Definition struct {
	Meta
	Runner  Runner
	Retries Optional[int32]
	Timeout Optional[time.Duration]
	// TTLSecondsAfterFinished, ServiceAccount and AutomountToken have an effect only in a cluster.
	TTLSecondsAfterFinished Optional[int32]
	ServiceAccount          Optional[string]
	AutomountToken          Optional[bool]
	ImagePullSecrets        []Optional[string]
}

// Runner is what a definition runs: a *Function or a *Container.
type Runner interface{ runner() }

// Function is a deno or python runner.
type Function struct {
	// Runtime is "deno" or "python". Field is the field of the runner, which in old manifests is "function".
	Runtime string
	Field   string
	Pos     Pos
	// Sources are the given sources of code in Keptn's order: the first one that exists is used.
	Sources       []Source
	Parameters    []Pair
	Secret        Optional[string]
	CmdParameters Optional[string]
}

// Source is a source of code: FunctionRef, Inline, ConfigMapRef or HTTPRef.
type Source interface {
	// At returns the place of the source in the manifest.
	At() Pos
}

// FunctionRef uses the code of another definition.
type FunctionRef struct {
	Name string
	Pos  Pos
}

// Inline is code in the manifest. Line is the line of the manifest on which the code starts. It is 0 if the lines of the code are
// not those of the manifest: in a quoted or folded scalar of several lines, and in base64.
type Inline struct {
	Code string
	Line int
	Pos  Pos
}

// ConfigMapRef is code under the key "code" of a ConfigMap.
type ConfigMapRef struct {
	Name string
	Pos  Pos
}

// HTTPRef is code that the runtime fetches when it runs.
type HTTPRef struct {
	URL string
	Pos Pos
}

// At returns the place of the reference.
func (r FunctionRef) At() Pos { return r.Pos }

// At returns the place of the code.
func (r Inline) At() Pos { return r.Pos }

// At returns the place of the reference.
func (r ConfigMapRef) At() Pos { return r.Pos }

// At returns the place of the reference.
func (r HTTPRef) At() Pos { return r.Pos }

// Container is a runner that is a Kubernetes container.
type Container struct {
	corev1.Container
	cursor
}

func (*Function) runner()  {}
func (*Container) runner() {}

// Task is a KeptnTask: one use of a definition.
type Task struct {
	Meta
	Definition Optional[string]
	Context    Context
	Parameters []Pair
	Secret     Optional[string]
	Retries    Optional[int32]
	Timeout    Optional[time.Duration]
}

// Context is the content of KEPTN_CONTEXT, Keptn's TaskContext.
type Context struct {
	WorkloadName    string
	AppName         string
	AppVersion      string
	WorkloadVersion string
	TaskType        string
	ObjectType      string
	Metadata        []Pair
	Pos             Pos
}

// ConfigMap is a v1 ConfigMap. CodeLine is for data.code what Inline.Line is for inline code.
type ConfigMap struct {
	Meta
	Data     []Pair
	CodeLine int
	// BinaryKeys are the keys of binaryData, which cannot be environment variables.
	BinaryKeys []string
	// BinaryCode is binaryData.code, which can be mounted.
	BinaryCode []byte
}

// Secret is a v1 Secret with stringData merged into data. It prints without its values.
type Secret struct {
	Meta
	Data SecretData
	// PullKey is the key with credentials for registries if the Secret is of a type that holds them, else "". PullPos is the
	// place of its value.
	PullKey string
	PullPos Pos
}

// SecretData holds values that are never shown. It prints as its keys.
type SecretData struct {
	keys   []string
	values map[string][]byte
}

// NewSecretData returns secret data that does not come from a manifest.
func NewSecretData(values map[string][]byte) SecretData {
	return SecretData{keys: slices.Sorted(maps.Keys(values)), values: maps.Clone(values)}
}

// SchemaURL is the address of the JSON Schema of manifests.
const SchemaURL = "https://raw.githubusercontent.com/ktask/ktask/main/ktask.schema.json"
