package tasktest

import (
	"context"
	"fmt"
	"net"
	"net/url"

	"github.com/testcontainers/testcontainers-go"

	"github.com/ktask/ktask/local"
)

// hostNames are the names by which tasks reach this machine: those of testcontainers, Docker Desktop and podman.
var hostNames = [...]string{testcontainers.HostInternal, "host.docker.internal", "host.containers.internal"}

// hostGateway is the address that an engine replaces with that of its machine.
const hostGateway = "host-gateway"

// session is the testcontainers session of this process during one run.
type session struct {
	provider *testcontainers.DockerProvider
	// host is the address of the engine.
	host string
	// address is what hostNames lead to, or "" if the engine cannot reach this machine.
	address string
	// reaper is the connection to Ryuk, nil if Ryuk is disabled.
	reaper chan bool
}

// join finds the engine and, unless Ryuk is disabled, connects to it, and starts it if it is not running. Ryuk removes what has
// the labels of the session soon after the last connection has ended. Those of other containers end with them, so each run has
// its own.
func join(ctx context.Context) (s *session, err error) {
	defer func() {
		if p := recover(); p != nil { // testcontainers-go panics if it finds no engine
			err = fmt.Errorf("find a container engine: %v", p)
		}
	}()
	found, err := testcontainers.ProviderDefault.GetProvider() // as for each container of testcontainers-go
	if err != nil {
		return nil, fmt.Errorf("find a container engine: %w", err)
	}
	provider, ok := found.(*testcontainers.DockerProvider)
	if !ok {
		return nil, fmt.Errorf("find a container engine: testcontainers-go uses a %T", found)
	}
	s = &session{provider: provider, host: provider.Client().DaemonHost()}
	if provider.Config().Config.RyukDisabled {
		return s, nil
	}
	//lint:ignore SA1019 there is no other way to Ryuk but a container of testcontainers-go
	ryuk, err := testcontainers.NewReaper(ctx, testcontainers.SessionID(), provider, "")
	if err == nil {
		s.reaper, err = ryuk.Connect()
	}
	if err != nil {
		_ = provider.Close()
		return nil, fmt.Errorf("connect to Ryuk, which removes what a killed suite leaves (do without it: TESTCONTAINERS_RYUK_DISABLED=true): %w", err)
	}
	return s, nil
}

// leave ends the connections.
func (s *session) leave() {
	if s.reaper != nil {
		close(s.reaper)
	}
	_ = s.provider.Close()
}

// configure sets the options that testcontainers-go determines.
func (s *session) configure(ctx context.Context, o *local.Options) error {
	e := &o.EngineOptions
	e.Host, e.Labels = s.host, testcontainers.GenericLabels()
	if config := s.provider.Config().Config; config.TLSVerify == 1 {
		e.TLSVerify, e.CertPath = true, config.CertPath
	}
	facts, err := e.Facts(ctx)
	if err != nil {
		return err
	}
	switch remote := remoteHost(s.host); {
	case remote != "":
		s.address = addressTowards(remote)
	case facts.HostGateway:
		s.address = hostGateway
	default:
		s.address = ownAddress()
	}
	for _, name := range hostNames {
		if s.address != "" {
			e.ExtraHosts = append(e.ExtraHosts, name+":"+s.address)
		}
	}
	return nil
}

// remoteHost returns host and port of an engine on another machine, or "".
func remoteHost(engine string) string {
	u, err := url.Parse(engine)
	if err != nil || u.Hostname() == "" || u.Hostname() == "localhost" || net.ParseIP(u.Hostname()).IsLoopback() {
		return ""
	}
	return net.JoinHostPort(u.Hostname(), "9") // any port will do
}

// addressTowards returns the address of this machine in the network that leads to another one, or "". It sends nothing.
func addressTowards(host string) string {
	c, err := net.Dial("udp", host)
	if err != nil {
		return ""
	}
	defer c.Close()
	ip, _, _ := net.SplitHostPort(c.LocalAddr().String())
	return ip
}

// ownAddress returns the address of this machine in the network of its default route, or else in any, or "". Unlike its loopback
// interface, a rootless engine on it reaches that.
func ownAddress() string {
	if own := addressTowards("192.0.2.1:9"); own != "" { // an address for documentation
		return own
	}
	all, _ := net.InterfaceAddrs()
	for _, a := range all {
		if n, ok := a.(*net.IPNet); ok && n.IP.To4() != nil && n.IP.IsGlobalUnicast() {
			return n.IP.String()
		}
	}
	return ""
}
