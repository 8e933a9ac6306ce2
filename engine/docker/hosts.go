package docker

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/network"
	"github.com/docker/docker/api/types/versions"
)

const (
	// hostGateway is the address in ExtraHosts that engines replace with that of their machine.
	hostGateway = "host-gateway"
	// gatewayPodman is the first version of podman that does so, see https://github.com/containers/podman/pull/19152. Older
	// ones write the word itself to /etc/hosts.
	gatewayPodman = "4.7"
	// defaultNetwork is the network from which Docker takes the address. Podman has another name for its own, and accepts this.
	defaultNetwork = network.NetworkBridge
)

// hosts returns the ExtraHosts for a container in a network. If the engine does not replace hostGateway, hosts replaces it with
// the gateway of the network. Without a gateway, such a name has no address. There are none for the network of another container,
// for which engines refuse them, or of the host, whose /etc/hosts they would hide.
func (e *Engine) hosts(ctx context.Context, name string) (all []string, err error) {
	if mode := container.NetworkMode(name); mode.IsNone() || mode.IsHost() || mode.IsContainer() {
		return nil, nil
	}
	isGateway := func(host string) bool { return strings.HasSuffix(host, ":"+hostGateway) }
	if !slices.ContainsFunc(e.extraHosts, isGateway) {
		return e.extraHosts, nil
	}
	if replaces, err := e.replacesGateway(ctx); replaces || err != nil {
		return e.extraHosts, err
	}
	gateway, err := e.gateway(ctx, cmp.Or(name, defaultNetwork))
	if err != nil {
		return nil, err
	}
	for _, host := range e.extraHosts {
		switch {
		case !isGateway(host):
			all = append(all, host)
		case gateway != "":
			all = append(all, strings.TrimSuffix(host, hostGateway)+gateway)
		}
	}
	return all, nil
}

// replacesGateway reports whether the engine replaces hostGateway. Docker fails if it has no default network.
func (e *Engine) replacesGateway(ctx context.Context) (bool, error) {
	info, err := e.Describe(ctx)
	if err != nil {
		return false, err
	}
	if info.Name == "podman" {
		return versions.GreaterThanOrEqualTo(info.Version, gatewayPodman), nil
	}
	gateway, err := e.gateway(ctx, defaultNetwork)
	return gateway != "", err
}

// gateway returns the address of the engine's machine in a network, or "".
func (e *Engine) gateway(ctx context.Context, name string) (string, error) {
	var found network.Inspect
	err := e.do(ctx, fmt.Sprintf("look up network %q", name), repeatedly, func(ctx context.Context) (err error) {
		found, err = e.client.NetworkInspect(ctx, name, network.InspectOptions{})
		return err
	})
	if err != nil && !cerrdefs.IsNotFound(err) { // the start of the container reports a network that is missing
		return "", err
	}
	for _, c := range found.IPAM.Config {
		if c.Gateway != "" {
			return c.Gateway, nil
		}
	}
	return "", nil
}
