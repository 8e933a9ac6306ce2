package local

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"strings"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/docker"
	"github.com/ktask/ktask/engine/kubernetes"
	"github.com/ktask/ktask/resolve"
)

// EngineOptions select an engine, and say what it keeps. The zero value is Docker at its default socket.
type EngineOptions struct {
	// Name is the kind of engine: "docker", or "", which means the same, or "kubernetes".
	Name string
	docker.Options
	// Cluster is for the kind "kubernetes"; docker.Options mean nothing to it.
	Cluster kubernetes.Options
}

// ClusterFacts are what a cluster reports about itself and about the user's rights.
type ClusterFacts = kubernetes.Facts

// Keep selects the attempts whose containers stay on the engine: "never", "failed" or "always".
type Keep = docker.Keep

// NewEngine returns the engine that the options select. The caller closes it with CloseEngine.
func NewEngine(o EngineOptions) (engine.Engine, error) {
	switch o.Name {
	case "", "docker":
		return docker.New(o.Options)
	case "kubernetes":
		o.Cluster.UserAgent = o.UserAgent
		return kubernetes.New(o.Cluster)
	}
	return nil, fmt.Errorf("unknown engine %q (it is docker or kubernetes)", o.Name)
}

// CloseEngine closes an engine that can be closed. A failure loses nothing and is ignored.
func CloseEngine(e engine.Engine) {
	if c, ok := e.(io.Closer); ok {
		_ = c.Close()
	}
}

// Tried returns where an engine was looked for, the one that is used last. It is empty for an engine of another package.
func Tried(e engine.Engine) []docker.Tried {
	if finder, ok := e.(interface{ Tried() []docker.Tried }); ok {
		return finder.Tried()
	}
	return nil
}

// Contexts returns the names of the Docker contexts that the options can name.
func (o EngineOptions) Contexts() []string { return docker.Contexts(o.ConfigDir) }

// Facts returns what the Docker engine that the options select reports about itself.
func (o EngineOptions) Facts(ctx context.Context) (docker.Facts, error) {
	e, err := docker.New(o.Options)
	if err != nil {
		return docker.Facts{}, err
	}
	defer CloseEngine(e)
	return e.Facts(ctx)
}

// Node returns the engine's host, which stands for the node that a pod would run on. If the engine is a cluster, the host is empty and
// onCluster is true.
func (o EngineOptions) Node() (host resolve.Node, onCluster bool) {
	if o.Name == "kubernetes" {
		return resolve.Node{}, true
	}
	if u, err := url.Parse(cmp.Or(o.Host, o.DefaultHost)); err == nil && u.Hostname() != "" && u.Scheme != "unix" {
		n := resolve.Node{Name: u.Hostname(), IP: u.Hostname()}
		if net.ParseIP(n.IP) == nil {
			n.IP = "127.0.0.1"
		}
		return n, false
	}
	name, err := os.Hostname()
	if err != nil {
		name = "localhost"
	}
	return resolve.Node{Name: strings.ToLower(name), IP: "127.0.0.1"}, false
}
