package docker

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/network"
	"github.com/docker/docker/api/types/versions"

	"github.com/ktask/ktask/engine"
)

// hostGateway is the address in ExtraHosts that engines replace with that of their machine.
const hostGateway = "host-gateway"

// gatewayPodman is the first version of podman that does so, see https://github.com/containers/podman/pull/19152. Older ones
// write the word itself to /etc/hosts.
const gatewayPodman = "4.7"

// hosts returns the ExtraHosts for a container in a network. For an older podman, hostGateway becomes the gateway of the
// network. There are none for the network of another container, for which engines refuse them, or of the host, whose /etc/hosts
// they would hide.
func (e *Engine) hosts(ctx context.Context, name string) ([]string, error) {
	if mode := container.NetworkMode(name); mode.IsNone() || mode.IsHost() || mode.IsContainer() {
		return nil, nil
	}
	isGateway := func(host string) bool { return strings.HasSuffix(host, ":"+hostGateway) }
	if !slices.ContainsFunc(e.extraHosts, isGateway) {
		return e.extraHosts, nil
	}
	info, err := e.Describe(ctx)
	if err != nil || info.Name != "podman" || versions.GreaterThanOrEqualTo(info.Version, gatewayPodman) {
		return e.extraHosts, err
	}
	gateway, err := e.gateway(ctx, cmp.Or(name, "bridge"))
	if err != nil {
		return nil, err
	}
	var all []string
	for _, host := range e.extraHosts {
		if isGateway(host) {
			host = strings.TrimSuffix(host, hostGateway) + gateway
		}
		all = append(all, host)
	}
	return all, nil
}

// gateway returns the address of the engine's machine in a network.
func (e *Engine) gateway(ctx context.Context, name string) (string, error) {
	var found network.Inspect
	err := e.do(ctx, fmt.Sprintf("look up network %q", name), repeatedly, func(ctx context.Context) (err error) {
		found, err = e.client.NetworkInspect(ctx, name, network.InspectOptions{})
		return err
	})
	if err != nil {
		return "", err
	}
	for _, c := range found.IPAM.Config {
		if c.Gateway != "" {
			return c.Gateway, nil
		}
	}
	return "", &engine.Error{
		Reason: engine.EngineRefused, Err: fmt.Errorf("network %q has no gateway, which the address %s needs on podman before %s", name, hostGateway, gatewayPodman),
		Remedy: engine.Remedy{Option: engine.OptionNetwork},
	}
}
