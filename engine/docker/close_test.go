package docker_test

import (
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/ktask/ktask/engine/docker"
	"github.com/ktask/ktask/integration/engines"
)

// TestCloseGivesBackAll makes three requests at a time with each of several engines, and closes them: no goroutine and no
// descriptor is left.
func TestCloseGivesBackAll(t *testing.T) {
	const requests = 3
	for name, secure := range map[string]bool{"plain": false, "TLS": true} {
		t.Run(name, func(t *testing.T) {
			var together sync.WaitGroup // each answer waits for the others, so that each needs a connection
			handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Api-Version", "1.41")
				if r.Method == http.MethodGet {
					together.Done()
					together.Wait()
					_, _ = w.Write([]byte(`{"Version": "1"}`))
				}
			})
			server := httptest.NewServer(handler)
			if secure {
				server.Close()
				server = httptest.NewTLSServer(handler)
			}
			defer server.Close()
			_, address, _ := strings.Cut(server.URL, "://")
			goroutines, files := runtime.NumGoroutine(), openFiles(t)
			for range 20 {
				e, err := docker.New(docker.Options{Host: "tcp://" + address, TLS: secure})
				if err != nil {
					t.Fatal(err)
				}
				var all sync.WaitGroup
				together.Add(requests)
				for range requests {
					all.Go(func() {
						if _, err := e.Describe(t.Context()); err != nil {
							t.Error(err)
						}
					})
				}
				all.Wait()
				if err := e.Close(); err != nil {
					t.Error(err)
				}
			}
			noMoreGoroutines(t, goroutines)
			// The server, which is in this process, closes its ends a moment later.
			engines.Await(t, "no more files are open than before", func() bool { return openFiles(t) <= files })
		})
	}
}
