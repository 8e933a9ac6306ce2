package docker

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/network"
	"github.com/docker/docker/api/types/versions"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/plan"
)

// oldestAPI is the first version with which a wait can be registered before the start (Docker 17.06).
const oldestAPI = "1.30"

var apiVersion = regexp.MustCompile(`^v?[0-9]{1,4}\.[0-9]{1,4}$`) // the docker command accepts the v

// checkVersion returns an error if a version that the user has set cannot be used with any engine.
func checkVersion(version string) error {
	switch {
	case version == "":
		return nil
	case !apiVersion.MatchString(version):
		return refusedVersion(fmt.Errorf("DOCKER_API_VERSION %q is not a version of the Docker API, like 1.41", version))
	case versions.LessThan(strings.TrimPrefix(version, "v"), oldestAPI):
		return refusedVersion(fmt.Errorf("DOCKER_API_VERSION %q is too old: ktask needs %s or later", version, oldestAPI))
	}
	return nil
}

// refusedVersion returns the error of a version that the user has set.
func refusedVersion(err error) *engine.Error {
	return &engine.Error{
		Reason: engine.EngineRefused, Err: err,
		Remedy: engine.Remedy{Text: "unset DOCKER_API_VERSION: ktask then uses the newest version that the engine supports"},
	}
}

// Check returns an error if the engine cannot be reached, has no API that ktask can use, or lacks a network that tasks join. It
// waits for the services of a compose project. Without networks it costs no request: the first one negotiates the version of the
// API anyway.
func (e *Engine) Check(ctx context.Context, p plan.Plan) error {
	if err := e.do(ctx, "", once, nil); err != nil {
		return err
	}
	checked := map[string]bool{"": true, "none": true, "host": true, "bridge": true, "default": true}
	for _, t := range p.Tasks {
		if c := t.Container; c.Compose != "" {
			if _, err := e.joinProject(ctx, c.Compose); err != nil {
				return err
			}
		} else if !checked[c.Network] && !strings.Contains(c.Network, ":") {
			checked[c.Network] = true
			if err := e.hasNetwork(ctx, c.Network); err != nil {
				return err
			}
		}
	}
	return nil
}

// hasNetwork returns an error if the engine has no network of the name.
func (e *Engine) hasNetwork(ctx context.Context, name string) error {
	err := e.do(ctx, fmt.Sprintf("look up network %q", name), repeatedly, func(ctx context.Context) error {
		_, err := e.client.NetworkInspect(ctx, name, network.InspectOptions{})
		return err
	})
	if failure, ok := errors.AsType[*engine.Error](err); ok && cerrdefs.IsNotFound(err) {
		failure.Remedy = engine.Remedy{Option: engine.OptionNetwork}
	}
	return err
}

// negotiate negotiates the version of the API, before the first request. The client could do it by itself, but then it reads
// its version without a lock while another goroutine's first request writes it.
func (e *Engine) negotiate(ctx context.Context) error {
	e.negotiation.Lock()
	defer e.negotiation.Unlock()
	if e.negotiation.over {
		return nil
	}
	ping, err := e.client.Ping(ctx)
	if ping.APIVersion == "" && (err == nil || cerrdefs.IsNotFound(err) || cerrdefs.IsNotImplemented(err)) {
		return noEngine(e.endpoint.Host, "it does not report the version of its API")
	}
	if err == nil && e.versionSet {
		err = e.tryVersion(ctx)
	}
	if err != nil {
		return err
	}
	e.client.NegotiateAPIVersionPing(ping) // it leaves a version that the user has set
	if version := e.client.ClientVersion(); versions.LessThan(version, oldestAPI) {
		return &engine.Error{
			Reason: engine.EngineRefused,
			Err:    fmt.Errorf("the Docker engine at %s supports version %s of the Docker API, but ktask needs %s", e.endpoint.Host, version, oldestAPI),
			Remedy: engine.Remedy{Text: "update the engine", Option: engine.OptionHost},
		}
	}
	e.negotiation.over = true
	return nil
}

// tryVersion returns an error if the engine refuses the version that the user has set. A ping does not show it: its path has no
// version. Engines refuse the version of a valid request as an invalid argument, which a list of one container cannot be
// otherwise.
func (e *Engine) tryVersion(ctx context.Context) error {
	_, err := e.client.ContainerList(ctx, container.ListOptions{Limit: 1})
	if cerrdefs.IsInvalidArgument(err) {
		return refusedVersion(fmt.Errorf("DOCKER_API_VERSION %q: the Docker engine at %s refuses it: %w", e.client.ClientVersion(), e.endpoint.Host, words{err}))
	}
	return err
}
