package docker

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/docker/docker/client"

	"github.com/ktask/ktask/engine"
)

// Describe returns the name and version of the engine. It takes them from the header of any answer: the version request makes
// Docker run all its helpers, which takes longer than creating a container.
func (e *Engine) Describe(ctx context.Context) (engine.Info, error) {
	info := engine.Info{Name: "docker", Host: e.endpoint.Host}
	err := e.do(ctx, "ask the engine for its version", once, func(ctx context.Context) (err error) {
		if name, version, ok := engineOf(e.said().server); ok {
			info.Name, info.Version = name, version
			return nil
		}
		version, err := e.client.ServerVersion(ctx)
		info.Version = version.Version
		return err
	})
	return info, err
}

// said returns what the engine has said of itself in its last answer.
func (e *Engine) said() heard {
	if h := e.heard.Load(); h != nil {
		return *h
	}
	return heard{}
}

// isPodman reports whether podman has answered.
func (e *Engine) isPodman() bool {
	name, _, _ := engineOf(e.said().server)
	return name == "podman"
}

// engineOf parses "Docker/28.5.2 (linux)" or "Libpod/4.3.1 (linux)".
func engineOf(header string) (name, version string, ok bool) {
	product, _, _ := strings.Cut(header, " ")
	product, version, _ = strings.Cut(product, "/")
	name, ok = map[string]string{"Docker": "docker", "Libpod": "podman"}[product]
	return name, version, ok && version != ""
}

// clock returns the time of the engine at its last answer, or the zero time if it is not known.
func (e *Engine) clock() time.Time {
	now, err := http.ParseTime(e.said().date)
	if err != nil {
		return time.Time{}
	}
	return now
}

// rootlessPodman reports whether the engine answers that it is rootless as podman does: in a field that the client does not have.
func (e *Engine) rootlessPodman(ctx context.Context) (bool, error) {
	answer, err := e.get(ctx, "/info")
	if err != nil {
		return false, err
	}
	defer func() { _ = answer.Body.Close() }()
	var info struct{ Rootless bool }
	err = json.NewDecoder(answer.Body).Decode(&info)
	return info.Rootless, err
}

// get makes a request whose answer the client does not have in full.
func (e *Engine) get(ctx context.Context, path string) (*http.Response, error) {
	at, err := url.Parse(e.endpoint.Host)
	if err != nil {
		return nil, err
	}
	to := url.URL{Scheme: "http", Host: at.Host, Path: path}
	if e.endpoint.TLS != nil || at.Scheme == "https" {
		to.Scheme = "https"
	}
	if to.Host == "" || at.Scheme == "ssh" { // the client's transport ignores the name
		to.Host = client.DummyHost
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, to.String(), http.NoBody)
	if err != nil {
		return nil, err
	}
	return e.client.HTTPClient().Do(request)
}
