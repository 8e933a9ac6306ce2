package e2e

import (
	"bytes"
	"context"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"strings"
	"testing"

	"github.com/ktask/ktask/integration/engines"
)

// proxy forwards requests to the engine, also those of a ktask that has ended since. It calls a test's hooks before each
// request and before its answer.
type proxy struct {
	host          string
	before, after func(*http.Request)
}

// listen starts the proxy and sets host. The caller sets the hooks before.
func (p *proxy) listen(t *testing.T) {
	t.Helper()
	socket := engines.Socket(t)
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	network, address, _ := strings.Cut(engines.Machine(), "://")
	reverse := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) { r.Out.URL.Scheme, r.Out.URL.Host = "http", "engine" },
		Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, address)
		}},
		FlushInterval: -1,
		ModifyResponse: func(r *http.Response) error {
			if p.after != nil {
				p.after(r.Request)
			}
			return nil
		},
		ErrorLog:     log.New(io.Discard, "", 0), // the tests kill clients
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) },
	}
	server := &http.Server{ErrorLog: reverse.ErrorLog, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		lasts := strings.HasSuffix(r.URL.Path, "/create") || strings.HasSuffix(r.URL.Path, "/start")
		if lasts { // it counts when all of it has arrived
			if body, err := io.ReadAll(r.Body); err == nil {
				r.Body = io.NopCloser(bytes.NewReader(body))
			}
		}
		if p.before != nil {
			p.before(r)
		}
		if lasts {
			// An engine carries these out even if the client has gone. The context has to be one that can end, or the
			// reverse proxy would watch for the client's end by itself.
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
