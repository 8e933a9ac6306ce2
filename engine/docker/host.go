package docker

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/docker/docker/client"
	"github.com/docker/go-connections/tlsconfig"
)

// endpoint is where an engine listens and how to get through to it.
type endpoint struct {
	host string
	// tls is nil where the connection is plain.
	tls *tlsconfig.Options
}

// defaultContext is the name by which Docker calls the host that its variables name.
const defaultContext = "default"

// resolve finds the endpoint as the docker command does: a named host, a named context, DOCKER_HOST,
// DOCKER_CONTEXT, the configuration's current context, the default socket.
// See https://docs.docker.com/engine/manage-resources/contexts/.
func resolve(o Options) (endpoint, error) {
	if o.Host != "" {
		return hostEndpoint(o, o.Host)
	}
	name := o.Context
	if name == "" && o.DefaultHost == "" {
		name = o.DefaultContext
		if name == "" {
			config, err := readConfig(o.ConfigDir)
			if err != nil {
				return endpoint{}, err
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

// hostEndpoint is a host that a flag or DOCKER_HOST names, with the TLS settings of the variables.
func hostEndpoint(o Options, host string) (endpoint, error) {
	switch {
	case strings.Contains(host, "://"):
	case strings.HasPrefix(host, "/"):
		host = "unix://" + host
	default:
		host = "tcp://" + host
	}
	at := endpoint{host: withPort(host, o.TLS || o.TLSVerify)}
	if (o.TLS || o.TLSVerify) && strings.HasPrefix(host, "tcp://") {
		dir := o.CertPath
		if dir == "" {
			dir = o.ConfigDir
		}
		at.tls = tlsFiles(dir, !o.TLSVerify)
	}
	return at, at.supported()
}

// withPort gives a TCP host without a port Docker's own, as the docker command does.
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

// contextMeta is the part of a context's meta.json that says where the engine is.
type contextMeta struct {
	Name      string
	Endpoints map[string]struct {
		Host          string
		SkipTLSVerify bool
	}
}

// contextEndpoint reads a context from Docker's store of them.
func contextEndpoint(configDir, name string) (endpoint, error) {
	id := fmt.Sprintf("%x", sha256.Sum256([]byte(name)))
	content, err := readRegular(filepath.Join(configDir, "contexts", "meta", id, "meta.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return endpoint{}, fmt.Errorf("there is no Docker context %q in %q: `docker context ls` names those that there are", name, configDir)
	}
	if err != nil {
		return endpoint{}, fmt.Errorf("read the Docker context %q: %w", name, err)
	}
	var meta contextMeta
	if err := json.Unmarshal(content, &meta); err != nil {
		return endpoint{}, fmt.Errorf("read the Docker context %q: %w", name, err)
	}
	found, ok := meta.Endpoints["docker"]
	if !ok || found.Host == "" {
		return endpoint{}, fmt.Errorf("the Docker context %q names no Docker endpoint", name)
	}
	at := endpoint{host: found.Host}
	dir := filepath.Join(configDir, "contexts", "tls", id, "docker")
	if files := tlsFiles(dir, found.SkipTLSVerify); files.CAFile+files.CertFile != "" || found.SkipTLSVerify {
		at.tls = files
	}
	return at, at.supported()
}

// tlsFiles names those of Docker's three TLS files that are in dir.
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

// supported refuses what this client cannot speak.
func (at endpoint) supported() error {
	scheme, _, _ := strings.Cut(at.host, "://")
	switch scheme {
	case "unix", "npipe", "tcp", "http", "https":
		return nil
	case "ssh":
		return fmt.Errorf("the Docker host %q is reached by ssh, which ktask does not speak: forward its socket with "+
			"`ssh -nNT -L /tmp/docker.sock:/var/run/docker.sock %s` and use --host unix:///tmp/docker.sock",
			at.host, strings.TrimPrefix(at.host, "ssh://"))
	}
	return fmt.Errorf("the Docker host %q is not one of unix://, npipe://, tcp://, http:// or https://", at.host)
}

// connect makes a client, which connects with its first request; see Engine.negotiate for the version of the API.
func (at endpoint) connect(o Options) (*client.Client, error) {
	transport := &http.Transport{MaxIdleConns: idleConnections, IdleConnTimeout: idleFor}
	if at.tls != nil {
		config, err := tlsconfig.Client(*at.tls)
		if err != nil {
			return nil, err
		}
		transport.TLSClientConfig = config
	}
	requests := &http.Client{Transport: transport, CheckRedirect: client.CheckRedirect}
	options := []client.Opt{client.WithHTTPClient(requests), client.WithHost(at.host), client.WithUserAgent(o.UserAgent)}
	if o.APIVersion != "" {
		options = append(options, client.WithVersion(o.APIVersion))
	}
	c, err := client.NewClientWithOpts(options...)
	if err != nil {
		return nil, err
	}
	requests.Transport = answers{transport, at.host} // the client keeps the transport itself, for its settings and to close it
	return c, nil
}

// idleConnections are enough for the requests between which an attempt waits for nothing.
const idleConnections = 6

// idleFor is how long a connection is kept for the next request.
const idleFor = 30 * time.Second
