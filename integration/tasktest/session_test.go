package tasktest

import (
	"slices"
	"strings"
	"testing"

	"github.com/testcontainers/testcontainers-go"

	"github.com/ktask/ktask/local"
)

// TestRemoteEngine: host-gateway is the machine of the engine, which is not that of the test if the engine is reached over a
// network.
func TestRemoteEngine(t *testing.T) {
	for engine, want := range map[string]string{
		"unix:///var/run/docker.sock": "", "npipe:////./pipe/docker_engine": "", "tcp://localhost:2375": "", "tcp://127.0.0.1:2375": "", "tcp://[::1]:2375": "",
		"tcp://docker:2376": "docker:9", "https://192.0.2.9:2376": "192.0.2.9:9", "tcp://[2001:db8::9]:2375": "[2001:db8::9]:9",
	} {
		if got := remoteHost(engine); got != want {
			t.Errorf("%s is on %q, want %q", engine, got, want)
		}
	}
	if got := addressTowards("127.0.0.1:9"); got != "127.0.0.1" {
		t.Errorf("address %q", got)
	}
	s := session{host: "tcp://192.0.2.9:2375"}
	if _, err := s.forward(t.Context(), t, "", []int{80}); err == nil || !strings.Contains(err.Error(), "on another machine") {
		t.Errorf("HostPortAccess: error %v", err)
	}
}

// TestConfigure takes labels, host and TLS from testcontainers-go.
func TestConfigure(t *testing.T) {
	s, err := join(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer s.leave()
	var o local.Options
	if err := s.configure(t.Context(), &o); err != nil {
		t.Fatal(err)
	}
	e := o.EngineOptions
	if e.Host != s.provider.Client().DaemonHost() || e.Labels["org.testcontainers.sessionId"] != testcontainers.SessionID() || e.TLSVerify {
		t.Errorf("options %+v", e)
	}
	if !slices.Contains(e.ExtraHosts, "host.docker.internal:host-gateway") {
		t.Errorf("hosts %q", e.ExtraHosts)
	}
	if all, err := s.gateways(t.Context(), "bridge"); err != nil || len(all) == 0 || len(slices.Compact(slices.Sorted(slices.Values(all)))) != len(all) {
		t.Errorf("gateways %q, error %v", all, err)
	}
}
