package e2e

import (
	"bytes"
	"context"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// proxy stands between ktask and the engine. It forwards each request, whether or not ktask still lives then, and lets
// a test step in before it and before its answer.
type proxy struct {
	host           string
	before, behind func(*http.Request)
}

// engineAddress is where the engine listens.
func engineAddress() (network, address string) {
	host := os.Getenv("DOCKER_HOST")
	if host == "" {
		host = "unix:///var/run/docker.sock"
	}
	network, address, _ = strings.Cut(host, "://")
	return network, address
}

// listen starts the proxy; its hooks are set before. It is named by host.
func (p *proxy) listen(t *testing.T) {
	t.Helper()
	dir, err := os.MkdirTemp("", "ktask") // t.TempDir is too long for the name of a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	socket := filepath.Join(dir, "engine.sock")
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	network, address := engineAddress()
	reverse := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) { r.Out.URL.Scheme, r.Out.URL.Host = "http", "engine" },
		Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, address)
		}},
		FlushInterval: -1,
		ModifyResponse: func(r *http.Response) error {
			if p.behind != nil {
				p.behind(r.Request)
			}
			return nil
		},
		ErrorLog:     log.New(io.Discard, "", 0), // clients that are killed are the point
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) },
	}
	server := &http.Server{ErrorLog: reverse.ErrorLog, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		lasts := strings.HasSuffix(r.URL.Path, "/create") || strings.HasSuffix(r.URL.Path, "/start")
		if lasts { // it has arrived when all of it has
			if body, err := io.ReadAll(r.Body); err == nil {
				r.Body = io.NopCloser(bytes.NewReader(body))
			}
		}
		if p.before != nil {
			p.before(r)
		}
		if lasts {
			// An engine carries these out, though the client has gone. Of a context that cannot end the proxy thinks
			// that it is to watch for the client's end by itself.
			ctx, cancel := context.WithCancel(context.WithoutCancel(r.Context()))
			defer cancel()
			r = r.WithContext(ctx)
		}
		reverse.ServeHTTP(w, r)
	})}
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = server.Serve(listener)
	}()
	t.Cleanup(func() {
		_ = server.Close()
		<-served
	})
	p.host = "unix://" + socket
}
