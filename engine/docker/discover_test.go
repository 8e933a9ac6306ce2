package docker_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/docker"
	"github.com/ktask/ktask/engine/plan"
	"github.com/ktask/ktask/integration/engines"
)

// engineAt starts an engine at a socket that has a version of the API and nothing else.
func engineAt(t *testing.T, version string) (host string) {
	t.Helper()
	listener, err := net.Listen("unix", engines.Socket(t))
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Api-Version", version) })}
	over := make(chan struct{})
	go func() {
		defer close(over)
		_ = server.Serve(listener)
	}()
	t.Cleanup(func() {
		_ = server.Close()
		<-over
	})
	return "unix://" + listener.Addr().String()
}

// TestUsualSocketsAreTriedInOrder finds the first engine that can be used, and tells of those that exist and cannot.
func TestUsualSocketsAreTriedInOrder(t *testing.T) {
	old, good := engineAt(t, "1.24"), engineAt(t, "1.41")
	closed := filepath.Join(t.TempDir(), "s")
	if err := os.WriteFile(closed, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	absent, file, ancient, best := docker.Socket{Host: "unix:///no/such.sock", Of: "absent"}, docker.Socket{Host: "unix://" + closed, Of: "file"},
		docker.Socket{Host: old, Of: "old"}, docker.Socket{Host: good, Of: "good"}
	var notices []string
	o := docker.Options{Usual: []docker.Socket{absent, file, ancient, best, best}, Notice: func(text string) { notices = append(notices, text) }}
	e, err := docker.New(o)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = e.Close() }()
	if tried := e.Tried(); len(tried) != 4 || tried[3].Of != "good" || tried[3].Err != nil || e.Pinned(o).Host != good {
		t.Errorf("tried %v", tried)
	}
	if len(notices) != 2 || !strings.Contains(notices[0], "(file: not trusted: not a socket), using "+good+" (good)") || !strings.Contains(notices[1], "version 1.24") {
		t.Errorf("notices %q", notices)
	}

	for want, usual := range map[string][]docker.Socket{
		"no container engine found: none of the 2 usual sockets exists; start Docker": {absent, absent},
		"no container engine found: unix://" + closed + ": not trusted":               {absent, file},
		"update the engine": {file, ancient},
	} {
		_, err := docker.New(docker.Options{Usual: usual})
		failure, ok := errors.AsType[*engine.Error](err)
		if !ok || failure.Reason != engine.EngineUnavailable || !strings.Contains(err.Error()+"; "+failure.Remedy.Text, want) {
			t.Errorf("error %+v, want %q in it", err, want)
		}
	}
	if e, err := docker.New(docker.Options{Usual: []docker.Socket{best}, DefaultHost: "unix:///named.sock"}); err != nil || e.Tried()[0].Host != "unix:///named.sock" {
		t.Errorf("what is named is not used: %v", err)
	}
}

// TestPinned checks that another process finds the same engine, whatever has named it and whatever the user changes meanwhile.
func TestPinned(t *testing.T) {
	dir := t.TempDir()
	meta := filepath.Join(dir, "contexts", "meta", "512eea46ceb3921dff4363c7069d89d4964d1d9fccaa0f411851a7aa60a5c868") // sha256 of "far"
	if err := os.MkdirAll(meta, 0o700); err != nil {
		t.Fatal(err)
	}
	for file, text := range map[string]string{
		filepath.Join(dir, "config.json"): `{"currentContext":"far"}`,
		filepath.Join(meta, "meta.json"):  `{"Name":"far","Endpoints":{"docker":{"Host":"tcp://far:2376"}}}`,
	} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	usual := []docker.Socket{{Host: "unix:///usual.sock"}}
	for name, test := range map[string]struct{ options, want docker.Options }{
		"a host":              {docker.Options{Host: "far", TLS: true}, docker.Options{Host: "tcp://far:2376", TLS: true}},
		"DOCKER_HOST":         {docker.Options{DefaultHost: "unix:///x", DefaultContext: "y", Usual: usual}, docker.Options{Host: "unix:///x"}},
		"a context":           {docker.Options{Context: "far", DefaultHost: "unix:///x", ConfigDir: dir}, docker.Options{Context: "far", ConfigDir: dir}},
		"the current context": {docker.Options{ConfigDir: dir, Usual: usual}, docker.Options{Context: "far", ConfigDir: dir}},
		"nothing":             {docker.Options{}, docker.Options{Host: "unix:///var/run/docker.sock"}},
	} {
		t.Run(name, func(t *testing.T) {
			e, err := docker.New(test.options)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = e.Close() }()
			if got := e.Pinned(test.options); !reflect.DeepEqual(got, test.want) {
				t.Errorf("got %+v, want %+v", got, test.want)
			}
		})
	}
}

// hungAt returns a host whose connections are accepted by the system and never answered.
func hungAt(t *testing.T) (host string) {
	t.Helper()
	listener, err := net.Listen("unix", engines.Socket(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	return "unix://" + listener.Addr().String()
}

// TestHungEnginesAreWaitedForTogether puts sockets that do not answer before a good one, and alone.
func TestHungEnginesAreWaitedForTogether(t *testing.T) {
	t.Parallel()
	var hung []docker.Socket
	for range 7 {
		hung = append(hung, docker.Socket{Host: hungAt(t), Of: "VM"})
	}
	good := docker.Socket{Host: engineAt(t, "1.41"), Of: "good"}
	began := time.Now()
	e, err := docker.New(docker.Options{Usual: append(slices.Clone(hung), good)})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = e.Close() }()
	if tried := e.Tried(); len(tried) != 8 || tried[7].Of != "good" || tried[6].Answer() != "no answer within 2s" {
		t.Errorf("tried %v", tried)
	}
	if took := time.Since(began); took > 6*time.Second { // one after the other: 14s
		t.Errorf("found after %v", took)
	}

	var notices []string
	o := docker.Options{Usual: hung, AnswerWithin: 3 * time.Second, Notice: func(text string) { notices = append(notices, text) }}
	if e, err = docker.New(o); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = e.Close() }()
	if want := "no engine has answered within 2s (sockets tried: 7), waiting for " + hung[0].Host; len(notices) != 1 || notices[0] != want {
		t.Errorf("notices %q, want %q", notices, want)
	}
	err = e.Check(t.Context(), plan.Plan{})
	missing, ok := errors.AsType[*docker.NotFoundError](err)
	if !ok || len(missing.Tried) != 7 || !strings.HasPrefix(err.Error(), "no container engine found: "+hung[0].Host+": did not answer within 3s; "+hung[1].Host+": no answer within 2s; ") {
		t.Errorf("error %v", err)
	}
}

// TestLaterSocketsAreLeftAlone does not ask, and thus does not start, engines after one that answers at once.
func TestLaterSocketsAreLeftAlone(t *testing.T) {
	t.Parallel()
	later, err := net.ListenUnix("unix", &net.UnixAddr{Name: engines.Socket(t), Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = later.Close() }()
	e, err := docker.New(docker.Options{Usual: []docker.Socket{{Host: engineAt(t, "1.41")}, {Host: "unix://" + later.Addr().String()}}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = e.Close() }()
	mine, err := net.Dial("unix", later.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	_, _ = mine.Write([]byte("mine"))
	_ = mine.Close()
	first, err := later.Accept() // connections arrive in the order in which they were made
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = first.Close() }()
	if text, _ := io.ReadAll(first); string(text) != "mine" {
		t.Error("a later socket was asked")
	}
}

// TestClosedConnections names the failure of a socket that accepts connections and closes them, once and in words.
func TestClosedConnections(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("unix", engines.Socket(t))
	if err != nil {
		t.Fatal(err)
	}
	over := make(chan struct{})
	go func() {
		defer close(over)
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			_ = conn.Close()
		}
	}()
	defer func() {
		_ = listener.Close()
		<-over
	}()
	host := "unix://" + listener.Addr().String()
	for range 20 { // depending on who is first, it is a write or a read that fails
		_, err = docker.New(docker.Options{Usual: []docker.Socket{{Host: host}}})
		text := fmt.Sprint(err)
		if !slices.Contains([]string{"broken pipe", "connection reset by peer", "it closed the connection"}, strings.TrimPrefix(text, "no container engine found: "+host+": cannot be reached: ")) {
			t.Fatalf("error %s", text)
		}
	}
}
