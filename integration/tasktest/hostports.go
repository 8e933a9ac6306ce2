package tasktest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"testing"

	"github.com/testcontainers/testcontainers-go"
)

// forward makes ports of the loopback interface reachable for containers: it listens at the gateways of their networks, which
// are addresses of this machine if the engine is on it, but are not those at which other machines reach it. A rootless engine
// connects from this machine to its own address; connections from elsewhere are closed there. stop ends that.
func (s *session) forward(ctx context.Context, t testing.TB, network string, ports []int) (stop func(), err error) {
	if len(ports) == 0 {
		return func() {}, nil
	}
	if remoteHost(s.host) != "" {
		return nil, fmt.Errorf("HostPortAccess: the engine %s is on another machine (let the server listen on an address that is reached from there)", s.host)
	}
	if s.address == "" {
		return nil, errors.New("HostPortAccess: a rootless engine reaches this machine at an address other than 127.0.0.1, and it has none (connect this machine to a network)")
	}
	addresses := []string{s.address}
	if s.address == hostGateway {
		if addresses, err = s.gateways(ctx, network); err != nil {
			return nil, fmt.Errorf("HostPortAccess: find the gateway of the network: %w", err)
		}
	}
	ctx, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	stop = func() {
		cancel()
		running.Wait()
	}
	for _, address := range addresses {
		for _, port := range ports {
			switch err := listen(ctx, &running, address, port, s.address != hostGateway); {
			case errors.Is(err, syscall.EADDRNOTAVAIL):
				t.Logf("ktask: %s is not an address of this machine: the engine must reach 127.0.0.1:%d itself", address, port)
			case errors.Is(err, syscall.EADDRINUSE): // the server listens on all interfaces
			case err != nil:
				stop()
				return nil, fmt.Errorf("HostPortAccess: %w", err)
			}
		}
	}
	return stop, nil
}

// gateways returns the addresses of the engine's machine to which the engine may resolve host-gateway: for Docker that in the
// default network, for podman that in the network of the run.
func (s *session) gateways(ctx context.Context, network string) (all []string, err error) {
	for _, name := range []string{testcontainers.Bridge, testcontainers.Podman, network} {
		if name == "" {
			continue
		}
		//lint:ignore SA1019 the client beneath has another type in each version
		found, err := s.provider.GetNetwork(ctx, testcontainers.NetworkRequest{Name: name})
		if err != nil && name == network {
			return nil, err
		}
		for _, c := range found.IPAM.Config {
			ip := fmt.Sprint(c.Gateway) // its type depends on the version
			if net.ParseIP(ip) != nil && !slices.Contains(all, ip) {
				all = append(all, ip)
			}
		}
	}
	return all, nil
}

// listen hands connections to an address and port on to the same port of the loopback interface, until ctx ends. With own, it
// closes those that do not come from the address: only this machine connects from it.
func listen(ctx context.Context, running *sync.WaitGroup, address string, port int, own bool) error {
	config := net.ListenConfig{Control: shared} // tests that run in parallel may forward the same port
	listener, err := config.Listen(ctx, "tcp", net.JoinHostPort(address, strconv.Itoa(port)))
	if err != nil {
		return err
	}
	context.AfterFunc(ctx, func() { _ = listener.Close() })
	running.Go(func() {
		for {
			from, err := listener.Accept()
			if err != nil {
				return
			}
			if source, _, _ := net.SplitHostPort(from.RemoteAddr().String()); own && source != address {
				_ = from.Close()
				continue
			}
			running.Go(func() { connect(ctx, from, port) })
		}
	})
	return nil
}

// connect hands the bytes of a connection on in both directions, until both have ended or ctx ends.
func connect(ctx context.Context, from net.Conn, port int) {
	defer from.Close()
	to, err := new(net.Dialer).DialContext(ctx, "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return
	}
	defer to.Close()
	defer context.AfterFunc(ctx, func() { _, _ = from.Close(), to.Close() })()
	var both sync.WaitGroup
	both.Go(func() { handOn(to, from) })
	both.Go(func() { handOn(from, to) })
	both.Wait()
}

// handOn copies what one connection receives to the other, and then its end.
func handOn(to, from net.Conn) {
	_, _ = io.Copy(to, from)
	if half, ok := to.(*net.TCPConn); ok {
		_ = half.CloseWrite()
	}
}
