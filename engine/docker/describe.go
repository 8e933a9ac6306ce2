package docker

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"github.com/ktask/ktask/engine"
)

// Describe asks the engine for its version. Docker says it in the header of each answer; asked for it outright, it runs
// all its helpers to ask for theirs, which takes it longer than the creation of a container.
func (e *Engine) Describe(ctx context.Context) (engine.Info, error) {
	info := engine.Info{Name: "docker", Host: e.endpoint.host}
	err := e.call(ctx, "ask the engine for its version", func(ctx context.Context) (err error) {
		if info.Version = e.versionOfHeader(ctx); info.Version != "" {
			return nil
		}
		version, err := e.client.ServerVersion(ctx)
		info.Version = version.Version
		return err
	})
	return info, err
}

// versionOfHeader reads "Server: Docker/28.5.2 (linux)", and gives "" where an engine sends no such thing.
func (e *Engine) versionOfHeader(ctx context.Context) string {
	at, err := url.Parse(e.endpoint.host)
	if err != nil {
		return ""
	}
	ping := url.URL{Scheme: "http", Host: at.Host, Path: "/_ping"}
	if e.endpoint.tls != nil || at.Scheme == "https" {
		ping.Scheme = "https"
	}
	if ping.Host == "" { // a socket, to which the client's transport connects whatever the name
		ping.Host = "docker"
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodHead, ping.String(), nil)
	if err != nil {
		return ""
	}
	answer, err := e.client.HTTPClient().Do(request)
	if err != nil {
		return ""
	}
	defer func() { _ = answer.Body.Close() }()
	version, ok := strings.CutPrefix(answer.Header.Get("Server"), "Docker/")
	if !ok {
		return ""
	}
	version, _, _ = strings.Cut(version, " ")
	return version
}
