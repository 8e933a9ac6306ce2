// Package docker runs containers on a Docker engine, or on one that speaks its API.
//
// In comes a plan.Container, out go events and an engine.Exit. Everything travels through the API: files as a
// tar stream, output as the attached stream, so a remote engine and one in a virtual machine do as well as a
// local one. This package knows nothing about Keptn, reads no environment, never writes to a stream of the
// process and starts no other program, but for the credential helpers that the user's Docker configuration names.
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

// Options say which engine to use, as the docker command's flags and variables do, and how.
type Options struct {
	// Host and Context are what the user names for this run; Host wins.
	Host    string
	Context string
	// DefaultHost and DefaultContext are DOCKER_HOST and DOCKER_CONTEXT. Without any of the four the current
	// context of the configuration holds, then the platform's default socket.
	DefaultHost    string
	DefaultContext string
	// ConfigDir is the directory of Docker's configuration (DOCKER_CONFIG, else ~/.docker), or "" for none.
	ConfigDir string
	// APIVersion is DOCKER_API_VERSION; "" asks the engine.
	APIVersion string
	// TLS and TLSVerify say that DOCKER_TLS and DOCKER_TLS_VERIFY are set, CertPath is DOCKER_CERT_PATH. They
	// hold for a host; a context has its own.
	TLS       bool
	TLSVerify bool
	CertPath  string
	// UserAgent names ktask and its version to the engine.
	UserAgent string
	// Keep says which containers stay on the engine; zero is KeepNever.
	Keep Keep
	// AnswerWithin bounds each request that the engine answers from its own state; zero is a minute.
	AnswerWithin time.Duration
	// Notice is told what a call waits for, if the engine does not answer; nil hears nothing.
	Notice func(text string)
}

// Keep says which attempts leave their container behind for a look at it.
type Keep string

// The values of Keep.
const (
	KeepNever  Keep = "never"
	KeepFailed Keep = "failed"
	KeepAlways Keep = "always"
)

// Engine is a Docker engine. It is safe for concurrent use.
type Engine struct {
	client          *client.Client
	endpoint        endpoint.Endpoint
	configDir       string
	keep            Keep
	answerWithin    time.Duration
	reconnectWithin time.Duration
	userAgent       string
	notice          func(text string)
	silence         silence

	images   imageStore
	switches killSwitches
	keepers  keepers
	// logDriver is the one that the engine has not refused.
	logDriver atomic.Int32
	// capacity is the engine's, asked for by the first container that needs it.
	capacity struct {
		sync.Mutex
		machine
	}
	// negotiation is about the version of the API; see negotiate.
	negotiation struct {
		sync.Mutex
		over bool
	}
}

var (
	_ engine.Engine       = (*Engine)(nil)
	_ engine.Describer    = (*Engine)(nil)
	_ engine.Killer       = (*Engine)(nil)
	_ engine.VolumeKeeper = (*Engine)(nil)
	_ engine.Cleaner      = (*Engine)(nil)
)

// New makes an engine. It reads Docker's configuration, and does not connect: what Host names need not be there.
// The error is an *engine.Error. Whoever makes an engine closes it, see Close.
func New(o Options) (*Engine, error) {
	at, err := endpoint.Resolve(endpoint.Options{
		Host: o.Host, Context: o.Context, DefaultHost: o.DefaultHost, DefaultContext: o.DefaultContext, ConfigDir: o.ConfigDir,
		TLS: o.TLS, TLSVerify: o.TLSVerify, CertPath: o.CertPath,
	})
	if err != nil {
		return nil, unusable(err)
	}
	c, err := connect(at, o)
	if err != nil {
		return nil, unusable(fmt.Errorf("use the Docker host %q: %w", at.Host, err))
	}
	e := &Engine{
		client: c, endpoint: at, configDir: o.ConfigDir, keep: o.Keep, answerWithin: o.AnswerWithin,
		userAgent: o.UserAgent, notice: o.Notice,
	}
	e.negotiation.over = o.APIVersion != "" // the user has decided
	if e.answerWithin == 0 {
		e.answerWithin = time.Minute
	}
	e.reconnectWithin = min(reconnectWithin, e.answerWithin)
	e.images.pull = e.pull
	return e, nil
}

// Close closes the connections that no request uses: up to six, each with two goroutines, which stay otherwise until they
// have been idle for 30 seconds. It is called when all calls of the engine have returned. A later one connects again.
func (e *Engine) Close() error { return e.client.Close() }

// machine is what the engine's machine has.
type machine struct {
	memoryBytes int64
	cpus        int
}

// machine asks for what the engine's machine has. Only a success is remembered.
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
