package docker

import (
	"net/http"
	"time"

	"github.com/docker/docker/client"
	"github.com/docker/go-connections/tlsconfig"

	"github.com/ktask/ktask/engine/docker/endpoint"
)

// connect returns a client, which connects with its first request; see Engine.negotiate for the version of the API.
func connect(at endpoint.Endpoint, o Options) (*client.Client, error) {
	transport := &http.Transport{MaxIdleConns: idleConnections, IdleConnTimeout: idleFor}
	if at.TLS != nil {
		config, err := tlsconfig.Client(*at.TLS)
		if err != nil {
			return nil, err
		}
		transport.TLSClientConfig = config
	}
	requests := &http.Client{Transport: transport, CheckRedirect: client.CheckRedirect}
	options := []client.Opt{client.WithHTTPClient(requests), client.WithHost(at.Host), client.WithUserAgent(o.UserAgent)}
	if o.APIVersion != "" {
		options = append(options, client.WithVersion(o.APIVersion))
	}
	c, err := client.NewClientWithOpts(options...)
	if err != nil {
		return nil, err
	}
	requests.Transport = answers{transport, at.Host} // the client keeps the transport itself, for its settings and to close it
	return c, nil
}

// idleConnections are enough for the requests between which an attempt waits for nothing.
const idleConnections = 6

// idleFor is how long a connection is kept for the next request.
const idleFor = 30 * time.Second
