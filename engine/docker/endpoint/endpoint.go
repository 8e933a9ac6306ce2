// Package endpoint finds a Docker engine as the docker command does.
//
// Its input are the flags, variables and files in which a user names an engine and its credentials; its output are a host,
// its TLS files, and the credentials for a registry. It reads only Docker's configuration and does not connect. It starts no
// program except a credential helper that the configuration names.
package endpoint

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
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
	// Host is a URL with the scheme unix, npipe, tcp, http or https.
	Host string
	// TLS is nil if the connection is plain.
	TLS *tlsconfig.Options
}

// defaultContext is Docker's name for the host that its variables name.
const defaultContext = "default"

// Resolve returns the endpoint that the docker command would use. The first of these that is set counts: Host, Context,
// DefaultHost, DefaultContext, the configuration's current context, the default socket. See
// https://docs.docker.com/engine/manage-resources/contexts/.
func Resolve(o Options) (Endpoint, error) {
	if o.Host != "" {
		return hostEndpoint(o, o.Host)
	}
	name := o.Context
	if name == "" && o.DefaultHost == "" {
		name = o.DefaultContext
		if name == "" {
			config, err := readConfig(o.ConfigDir)
			if err != nil {
				return Endpoint{}, err
			}
			name = config.CurrentContext
		}
	}
	if name != "" && name != defaultContext {
		return contextEndpoint(o.ConfigDir, name)
	}
	if o.DefaultHost != "" {
		return hostEndpoint(o, o.DefaultHost)
	}
	return hostEndpoint(o, client.DefaultDockerHost)
}

// hostEndpoint returns the endpoint of a host that a flag or DOCKER_HOST names, with the TLS settings of the variables.
func hostEndpoint(o Options, host string) (Endpoint, error) {
	switch {
	case strings.Contains(host, "://"):
	case strings.HasPrefix(host, "/"):
		host = "unix://" + host
	default:
		host = "tcp://" + host
	}
	at := Endpoint{Host: withPort(host, o.TLS || o.TLSVerify)}
	if (o.TLS || o.TLSVerify) && strings.HasPrefix(host, "tcp://") {
		dir := o.CertPath
		if dir == "" {
			dir = o.ConfigDir
		}
		at.TLS = tlsFiles(dir, !o.TLSVerify)
	}
	return at, at.supported()
}

// withPort adds Docker's port to a TCP host without a port, as the docker command does.
func withPort(host string, tls bool) string {
	u, err := url.Parse(host)
	if err != nil || u.Scheme != "tcp" || u.Port() != "" || u.Host == "" {
		return host
	}
	u.Host += ":2375"
	if tls {
		u.Host = strings.TrimSuffix(u.Host, "2375") + "2376"
	}
	return u.String()
}

// contextMeta is the part of a context's meta.json that describes the engine.
type contextMeta struct {
	Name      string
	Endpoints map[string]struct {
		Host          string
		SkipTLSVerify bool
	}
}

// contextEndpoint reads a context from Docker's context store.
func contextEndpoint(configDir, name string) (Endpoint, error) {
	id := fmt.Sprintf("%x", sha256.Sum256([]byte(name)))
	content, err := readRegular(filepath.Join(configDir, "contexts", "meta", id, "meta.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return Endpoint{}, fmt.Errorf("there is no Docker context %q in %q: `docker context ls` names those that there are", name, configDir)
	}
	if err != nil {
		return Endpoint{}, fmt.Errorf("read the Docker context %q: %w", name, err)
	}
	var meta contextMeta
	if err := json.Unmarshal(content, &meta); err != nil {
		return Endpoint{}, fmt.Errorf("read the Docker context %q: %w", name, err)
	}
	found, ok := meta.Endpoints["docker"]
	if !ok || found.Host == "" {
		return Endpoint{}, fmt.Errorf("the Docker context %q names no Docker endpoint", name)
	}
	at := Endpoint{Host: found.Host}
	dir := filepath.Join(configDir, "contexts", "tls", id, "docker")
	if files := tlsFiles(dir, found.SkipTLSVerify); files.CAFile+files.CertFile != "" || found.SkipTLSVerify {
		at.TLS = files
	}
	return at, at.supported()
}

// tlsFiles returns the paths of those of Docker's three TLS files that are in dir.
func tlsFiles(dir string, skipVerify bool) *tlsconfig.Options {
	existing := func(name string) string {
		path := filepath.Join(dir, name)
		if _, err := os.Stat(path); err != nil {
			return ""
		}
		return path
	}
	return &tlsconfig.Options{
		CAFile: existing("ca.pem"), CertFile: existing("cert.pem"), KeyFile: existing("key.pem"),
		InsecureSkipVerify: skipVerify,
	}
}

// supported returns an error if the client does not support the host's scheme.
func (at Endpoint) supported() error {
	scheme, _, _ := strings.Cut(at.Host, "://")
	switch scheme {
	case "unix", "npipe", "tcp", "http", "https":
		return nil
	case "ssh":
		return fmt.Errorf("the Docker host %q is reached by ssh, which ktask does not speak: forward its socket with "+
			"`ssh -nNT -L /tmp/docker.sock:/var/run/docker.sock %s` and use the host unix:///tmp/docker.sock",
			at.Host, strings.TrimPrefix(at.Host, "ssh://"))
	}
	return fmt.Errorf("the Docker host %q is not one of unix://, npipe://, tcp://, http:// or https://", at.Host)
}
