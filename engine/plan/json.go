package plan

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// Schema names the JSON form of a plan.
const Schema = "ktask.dev/plan/v1"

// The types below are the JSON form: key names and their order are a contract.

type planJSON struct {
	Schema    string        `json:"schema"`
	Semantics Semantics     `json:"semantics,omitempty"`
	Tasks     []taskJSON    `json:"tasks"`
	Stages    []string      `json:"stages"`
	NonBlock  bool          `json:"nonBlocking,omitempty"`
	Skipped   []skippedJSON `json:"skipped"`
	Warnings  []warningJSON `json:"warnings"`
}

type taskJSON struct {
	Name             string        `json:"name"`
	Definition       string        `json:"definition"`
	Namespace        string        `json:"namespace"`
	Runtime          Runtime       `json:"runtime"`
	Origin           Origin        `json:"origin"`
	Stage            string        `json:"stage"`
	App              string        `json:"app,omitempty"`
	Workload         string        `json:"workload,omitempty"`
	Labels           Labels        `json:"labels"`
	Annotations      Labels        `json:"annotations,omitempty"`
	ServiceAccount   string        `json:"serviceAccount"`
	AutomountToken   *bool         `json:"automountServiceAccountToken,omitempty"`
	ImagePullSecrets []string      `json:"imagePullSecrets"`
	TTL              int64         `json:"ttlSecondsAfterFinished"`
	Container        containerJSON `json:"container"`
	Retries          int           `json:"retries"`
	RetriesOrigin    Origin        `json:"retriesOrigin"`
	Timeout          duration      `json:"timeout"`
	TimeoutOrigin    Origin        `json:"timeoutOrigin"`
	Backoff          backoffJSON   `json:"backoff"`
}

type containerJSON struct {
	Name               string       `json:"name"`
	Image              string       `json:"image"`
	ImageOrigin        Origin       `json:"imageOrigin"`
	Platform           string       `json:"platform,omitempty"`
	PullPolicy         PullPolicy   `json:"pullPolicy"`
	PullCredentials    []pullJSON   `json:"pullCredentials,omitempty"`
	Command            []Text       `json:"command"`
	Args               []Text       `json:"args"`
	WorkingDir         string       `json:"workingDir"`
	User               string       `json:"user"`
	Env                []envJSON    `json:"env"`
	Files              []fileJSON   `json:"files"`
	Tmpfs              []tmpfsJSON  `json:"tmpfs"`
	Mounts             []mountJSON  `json:"mounts,omitempty"`
	Network            string       `json:"network,omitempty"`
	Compose            string       `json:"compose,omitempty"`
	Limits             limitsJSON   `json:"limits"`
	Requests           []Request    `json:"requests,omitempty"`
	Security           securityJSON `json:"security"`
	TTY                bool         `json:"tty,omitempty"`
	Stdin              bool         `json:"stdin,omitempty"`
	Grace              duration     `json:"grace"`
	TerminationMessage string       `json:"terminationMessagePath,omitempty"`
	FallbackToLogs     bool         `json:"terminationMessageFallbackToLogs,omitempty"`
	Origins            parts        `json:"origins,omitempty"`
}

type pullJSON struct {
	Secret string `json:"secret"`
	Origin Origin `json:"origin"`
}

type envJSON struct {
	Name   string `json:"name"`
	Value  Text   `json:"value"`
	Secret string `json:"secret,omitempty"`
	Origin Origin `json:"origin"`
	Parts  parts  `json:"parts,omitempty"`
}

// parts are an object of names and origins.
type parts []Part

func (p parts) MarshalJSON() ([]byte, error) {
	object := make(map[string]Origin, len(p))
	for _, part := range p {
		object[part.Name] = part.Origin
	}
	return json.Marshal(object)
}

type fileJSON struct {
	Path   string `json:"path"`
	Mode   string `json:"mode"`
	Size   int    `json:"size"`
	SHA256 string `json:"sha256"`
	Origin Origin `json:"origin"`
}

type tmpfsJSON struct {
	Name      string `json:"name"`
	Path      string `json:"path"`
	SubPath   string `json:"subPath,omitempty"`
	SizeBytes int64  `json:"sizeBytes"`
	ReadOnly  bool   `json:"readOnly"`
	Origin    Origin `json:"origin"`
}

type mountJSON struct {
	Source   string `json:"source"`
	Target   string `json:"target"`
	ReadOnly bool   `json:"readOnly"`
	Origin   Origin `json:"origin"`
}

type limitsJSON struct {
	MemoryBytes int64 `json:"memoryBytes"`
	NanoCPUs    int64 `json:"nanoCpus"`
	Pids        int64 `json:"pids"`
}

type securityJSON struct {
	ReadOnlyRootfs  bool     `json:"readOnlyRootfs"`
	NoNewPrivileges bool     `json:"noNewPrivileges"`
	Privileged      bool     `json:"privileged"`
	CapAdd          []string `json:"capAdd"`
	CapDrop         []string `json:"capDrop"`
	RunAsNonRoot    bool     `json:"runAsNonRoot,omitempty"`
	Seccomp         string   `json:"seccomp,omitempty"`
	UnmaskedProc    bool     `json:"unmaskedProc,omitempty"`
}

type backoffJSON struct {
	Initial duration `json:"initial"`
	Max     duration `json:"max"`
}

type skippedJSON struct {
	Name   string `json:"name"`
	Reason string `json:"reason"`
}

type warningJSON struct {
	Origin  Origin `json:"origin"`
	Rule    string `json:"rule"`
	Message string `json:"message"`
}

// duration is written as Go and Kubernetes write it: "1m30s".
type duration time.Duration

func (d duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// MarshalJSON writes labels as an object with sorted keys.
func (l Labels) MarshalJSON() ([]byte, error) {
	object := make(map[string]string, len(l))
	for _, label := range l {
		object[label.Key] = label.Value
	}
	return json.Marshal(object)
}

// MarshalJSON writes the plan as one document of the schema; no secret value is in it.
func (p Plan) MarshalJSON() ([]byte, error) {
	doc := planJSON{Schema: Schema, NonBlock: p.NonBlocking, Tasks: []taskJSON{}, Stages: list(p.stageNames()), Skipped: []skippedJSON{}, Warnings: []warningJSON{}}
	for _, t := range p.Tasks {
		if t.Semantics == Cluster {
			doc.Semantics = Cluster
		}
		task := t.document()
		if s, ok := p.Stage(t.Stage); ok {
			task.Stage, task.App, task.Workload = s.Name, s.App, s.Workload
		}
		doc.Tasks = append(doc.Tasks, task)
	}
	for _, s := range p.Skipped {
		doc.Skipped = append(doc.Skipped, skippedJSON(s))
	}
	for _, w := range p.Warnings {
		doc.Warnings = append(doc.Warnings, warningJSON(w))
	}
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(doc); err != nil {
		return nil, fmt.Errorf("encode plan: %w", err)
	}
	return text.Bytes(), nil
}

// Stage finds a stage by its ID.
func (p Plan) Stage(id string) (Stage, bool) {
	for _, s := range p.Stages {
		if s.ID == id {
			return s, true
		}
	}
	return Stage{}, false
}

// stageNames are the names of the stages, each once, in their order.
func (p Plan) stageNames() []string {
	var names []string
	for _, s := range p.Stages {
		if !slices.Contains(names, s.Name) {
			names = append(names, s.Name)
		}
	}
	return names
}

func (t Task) document() taskJSON {
	return taskJSON{
		Name: t.Name, Definition: t.Definition, Namespace: t.Namespace, Runtime: t.Runtime, Origin: t.Origin, Stage: t.Stage,
		Labels: t.Labels, Annotations: t.Annotations, ServiceAccount: t.Container.ServiceAccount, AutomountToken: t.Container.AutomountToken, ImagePullSecrets: list(t.Container.ImagePullSecrets), TTL: int64(t.TTL / time.Second),
		Container: t.Container.document(), Retries: t.Retry.Limit, RetriesOrigin: t.Retry.Origin,
		Timeout: duration(t.Timeout), TimeoutOrigin: t.TimeoutOrigin,
		Backoff: backoffJSON{duration(t.Retry.Backoff.Initial), duration(t.Retry.Backoff.Max)},
	}
}

func (c Container) document() containerJSON {
	doc := containerJSON{
		Name: c.Name, Image: c.Image, ImageOrigin: c.ImageOrigin, Platform: c.Platform, PullPolicy: c.PullPolicy,
		Command: c.Command, Args: c.Args, WorkingDir: c.WorkingDir, User: c.User,
		Env: []envJSON{}, Files: []fileJSON{}, Tmpfs: []tmpfsJSON{}, Network: c.Network, Compose: c.Compose,
		Limits: limitsJSON(c.Limits), Requests: c.Requests,
		Security: c.Security.document(), TTY: c.TTY, Stdin: c.Stdin, Grace: duration(c.Grace),
		TerminationMessage: c.TerminationMessage.Path, FallbackToLogs: c.TerminationMessage.FallbackToLogs,
		Origins: c.Origins,
	}
	for _, p := range c.PullCredentials {
		doc.PullCredentials = append(doc.PullCredentials, pullJSON{p.Secret, p.Origin})
	}
	for _, e := range c.Env {
		v := envJSON{Name: e.Name, Value: e.Value, Origin: e.Origin, Parts: e.Parts}
		for _, s := range e.Value.Secrets() {
			v.Secret = s.Ref()
			break
		}
		doc.Env = append(doc.Env, v)
	}
	for _, f := range c.Files {
		sum := sha256.Sum256(f.Content)
		doc.Files = append(doc.Files, fileJSON{f.Path, fmt.Sprintf("%04o", f.Mode.Perm()), len(f.Content), hex.EncodeToString(sum[:]), f.Origin})
	}
	for _, t := range c.Tmpfs {
		doc.Tmpfs = append(doc.Tmpfs, tmpfsJSON(t))
	}
	for _, m := range c.Mounts {
		doc.Mounts = append(doc.Mounts, mountJSON(m))
	}
	return doc
}

func (s Security) document() securityJSON {
	return securityJSON{s.ReadOnlyRootfs, s.NoNewPrivileges, s.Privileged, list(s.CapAdd), list(s.CapDrop), s.RunAsNonRoot, s.Seccomp, s.UnmaskedProc}
}

// list makes nil an empty list, which is what it means in the document.
func list(values []string) []string {
	if values == nil {
		return []string{}
	}
	return values
}
