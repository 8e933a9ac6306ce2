package docker_test

import (
	"net"
	"strings"
	"testing"

	"github.com/docker/docker/api/types/network"

	"github.com/ktask/ktask/engine/docker"
	"github.com/ktask/ktask/integration/engines"
)

func TestHostGateway(t *testing.T) { resolvesHosts(t, docker.Options{Host: engines.Machine()}, "") }

// resolvesHosts reads the address of the engine's machine in containers: in a network of the test, in networks that the engine
// has, and in none.
func resolvesHosts(t *testing.T, o docker.Options, networks ...string) {
	o.ExtraHosts = []string{"machine.test:host-gateway", "other.test:192.0.2.7"}
	e, own := connect(t, o), "net-"+runOf(t)
	api := apiAt(t, o.Host)
	if _, err := api.NetworkCreate(t.Context(), own, network.CreateOptions{Driver: "bridge"}); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := api.NetworkRemove(t.Context(), own); err != nil {
			t.Error(err)
		}
	}()
	for _, name := range append(networks, own, "none") {
		c := shell("cat /etc/hosts")
		c.Network = name
		addresses := map[string]string{}
		for line := range strings.Lines(output(t, e, c)) {
			if fields := strings.Fields(line); len(fields) > 1 {
				addresses[fields[1]] = fields[0]
			}
		}
		reaches := name != "none"
		if machine := addresses["machine.test"]; reaches != (net.ParseIP(machine) != nil) || reaches != (addresses["other.test"] == "192.0.2.7") {
			t.Errorf("network %q: hosts %v", name, addresses)
		}
	}
}
