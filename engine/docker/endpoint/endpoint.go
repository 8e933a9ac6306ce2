// Package endpoint finds a Docker engine as the docker command does.
//
// Its input are the flags, variables and files in which a user names an engine and its credentials; its output are a host,
// its TLS files, and the credentials for a registry. It reads only Docker's configuration and does not connect. It starts no
// program except a credential helper that the configuration names.
package endpoint

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/docker/docker/client"
	"github.com/docker/go-connections/tlsconfig"
)

// Options are the settings by which a user names an engine.
type Options struct {
	// Host and Context are named for this run. Host takes precedence.
	Host    string
	Context string
	// DefaultHost and DefaultContext are DOCKER_HOST and DOCKER_CONTEXT. If none of the four is set, the current context of
	// the configuration is used, then the platform's default socket.
	DefaultHost    string
	DefaultContext string
	// ConfigDir is the directory of Docker's configuration (DOCKER_CONFIG, else ~/.docker), or "" for none.
	ConfigDir string
	// TLS and TLSVerify report whether DOCKER_TLS and DOCKER_TLS_VERIFY are set, CertPath is DOCKER_CERT_PATH. They
	// apply to a host; a context has its own.
	TLS       bool
	TLSVerify bool
	CertPath  string
}

// Endpoint is where an engine listens.
type Endpoint struct {
	// Host is a URL with the scheme unix, npipe, tcp, http, https or ssh.
	Host string
	// TLS is nil if the connection is plain.
	TLS *tlsconfig.Options
	// By is what names the engine.
	By By
	// Context is the context that the endpoint is from, or "".
	Context string
}

// By is what names an engine.
type By string

// The values of By, in their order: the first one that is set counts. ByNothing means that Host is the platform's default.
const (
	ByHost           By = "Host"
	ByContext        By = "Context"
	ByDefaultHost    By = "DOCKER_HOST"
	ByDefaultContext By = "DOCKER_CONTEXT"
	ByCurrentContext By = "the current context"
	ByNothing        By = ""
)

// defaultContext is Docker's name for the host that its variables name.
const defaultContext = "default"

// Resolve returns the endpoint that the docker command would use. The first of these that is set counts: Host, Context,
// DefaultHost, DefaultContext, the configuration's current context, the default socket. See
// https://docs.docker.com/engine/manage-resources/contexts/. The error is an *Error.
func Resolve(o Options) (Endpoint, error) {
	by, name, err := o.named()
	if err != nil {
		return Endpoint{}, err
	}
	host := client.DefaultDockerHost
	switch {
	case by == ByHost:
		host = o.Host
	case name != "" && name != defaultContext:
		at, err := contextEndpoint(o.ConfigDir, name)
		at.By, at.Context = by, name
		return at, err
	case o.DefaultHost != "":
		host = o.DefaultHost
	}
	at, err := hostEndpoint(o, host)
	at.By = by
	return at, err
}

// named returns what names the engine, and the context if it is one.
func (o Options) named() (by By, context string, err error) {
	switch {
	case o.Host != "":
		return ByHost, "", nil
	case o.Context != "":
		return ByContext, o.Context, nil
	case o.DefaultHost != "":
		return ByDefaultHost, "", nil
	case o.DefaultContext != "":
		return ByDefaultContext, o.DefaultContext, nil
	}
	context, err = currentContext(o.ConfigDir)
	if context == "" || context == defaultContext {
		return ByNothing, "", err
	}
	return ByCurrentContext, context, err
}

// hostEndpoint returns the endpoint of a host that a flag or DOCKER_HOST names, with the TLS settings of the variables, which
// are for TCP alone.
func hostEndpoint(o Options, host string) (Endpoint, error) {
	host, err := normalHost(host)
	if err != nil {
		return Endpoint{}, err
	}
	at := Endpoint{Host: withPort(host, o.TLS || o.TLSVerify)}
	if (o.TLS || o.TLSVerify) && strings.HasPrefix(host, "tcp://") {
		at.TLS, err = o.hostTLS()
	}
	return at, err
}

// contextMeta is the part of a context's meta.json that describes the engine.
type contextMeta struct {
	Endpoints map[string]struct {
		Host          string
		SkipTLSVerify bool
	}
}

// contextEndpoint reads a context from Docker's context store.
func contextEndpoint(configDir, name string) (Endpoint, error) {
	id := fmt.Sprintf("%x", sha256.Sum256([]byte(name)))
	var meta contextMeta
	err := readJSON(filepath.Join(configDir, "contexts", "meta", id, "meta.json"), &meta)
	if errors.Is(err, fs.ErrNotExist) {
		return Endpoint{}, failure("`docker context ls` lists those that there are", "there is no Docker context %q in %q", name, configDir)
	}
	const remedy = "create the context again with `docker context create`, or name the engine with DOCKER_HOST"
	if err != nil {
		return Endpoint{}, failure(remedy, "read the Docker context %q: %w", name, err)
	}
	found, ok := meta.Endpoints["docker"]
	if !ok || found.Host == "" {
		return Endpoint{}, failure(remedy, "the Docker context %q names no Docker endpoint", name)
	}
	host, err := normalHost(found.Host)
	if err != nil {
		return Endpoint{}, fmt.Errorf("the Docker context %q: %w", name, err)
	}
	at := Endpoint{Host: host}
	dir := filepath.Join(configDir, "contexts", "tls", id, "docker")
	if files := tlsFiles(dir, found.SkipTLSVerify); files.CAFile+files.CertFile+files.KeyFile != "" || found.SkipTLSVerify {
		at.TLS, err = files, pair(files, dir)
	}
	return at, err
}
