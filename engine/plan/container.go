package plan

import (
	"io/fs"
	"time"
)

// Container is everything an engine needs to know for one attempt, and nothing about Keptn.
type Container struct {
	// Name is the container's name in the manifest; engines derive the real name from Labels.
	Name        string
	Image       string
	ImageOrigin Origin
	// Platform is "os/arch[/variant]", or "" for the engine's own.
	Platform   string
	PullPolicy PullPolicy
	// PullCredentials are those of the task's pull secrets for the registry of Image, in the order in which they are tried,
	// before the user's own.
	PullCredentials []PullCredential
	// ServiceAccount, AutomountToken and ImagePullSecrets are names in a cluster, and mean nothing elsewhere.
	ServiceAccount   string
	ImagePullSecrets []string
	AutomountToken   *bool
	// Command replaces the image's entrypoint and Args its command; nil leaves the image's own, as a
	// Kubernetes container does: with Command set and Args nil the image's command is dropped too.
	Command []Text
	Args    []Text
	// WorkingDir is "" for the image's default.
	WorkingDir string
	// User is "uid", "uid:gid" or ":gid", or "" for the image's default.
	User string
	// Env is in the order in which it was declared; names are unique.
	Env   []EnvVar
	Files []File
	Tmpfs []Tmpfs
	// Mounts are directories or files of the engine's host.
	Mounts []Mount
	// Network is "", "none", "host", "bridge" or the name of a network of the engine. Compose is the running project of Docker
	// Compose whose default network the container joins instead, or "".
	Network, Compose string

	Limits Limits
	// Requests are what a scheduler keeps free for the container, sorted by resource. An engine on one machine ignores them.
	Requests []Request
	Security Security
	TTY      bool
	Stdin    bool
	// Grace is the time between the stop signal and the kill.
	Grace time.Duration
	// TerminationMessage is how the task reports why it ended.
	TerminationMessage TerminationMessage
	// Origins are the places of the fields above that have no origin of their own and are not defaults, by their
	// names in the JSON form.
	Origins []Part
}

// The values of imagePullPolicy, see https://kubernetes.io/docs/concepts/containers/images/#image-pull-policy.
const (
	PullAlways       PullPolicy = "Always"
	PullIfNotPresent PullPolicy = "IfNotPresent"
	PullNever        PullPolicy = "Never"
)

// EnvVar is one environment variable as the process gets it, $(NAME) already expanded.
type EnvVar struct {
	Name   string
	Value  Text
	Origin Origin
	// Parts are the named parts of a value that is put together of several: the parameters of DATA, the fields
	// of KEPTN_CONTEXT that somebody set.
	Parts []Part
}

// Part is where a part of a value, or a field of a container, comes from.
type Part struct {
	Name   string
	Origin Origin
}

// File is copied into the container before it starts. It belongs to root.
type File struct {
	// Path is absolute; missing parent directories are made.
	Path    string
	Mode    fs.FileMode
	Content []byte
	Origin  Origin
	// Line is the line of the manifest with the first line of Content, if the lines of Content are lines of it; else 0.
	Line int
	// ConfigMap is the name of the ConfigMap that has the content in a cluster, or "".
	ConfigMap string
}

// Tmpfs is a mount of a memory-backed volume: a Kubernetes emptyDir of medium Memory. Mounts of the same
// Name share one volume, of mode 1777.
type Tmpfs struct {
	Name string
	Path string
	// SubPath is a directory within the volume, or "".
	SubPath string
	// SizeBytes is the volume's size. If Limits.MemoryBytes is set, an engine lowers it to half of its
	// own memory if that is smaller: the smallest of both is what the kubelet takes.
	SizeBytes int64
	ReadOnly  bool
	Origin    Origin
}

// Mount binds a path of the engine's host into the container.
type Mount struct {
	Source   string
	Target   string
	ReadOnly bool
	Origin   Origin
}

// Limits bound what a container may use; zero is no limit.
type Limits struct {
	MemoryBytes int64
	NanoCPUs    int64
	// Pids bounds the processes and threads that the container has at a time.
	Pids int64
}

// Request is how much of a resource a container needs, as a quantity of Kubernetes: "cpu" and "250m".
type Request struct {
	Resource string `json:"resource"`
	Quantity string `json:"quantity"`
}

// Security is Kubernetes' securityContext, as far as an engine can honour it.
type Security struct {
	ReadOnlyRootfs  bool
	NoNewPrivileges bool
	Privileged      bool
	// RunAsNonRoot refuses to start an image whose user is root.
	RunAsNonRoot bool
	CapAdd       []string
	CapDrop      []string
	// Seccomp is "", "Unconfined" or "RuntimeDefault".
	Seccomp string
	// UnmaskedProc leaves /proc unmasked.
	UnmaskedProc bool
}

// TerminationMessage is Kubernetes' terminationMessagePath and terminationMessagePolicy.
type TerminationMessage struct {
	// Path is "" for the default of Kubernetes, /dev/termination-log.
	Path string
	// FallbackToLogs takes the end of the output of a failed attempt whose file is empty.
	FallbackToLogs bool
}

// Origin returns the origin of a field in Origins, or the zero Origin.
func (c Container) Origin(field string) Origin {
	for _, p := range c.Origins {
		if p.Name == field {
			return p.Origin
		}
	}
	return Origin{}
}

// Secrets are the secret values that the container gets, each once, in the order of their first use.
func (c Container) Secrets() []Secret {
	var all []Secret
	seen := map[Secret]bool{}
	add := func(t Text) {
		for _, s := range t.Secrets() {
			if !seen[s] {
				seen[s] = true
				all = append(all, s)
			}
		}
	}
	for _, t := range c.Command {
		add(t)
	}
	for _, t := range c.Args {
		add(t)
	}
	for _, e := range c.Env {
		add(e.Value)
	}
	return all
}
