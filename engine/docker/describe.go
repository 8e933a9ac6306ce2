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

// Describe returns the name and version of the engine. It reads them from the header of an answer: the version request makes
// Docker run all its helpers, which takes longer than creating a container.
func (e *Engine) Describe(ctx context.Context) (engine.Info, error) {
	info := engine.Info{Name: "docker", Host: e.endpoint.Host}
	err := e.do(ctx, "ask the engine for its version", once, func(ctx context.Context) (err error) {
		if name, version, ok := engineOf(e.ping(ctx).Get("Server")); ok {
			info.Name, info.Version = name, version
			return nil
		}
		version, err := e.client.ServerVersion(ctx)
		info.Version = version.Version
		return err
	})
	return info, err
}

// engineOf parses "Docker/28.5.2 (linux)" or "Libpod/4.3.1 (linux)".
func engineOf(header string) (name, version string, ok bool) {
	product, _, _ := strings.Cut(header, " ")
	product, version, _ = strings.Cut(product, "/")
	name, ok = map[string]string{"Docker": "docker", "Libpod": "podman"}[product]
	return name, version, ok && version != ""
}

// clock returns the engine's time, or the zero time if it is not known.
func (e *Engine) clock(ctx context.Context) time.Time {
	now, err := http.ParseTime(e.ping(ctx).Get("Date"))
	if err != nil {
		return time.Time{}
	}
	return now
}

// ping returns the header of an answer of the engine, nil if there is none.
func (e *Engine) ping(ctx context.Context) http.Header {
	answer, err := e.fetch(ctx, http.MethodHead, "/_ping")
	if err != nil {
		return nil
	}
	defer func() { _ = answer.Body.Close() }()
	return answer.Header
}

// rootlessPodman reports whether the engine answers that it is rootless as podman does: in a field that the client does not have.
func (e *Engine) rootlessPodman(ctx context.Context) (bool, error) {
	answer, err := e.fetch(ctx, http.MethodGet, "/info")
	if err != nil {
		return false, err
	}
	defer func() { _ = answer.Body.Close() }()
	var info struct{ Rootless bool }
	err = json.NewDecoder(answer.Body).Decode(&info)
	return info.Rootless, err
}

// fetch makes a request without a body that the client cannot make.
func (e *Engine) fetch(ctx context.Context, method, path string) (*http.Response, error) {
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
	request, err := http.NewRequestWithContext(ctx, method, to.String(), nil)
	if err != nil {
		return nil, err
	}
	return e.client.HTTPClient().Do(request)
}
