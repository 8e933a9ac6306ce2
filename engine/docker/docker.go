// Package docker runs containers on a Docker engine, or on one that implements its API.
//
// Its input is a plan.Container; its output are events and an engine.Exit. Everything goes through the API, files as a tar
// stream and output as the attached stream, so remote engines and engines in a virtual machine work as local ones do. The
// package is independent of Keptn. It reads no environment except in FromEnv, never writes to a stream of the process, and
// starts no program except the credential helpers that the user's Docker configuration names, and ssh for a host with ssh://.
package docker

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/docker/docker/client"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/docker/endpoint"
)

// Options select an engine, as the flags and variables of the docker command do, and set how it is used.
type Options struct {
	// Host and Context are named for this run. Host takes precedence.
	Host    string
	Context string
	// DefaultHost and DefaultContext are DOCKER_HOST and DOCKER_CONTEXT. If none of the four is set, the current context of
	// the configuration is used, then the platform's default socket.
	DefaultHost    string
	DefaultContext string
	// Usual are the sockets that are tried in their order if neither these nor the current context name an engine. If empty, the
	// platform's default socket is used without a try.
	Usual []Socket
	// ConfigDir is the directory of Docker's configuration (DOCKER_CONFIG, else ~/.docker), or "" for none.
	ConfigDir string
	// AuthConfig is DOCKER_AUTH_CONFIG: credentials for registries in the form of config.json, which are tried before those of
	// ConfigDir.
	AuthConfig string
	// APIVersion is DOCKER_API_VERSION. If empty, the version is negotiated with the engine.
	APIVersion string
	// TLS and TLSVerify report whether DOCKER_TLS and DOCKER_TLS_VERIFY are set; CertPath is DOCKER_CERT_PATH. They apply to
	// a host; a context has its own.
	TLS       bool
	TLSVerify bool
	CertPath  string
	// UserAgent identifies the caller and its version to the engine.
	UserAgent string
	// Keep selects the containers that stay on the engine; zero is KeepNever.
	Keep Keep
	// Labels are added to each container and volume, besides ktask's own, for example for a tool that removes what has them.
	Labels map[string]string
	// ExtraHosts are names that containers resolve, each as NAME:ADDRESS, where the address host-gateway is the engine's
	// machine (Docker 20.10 or later). They apply unless the container has the network none, host or that of another container.
	ExtraHosts []string
	// AnswerWithin limits the time of each request that the engine answers from its own state. Zero means a minute.
	AnswerWithin time.Duration
	// Pool has containers that another process has prepared. It may be nil.
	Pool Pool
	// Notice is called with what a request waits for if the engine does not answer, and with the sockets of Usual that exist and
	// are not used. It may be nil.
	Notice func(text string)
}

// Keep selects the attempts whose containers stay on the engine.
type Keep string

// The values of Keep.
const (
	KeepNever  Keep = "never"
	KeepFailed Keep = "failed"
	KeepAlways Keep = "always"
)

// Engine is a Docker engine. It is safe for concurrent use.
type Engine struct {
	client *client.Client
	// heard is from the last answer; it is nil before the first.
	heard           atomic.Pointer[heard]
	endpoint        endpoint.Endpoint
	stores          endpoint.Stores
	keep            Keep
	answerWithin    time.Duration
	reconnectWithin time.Duration
	stalledAfter    time.Duration
	userAgent       string
	labels          map[string]string
	extraHosts      []string
	notice          func(text string)
	silence         silence
	tried           []Tried
	slow            bool // it was chosen although it had not answered

	images   imageStore
	projects projects
	switches killSwitches
	keepers  keepers
	readied  readied
	pool     Pool
	used     usedNeeds
	// logDriver is the first driver that the engine has not refused.
	logDriver atomic.Int32
	// messages is how the engine takes termination messages.
	messages atomic.Int32
	// capacity is what the engine's machine has, set by the first container that needs it.
	capacity struct {
		sync.Mutex
		machine
	}
	// negotiation guards the version of the API; see negotiate.
	negotiation struct {
		sync.Mutex
		over bool
	}
	// versionSet is true if the user has set the version of the API.
	versionSet bool
}

var (
	_ engine.Engine       = (*Engine)(nil)
	_ engine.Describer    = (*Engine)(nil)
	_ engine.Checker      = (*Engine)(nil)
	_ engine.Killer       = (*Engine)(nil)
	_ engine.VolumeKeeper = (*Engine)(nil)
	_ engine.Cleaner      = (*Engine)(nil)
	_ engine.Readier      = (*Engine)(nil)

	_ engine.TerminalRunner = (*Engine)(nil)
	_ engine.ImageFinder    = (*Engine)(nil)
	_ engine.ImageBuilder   = (*Engine)(nil)
	_ engine.ImageArchiver  = (*Engine)(nil)
)

// New returns an engine. It reads Docker's configuration. It connects only if nothing names an engine and there are usual sockets
// to try, so a host that is named need not be reachable. The error is an *engine.Error. The caller must close the engine.
func New(o Options) (*Engine, error) {
	if err := checkVersion(o.APIVersion); err != nil {
		return nil, err
	}
	if err := checkLabels(o.Labels); err != nil {
		return nil, err
	}
	at, err := endpoint.Resolve(endpoint.Options{
		Host: o.Host, Context: o.Context, DefaultHost: o.DefaultHost, DefaultContext: o.DefaultContext, ConfigDir: o.ConfigDir,
		TLS: o.TLS, TLSVerify: o.TLSVerify, CertPath: o.CertPath,
	})
	switch {
	case err != nil:
		return nil, unusable(err)
	case at.By == endpoint.ByNothing && len(o.Usual) > 0:
		return discover(o)
	}
	e, err := newEngine(at, o)
	if err == nil {
		e.tried = []Tried{{Socket: Socket{Host: at.Host, Of: string(at.By)}}}
	}
	return e, err
}

// newEngine returns the engine at an endpoint. It does not connect.
func newEngine(at endpoint.Endpoint, o Options) (*Engine, error) {
	e := &Engine{
		endpoint: at, stores: endpoint.Stores{Variable: o.AuthConfig, ConfigDir: o.ConfigDir}, keep: o.Keep,
		answerWithin: o.AnswerWithin, stalledAfter: stalledAfter, versionSet: o.APIVersion != "", userAgent: o.UserAgent,
		notice: o.Notice, pool: o.Pool, labels: o.Labels, extraHosts: o.ExtraHosts,
	}
	c, err := connect(at, o, &e.heard)
	if err != nil {
		return nil, unusable(fmt.Errorf("use the Docker host %q: %w", at.Host, err))
	}
	e.client = c
	if e.answerWithin == 0 {
		e.answerWithin = time.Minute
	}
	e.reconnectWithin = min(reconnectWithin, e.answerWithin)
	return e, nil
}

// Close closes the idle connections: up to six, each with two goroutines, which would otherwise stay until they have been
// idle for 30 seconds. Call it when all calls of the engine have returned. A later call connects again.
func (e *Engine) Close() error { return e.client.Close() }

// machine describes the engine's machine.
type machine struct {
	memoryBytes int64
	cpus        int
}

// machine returns what the engine's machine has. Only a success is cached.
func (e *Engine) machine(ctx context.Context) (machine, error) {
	e.capacity.Lock()
	defer e.capacity.Unlock()
	if e.capacity.memoryBytes > 0 {
		return e.capacity.machine, nil
	}
	err := e.do(ctx, "ask the engine for its memory and processors", repeatedly, func(ctx context.Context) error {
		info, err := e.client.Info(ctx)
		e.capacity.machine = machine{info.MemTotal, info.NCPU}
		return err
	})
	return e.capacity.machine, err
}
