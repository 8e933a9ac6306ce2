package tasktest_test

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"

	"github.com/testcontainers/testcontainers-go"
	"github.com/testcontainers/testcontainers-go/network"

	"github.com/ktask/ktask/integration/tasktest"
)

// echo answers with the path of a request.
func echo(w http.ResponseWriter, r *http.Request) { _, _ = fmt.Fprintln(w, r.URL.Path[1:]) }

// fetched is what the task prints when it has called a server by each name of this machine.
const fetched = "testcontainers\ndocker\ncontainers\n"

// TestHost lets tasks call servers of the test: one on all interfaces, and one on the loopback interface.
func TestHost(t *testing.T) {
	everywhere, err := net.Listen("tcp", ":0")
	if err != nil {
		t.Fatal(err)
	}
	open := &httptest.Server{Listener: everywhere, Config: &http.Server{Handler: http.HandlerFunc(echo)}}
	open.Start()
	t.Cleanup(open.Close)
	port := func(s *httptest.Server) int { return s.Listener.Addr().(*net.TCPAddr).Port }
	loopback := func(options ...tasktest.Option) []tasktest.Option { // to a server that no other task calls
		server := httptest.NewServer(http.HandlerFunc(echo))
		t.Cleanup(server.Close)
		return append(options, at(port(server)), tasktest.HostPortAccess(port(server)))
	}
	for name, options := range map[string][]tasktest.Option{
		"open":                           {at(port(open))},
		"open, network of the suite":     {at(port(open)), tasktest.Network(newNetwork(t))},
		"open, access":                   {at(port(open)), tasktest.HostPortAccess(port(open))},
		"loopback":                       loopback(),
		"loopback, bridge":               loopback(tasktest.Network("bridge")),
		"loopback, network of the suite": loopback(tasktest.Network(newNetwork(t))),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := tasktest.Run(t, "testdata/fetch.yaml", options...)
			t.Logf("engine %s %s", r.Engine.Name, r.Engine.Version)
			if r.Output() != fetched {
				t.Errorf("output %q", r.Output())
			}
		})
	}
	for _, network := range []string{"none", "bridge"} {
		t.Run("network "+network, func(t *testing.T) {
			t.Parallel()
			tasktest.Run(t, "testdata/exit.yaml", tasktest.Network(network))
		})
	}
}

// newNetwork returns the name of a network that no container has joined yet: podman makes its gateway for the first one.
func newNetwork(t *testing.T) string {
	t.Helper()
	nw, err := network.New(t.Context())
	testcontainers.CleanupNetwork(t, nw)
	if err != nil {
		t.Fatal(err)
	}
	return nw.Name
}

// at names the port of a server.
func at(port int) tasktest.Option { return tasktest.Env("PORT", strconv.Itoa(port)) }

// TestHostPortIsClosed calls a server on the loopback interface during a run with HostPortAccess, and after it.
func TestHostPortIsClosed(t *testing.T) {
	t.Parallel()
	loopback := httptest.NewServer(http.HandlerFunc(echo))
	defer loopback.Close()
	port := loopback.Listener.Addr().(*net.TCPAddr).Port
	f := try(t, t.Context(), func(t testing.TB) {
		tasktest.Run(t, "testdata/fetch.yaml", at(port), tasktest.HostPortAccess(port))
	})
	if f.failure != "" || f.logged("is not an address of this machine") {
		t.Errorf("failure %q, log %q", f.failure, f.log)
	}
	tasktest.Run(t, "testdata/fetch.yaml", at(port), tasktest.Expect(tasktest.Failed))
}
