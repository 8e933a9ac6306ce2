package docker

import (
	"net/http"
	"sync/atomic"
	"time"

	"github.com/docker/cli/cli/connhelper"
	"github.com/docker/docker/client"
	"github.com/docker/go-connections/tlsconfig"

	"github.com/ktask/ktask/engine/docker/endpoint"
)

// connect returns a client for the endpoint. The client connects with its first request; Engine.negotiate sets the version
// of the API. said is set by each answer.
func connect(at endpoint.Endpoint, o Options, said *atomic.Pointer[heard]) (*client.Client, error) {
	transport := &http.Transport{MaxIdleConns: idleConnections, IdleConnTimeout: idleFor}
	if at.TLS != nil {
		config, err := tlsconfig.Client(*at.TLS)
		if err != nil {
			return nil, err
		}
		transport.TLSClientConfig = config
	}
	requests := &http.Client{Transport: transport, CheckRedirect: client.CheckRedirect}
	host := at.Host
	if overSSH(host) {
		host = "http://" + client.DummyHost
	}
	options := []client.Opt{client.WithHTTPClient(requests), client.WithHost(host), client.WithUserAgent(o.UserAgent)}
	if o.APIVersion != "" {
		options = append(options, client.WithVersion(o.APIVersion))
	}
	c, err := client.NewClientWithOpts(options...)
	if err != nil {
		return nil, err
	}
	if overSSH(at.Host) {
		// Each connection is a process of ssh, in a session of its own: it asks nothing on a terminal, as with the docker command.
		helper, err := connhelper.GetConnectionHelper(at.Host)
		if err != nil {
			return nil, err
		}
		transport.DialContext, transport.Proxy = helper.Dialer, nil
	}
	requests.Transport = answers{sshTransport(at.Host, transport), at.Host, said} // the client keeps the *http.Transport for its settings and to close it
	return c, nil
}

// idleConnections is the number of connections that are kept open between requests. An attempt rarely has more requests at a
// time that do not wait.
const idleConnections = 6

// idleFor is how long a connection is kept for the next request.
const idleFor = 30 * time.Second
