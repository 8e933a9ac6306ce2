package docker_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/docker"
	"github.com/ktask/ktask/engine/enginetest"
)

func TestVersionIsCheckedBeforeRequests(t *testing.T) {
	for version, says := range map[string]string{
		"nonsense": `DOCKER_API_VERSION "nonsense" is not a version`,
		"1.41.0":   "is not a version",
		" 1.41":    "is not a version",
		"1":        "is not a version",
		"1.10":     `DOCKER_API_VERSION "1.10" is too old: ktask needs 1.30`,
	} {
		_, err := docker.New(docker.Options{Host: "unix:///nowhere", APIVersion: version})
		refusedVersion(t, err, says)
	}
	for _, version := range []string{"1.41", "v1.41", "9.99", ""} {
		e, err := docker.New(docker.Options{Host: "unix:///nowhere", APIVersion: version})
		if err != nil {
			t.Fatalf("%q: error %v", version, err)
		}
		_ = e.Close()
	}
}

// TestVersionThatTheEngineRefuses asks an engine that refuses versions in the words of Docker 29.
func TestVersionThatTheEngineRefuses(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Api-Version", "1.52")
		if r.URL.Path != "/_ping" {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusBadRequest)
			_, _ = w.Write([]byte(`{"message":"client version 1.40 is too old. Minimum supported API version is 1.44"}`))
		}
	}))
	defer server.Close()
	e, err := docker.New(docker.Options{Host: strings.Replace(server.URL, "http", "tcp", 1), APIVersion: "1.40"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = e.Close() }()
	refusedVersion(t, e.Prepare(t.Context(), shell("true"), &enginetest.Recorder{}), "too old. Minimum supported API version is 1.44")
}

func TestVersionOnTheEngine(t *testing.T) {
	connect(t, docker.Options{APIVersion: "1.40"})
	e, err := docker.New(docker.Options{APIVersion: "9.99"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = e.Close() }()
	refusedVersion(t, e.Prepare(t.Context(), shell("true"), &enginetest.Recorder{}), "refuses it: client version 9.99 is too new")
}

// refusedVersion fails the test unless err says what is wrong with DOCKER_API_VERSION, and to unset it.
func refusedVersion(t *testing.T, err error, says string) {
	t.Helper()
	failure, ok := errors.AsType[*engine.Error](err)
	if !ok || failure.Reason != engine.EngineRefused || !strings.Contains(failure.Remedy.Text, "unset DOCKER_API_VERSION") ||
		!strings.Contains(err.Error(), "DOCKER_API_VERSION") || !strings.Contains(err.Error(), says) {
		t.Errorf("error %+v, want %q in it", err, says)
	}
}
