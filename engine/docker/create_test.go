package docker_test

import (
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/docker"
	"github.com/ktask/ktask/engine/enginetest"
	"github.com/ktask/ktask/integration/engines"
)

// TestSlowCreation runs against a server that acts as an engine does while it is busy creating a container: the answer to
// the request is lost, the name is taken at once, and the container can be inspected only later. No engine can be made to
// take that long.
func TestSlowCreation(t *testing.T) {
	const id = "0123456789ab"
	var (
		created struct{ Labels map[string]string }
		looks   int
		removed []string
	)
	answer := func(w http.ResponseWriter, status int, body any) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(body)
	}
	message := func(text string) any { return map[string]string{"message": text} }
	// ktask makes these requests one after the other, so the handler needs no lock.
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch path := r.URL.Path; {
		case strings.HasSuffix(path, "/_ping"):
			w.Header().Set("Api-Version", "1.41")
			w.Header().Set("Server", "Docker/20.10") // which mounts a file as the termination message
		case strings.HasSuffix(path, "/containers/create") && created.Labels == nil:
			if err := json.NewDecoder(r.Body).Decode(&created); err != nil {
				t.Error(err)
			}
			panic(http.ErrAbortHandler) // closes the connection
		case strings.HasSuffix(path, "/containers/create"):
			answer(w, http.StatusConflict, message("Conflict. The container name is already in use"))
		case r.Method == http.MethodGet && strings.HasSuffix(path, "/json"):
			if looks++; looks < 4 {
				answer(w, http.StatusNotFound, message("No such container"))
				return
			}
			answer(w, http.StatusOK, map[string]any{"Id": id, "State": map[string]string{"Status": "created"}, "Config": created})
		case r.Method == http.MethodDelete:
			removed = append(removed, path[strings.LastIndex(path, "/")+1:])
			w.WriteHeader(http.StatusNoContent)
		default:
			answer(w, http.StatusInternalServerError, message("enough"))
		}
	}))
	socket := engines.Socket(t)
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	server.Listener = listener
	server.Start()
	defer server.Close()
	e, err := docker.New(docker.Options{Host: "unix://" + socket})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = e.Close() }()
	_, err = engine.Attempt(t.Context(), e, shell("true"), labels(t, 1), &enginetest.Recorder{})
	wantReason(t, err, engine.EngineRefused, "attach to the container: enough")
	if len(removed) != 1 || removed[0] != id {
		t.Errorf("removed %q, want %s", removed, id)
	}
}
