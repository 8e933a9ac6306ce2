// Package spec turns manifests into valid, typed objects that know their places.
//
// In comes text: files, or what was piped in. Out come the Keptn and Kubernetes objects that ktask
// understands, and every problem that the text has, each with file, line, column, field and rule. The
// format is that of https://keptn.sh's KeptnTaskDefinition reference page and of the Kubernetes API; where
// Keptn's versions differ, a field is valid in the versions that have it. This package opens no socket,
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
	Broken      Broken
	// Foreign counts the documents that are none of ktask's business.
	Foreign int

	err error
}

// Err returns the error of the load that returned m, or nil.
func (m Manifests) Err() error { return m.err }

// Meta is what all objects have.
type Meta struct {
	// Version is the API version without its group: "v1alpha3".
	Version string
	Name    string
	// Namespace is never empty: objects without one are in the namespace of Options.
	Namespace   string
	Labels      []Pair
	Annotations []Pair
	Pos         Pos
}

// Pair is an entry of a string map, which are sorted by key.
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
	// TTLSecondsAfterFinished, ServiceAccount, AutomountToken and ImagePullSecrets mean something in a cluster only.
	TTLSecondsAfterFinished Optional[int32]
	ServiceAccount          Optional[string]
	AutomountToken          Optional[bool]
	ImagePullSecrets        []string
}

// Runner is what a definition runs: a *Function or a *Container.
type Runner interface{ runner() }

// Function is a deno or python runner.
type Function struct {
	// Runtime is "deno" or "python"; Field is the field that said so, which is "function" in old manifests.
	Runtime string
	Field   string
	Pos     Pos
	// Sources are where the code may come from, in Keptn's order: the first that is there wins.
	Sources       []Source
	Parameters    []Pair
	Secret        Optional[string]
	CmdParameters Optional[string]
}

// Source is a place that code comes from: FunctionRef, Inline, ConfigMapRef or HTTPRef.
type Source interface {
	// At is the place of the reference in the manifest.
	At() Pos
}

// FunctionRef uses the code of another definition.
type FunctionRef struct {
	Name string
	Pos  Pos
}

// Inline is code in the manifest. Line is the line of its first line, or 0 where its lines are not those of the file: in
// a quoted or folded scalar of several lines, and in base64.
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

// At gives the reference's place.
func (r FunctionRef) At() Pos { return r.Pos }

// At gives the code's place.
func (r Inline) At() Pos { return r.Pos }

// At gives the reference's place.
func (r ConfigMapRef) At() Pos { return r.Pos }

// At gives the reference's place.
func (r HTTPRef) At() Pos { return r.Pos }

// Container is a runner that is a Kubernetes container of its own.
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

// Context is the content of KEPTN_CONTEXT, see Keptn's TaskContext.
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

// ConfigMap is a v1 ConfigMap. CodeLine is the line of the first line of data.code, like Inline.Line.
type ConfigMap struct {
	Meta
	Data     []Pair
	CodeLine int
	// BinaryKeys are the keys of binaryData, which no environment variable can take.
	BinaryKeys []string
	// BinaryCode is binaryData.code, which can be mounted as well.
	BinaryCode []byte
}

// Secret is a v1 Secret with stringData merged into data. It formats without its values.
type Secret struct {
	Meta
	Data SecretData
}

// SecretData holds values that are never shown; it formats as its keys.
type SecretData struct {
	keys   []string
	values map[string][]byte
}

// NewSecretData makes the data of a secret that is no manifest: one given on the command line.
func NewSecretData(values map[string][]byte) SecretData {
	return SecretData{keys: slices.Sorted(maps.Keys(values)), values: maps.Clone(values)}
}

// SchemaURL is the address of the JSON Schema of manifests.
const SchemaURL = "https://raw.githubusercontent.com/ktask/ktask/main/ktask.schema.json"
