package docker

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/network"

	"github.com/ktask/ktask/engine"
)

// The labels of what Docker Compose makes, see https://github.com/docker/compose/blob/main/pkg/api/labels.go.
const (
	composeProject = "com.docker.compose.project"
	composeService = "com.docker.compose.service"
	composeNetwork = "com.docker.compose.network"
	composeOneOff  = "com.docker.compose.oneoff"
)

const (
	// composeWithin is how long the services of a project may take to be healthy. A health check says earlier that a service is not.
	composeWithin = 5 * time.Minute
	composeNotice = 2 * time.Second
)

// projects are the networks of the projects whose services are healthy. The zero value is ready for use.
type projects struct {
	sync.Mutex
	networks map[string]string
}

// joinProject returns the default network of a running project of Docker Compose. The first time it waits until the project's
// services run, and are healthy if they have a health check, as `docker compose up --wait` does.
func (e *Engine) joinProject(ctx context.Context, project string) (network string, err error) {
	e.projects.Lock()
	defer e.projects.Unlock()
	if name, known := e.projects.networks[project]; known {
		return name, nil
	}
	name, err := e.projectNetwork(ctx, project)
	if err != nil {
		return "", err
	}
	if err := e.awaitServices(ctx, project); err != nil {
		return "", err
	}
	if e.projects.networks == nil {
		e.projects.networks = map[string]string{}
	}
	e.projects.networks[project] = name
	return name, nil
}

// projectNetwork returns the name of a project's default network.
func (e *Engine) projectNetwork(ctx context.Context, project string) (string, error) {
	var found []network.Summary
	err := e.do(ctx, fmt.Sprintf("look up the compose project %q", project), repeatedly, func(ctx context.Context) (err error) {
		found, err = e.client.NetworkList(ctx, network.ListOptions{Filters: filters.NewArgs(filters.Arg("label", composeProject))})
		return err
	})
	if err != nil {
		return "", err
	}
	up := fmt.Sprintf("start it with `docker compose -p %s up -d`", project)
	var others []string
	for _, n := range found {
		switch {
		case n.Labels[composeProject] != project:
			others = append(others, n.Labels[composeProject])
		case n.Labels[composeNetwork] == "default", n.Labels[composeNetwork] == "" && n.Name == project+"_default": // podman-compose
			return n.Name, nil
		}
	}
	if len(others) > 0 {
		slices.Sort(others)
		return "", notComposed(fmt.Sprintf("%s, or name another: %s", up, strings.Join(slices.Compact(others), ", ")), "there is no default network of a compose project %q", project)
	}
	return "", notComposed(up, "there is no default network of a compose project %q", project)
}

func notComposed(remedy, format string, args ...any) error {
	return &engine.Error{Reason: engine.EngineRefused, Err: fmt.Errorf(format, args...), Remedy: engine.Remedy{Text: remedy}}
}

// awaitServices waits until the services of a project are healthy.
func (e *Engine) awaitServices(ctx context.Context, project string) error {
	begun, noticed := time.Now(), false
	for waits := retryWaits(); ; {
		waiting, err := e.waitingServices(ctx, project)
		if err != nil || waiting == nil {
			return err
		}
		switch since := time.Since(begun); {
		case since > composeWithin:
			return notComposed("see `docker compose ps`", "the compose project %q is not healthy after %v: %s", project, composeWithin, strings.Join(waiting, ", "))
		case since > composeNotice && !noticed && e.notice != nil:
			noticed = true
			e.notice(fmt.Sprintf("waiting for the compose project %q: %s", project, strings.Join(waiting, ", ")))
		}
		if !pause(ctx, waits.NextBackOff()) {
			return context.Cause(ctx)
		}
	}
}

// waitingServices returns the services of a project that do not run or are not healthy yet, with their states.
func (e *Engine) waitingServices(ctx context.Context, project string) (waiting []string, err error) {
	var all []container.Summary
	err = e.do(ctx, fmt.Sprintf("list the services of the compose project %q", project), repeatedly, func(ctx context.Context) (err error) {
		all, err = e.client.ContainerList(ctx, container.ListOptions{All: true, Filters: filters.NewArgs(filters.Arg("label", composeProject+"="+project))})
		return err
	})
	if err != nil {
		return nil, err
	}
	running := false
	for _, c := range all {
		if strings.EqualFold(c.Labels[composeOneOff], "true") { // of `docker compose run`
			continue
		}
		running = running || c.State == "running"
		state, err := e.serviceState(ctx, c.ID)
		service := c.Labels[composeService]
		switch {
		case err != nil:
			return nil, err
		case state == "":
		case state == container.Unhealthy:
			return nil, notComposed("docker logs "+strings.TrimPrefix(slices.Concat(c.Names, []string{c.ID})[0], "/"), "service %q of the compose project %q is unhealthy", service, project)
		case strings.HasPrefix(state, "exited"):
			return nil, notComposed("docker logs "+strings.TrimPrefix(slices.Concat(c.Names, []string{c.ID})[0], "/"), "service %q of the compose project %q has %s", service, project, state)
		default:
			waiting = append(waiting, service+" ("+state+")")
		}
	}
	if !running && waiting == nil {
		return nil, notComposed(fmt.Sprintf("start it with `docker compose -p %s up -d`", project), "no service of the compose project %q is running", project)
	}
	return waiting, nil
}

// serviceState returns "" if a service may be used, or is gone or done.
func (e *Engine) serviceState(ctx context.Context, id string) (string, error) {
	var c container.InspectResponse
	err := e.do(ctx, "ask how a service is", repeatedly, func(ctx context.Context) (err error) {
		c, err = e.client.ContainerInspect(ctx, id)
		return err
	})
	switch {
	case cerrdefs.IsNotFound(err):
		return "", nil
	case err != nil:
		return "", err
	case c.ContainerJSONBase == nil || c.State == nil:
		return "unknown", nil
	}
	switch s := c.State; {
	case s.Status == "exited" && s.ExitCode != 0, s.Status == "dead":
		return fmt.Sprintf("exited with code %d", s.ExitCode), nil
	case s.Status == "exited": // such as a migration
		return "", nil
	case s.Status != "running":
		return s.Status, nil
	case s.Health == nil || s.Health.Status == container.NoHealthcheck || s.Health.Status == container.Healthy:
		return "", nil
	}
	return c.State.Health.Status, nil
}
