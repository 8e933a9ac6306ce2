package docker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/docker/docker/client"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/docker/endpoint"
)

// answering is an engine that is a function, so that time in a bubble passes at once.
type answering func(path string) (status int, answer any)

func (a answering) RoundTrip(request *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	w.Header().Set("Api-Version", "1.41")
	w.Header().Set("Content-Type", "application/json")
	_, path, _ := strings.Cut(request.URL.Path, "/v1.41")
	status, answer := a(path)
	w.WriteHeader(status)
	err := json.NewEncoder(w).Encode(answer)
	return w.Result(), err
}

// service is a container of a compose project. Its state at the n-th look is the n-th of states, and then the last one, each
// with a health after a slash.
type service struct {
	name   string
	states []string
	exit   int
	labels map[string]string
	looks  int
}

type object = map[string]any

// composeEngine answers what an engine with these networks and services answers.
func composeEngine(networks []object, services []*service) answering {
	return func(path string) (int, any) {
		switch path {
		case "/networks":
			return http.StatusOK, networks
		case "/containers/json":
			all := []object{}
			for _, s := range services {
				labels := map[string]string{composeProject: "shop", composeService: s.name}
				for name, value := range s.labels {
					labels[name] = value
				}
				state, _, _ := strings.Cut(s.states[min(s.looks, len(s.states)-1)], "/")
				all = append(all, object{"Id": s.name, "Names": []string{"/shop-" + s.name + "-1"}, "State": state, "Labels": labels})
			}
			return http.StatusOK, all
		}
		for _, s := range services {
			if path != "/containers/"+s.name+"/json" {
				continue
			}
			state, health, _ := strings.Cut(s.states[min(s.looks, len(s.states)-1)], "/")
			s.looks++
			switch {
			case state == "gone":
				return http.StatusNotFound, object{"message": "no such container"}
			case state == "unknown":
				return http.StatusOK, object{"Id": s.name}
			case health != "":
				return http.StatusOK, object{"Id": s.name, "State": object{"Status": state, "Health": object{"Status": health}}}
			}
			return http.StatusOK, object{"Id": s.name, "State": object{"Status": state, "ExitCode": s.exit}}
		}
		return http.StatusOK, nil
	}
}

// TestComposeProjects has networks and services in all their states: the default network is joined when each service can be used,
// and otherwise the error names the service. See TestCompose in integration/e2e for the real Docker Compose.
func TestComposeProjects(t *testing.T) {
	network := func(name, project, of string) object {
		return object{"Name": name, "Labels": map[string]string{composeProject: project, composeNetwork: of}}
	}
	shop := []object{network("shop_back", "shop", "back"), network("mine", "shop", "default")}
	web := &service{name: "web", states: []string{"running"}}
	one := func(state string) []*service { return []*service{web, {name: "db", states: []string{state}}} }
	const up = "start it with `docker compose -p shop up -d`"
	const waiting = `waiting for the compose project "shop": db (%s)`
	for name, test := range map[string]struct {
		networks []object
		services []*service
		// want is the network, or the error and the remedy. notice is what is told while the services are waited for.
		want, notice string
	}{
		"running":            {shop, []*service{web}, "mine", ""},
		"podman-compose":     {[]object{network("shop_default", "shop", "")}, []*service{web}, "shop_default", ""},
		"no default network": {shop[:1], nil, `there is no default network of a compose project "shop"; ` + up, ""},
		"a name that begins so": {
			[]object{network("shop_default_x", "shop", "")}, nil, `there is no default network of a compose project "shop"; ` + up, "",
		},
		"other projects": {
			[]object{network("b", "b", "default"), network("a", "a", "default"), network("b2", "b", "x")}, nil,
			`there is no default network of a compose project "shop"; ` + up + ", or name another: a, b", "",
		},
		"no services":     {shop, nil, `no service of the compose project "shop" is running; ` + up, ""},
		"healthy":         {shop, one("running/healthy"), "mine", ""},
		"no check":        {shop, one("running/none"), "mine", ""},
		"done":            {shop, one("exited"), "mine", ""},
		"all done":        {shop, one("exited")[1:], `no service of the compose project "shop" is running; ` + up, ""},
		"gone":            {shop, one("gone"), "mine", ""},
		"unhealthy":       {shop, one("running/unhealthy"), `service "db" of the compose project "shop" is unhealthy; docker logs shop-db-1`, ""},
		"failed":          {shop, []*service{web, {name: "db", states: []string{"exited"}, exit: 7}}, `service "db" of the compose project "shop" has exited with code 7; docker logs shop-db-1`, ""},
		"dead":            {shop, one("dead"), `service "db" of the compose project "shop" has exited with code 0; docker logs shop-db-1`, ""},
		"of compose run":  {shop, []*service{web, {name: "db", states: []string{"exited"}, exit: 7, labels: map[string]string{composeOneOff: "True"}}}, "mine", ""},
		"only of a run":   {shop, []*service{{name: "db", states: []string{"running"}, labels: map[string]string{composeOneOff: "true"}}}, `no service of the compose project "shop" is running; ` + up, ""},
		"started soon":    {shop, []*service{{name: "db", states: []string{"created", "running/starting", "running/healthy"}}}, "mine", ""},
		"started late":    {shop, []*service{{name: "db", states: append(slices.Repeat([]string{"running/starting"}, 12), "running/healthy")}}, "mine", fmt.Sprintf(waiting, "starting")},
		"never started":   {shop, one("created"), `the compose project "shop" is not healthy after 5m0s: db (created); see ` + "`docker compose ps`", fmt.Sprintf(waiting, "created")},
		"an odd answer":   {shop, one("unknown"), `the compose project "shop" is not healthy after 5m0s: db (unknown); see ` + "`docker compose ps`", fmt.Sprintf(waiting, "unknown")},
		"fails meanwhile": {shop, []*service{web, {name: "db", states: []string{"running/starting", "running/unhealthy"}}}, `service "db" of the compose project "shop" is unhealthy; docker logs shop-db-1`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			for _, s := range test.services {
				s.looks = 0
			}
			synctest.Test(t, func(t *testing.T) {
				var notices []string
				e, requests := composed(t, composeEngine(test.networks, test.services), func(text string) { notices = append(notices, text) })
				got, err := e.joinProject(t.Context(), "shop")
				if failure, ok := errors.AsType[*engine.Error](err); ok && failure.Reason == engine.EngineRefused {
					got = err.Error() + "; " + failure.Remedy.Text
				}
				if got != test.want || strings.Join(notices, "\n") != test.notice {
					t.Errorf("got  %q, error %v, notices %q\nwant %q", got, err, notices, test.want)
				}
				before := *requests
				if again, _ := e.joinProject(t.Context(), "shop"); err == nil && (again != got || *requests != before) {
					t.Errorf("the second time: %q, %d more requests", again, *requests-before)
				}
			})
		})
	}
}

// TestComposeIsCanceled ends the wait for a service with the cause of the context.
func TestComposeIsCanceled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		networks := []object{{"Name": "shop_default", "Labels": map[string]string{composeProject: "shop", composeNetwork: "default"}}}
		e, _ := composed(t, composeEngine(networks, []*service{{name: "db", states: []string{"created"}}}), nil)
		stopped := errors.New("stopped")
		ctx, cancel := context.WithTimeoutCause(t.Context(), 10*time.Second, stopped)
		defer cancel()
		begun := time.Now()
		if _, err := e.joinProject(ctx, "shop"); !errors.Is(err, stopped) || time.Since(begun) != 10*time.Second {
			t.Errorf("error %v after %v", err, time.Since(begun))
		}
	})
}

// composed returns an engine that a function answers for, and the number of its requests.
func composed(t *testing.T, answer answering, notice func(string)) (e *Engine, requests *int) {
	t.Helper()
	requests = new(int)
	e, err := newEngine(endpoint.Endpoint{Host: "unix:///nowhere"}, Options{Notice: notice})
	if err != nil {
		t.Fatal(err)
	}
	e.client, err = client.NewClientWithOpts(client.WithHost("unix:///nowhere"), client.WithHTTPClient(&http.Client{Transport: answering(func(path string) (int, any) {
		*requests++
		return answer(path)
	})}))
	if err != nil {
		t.Fatal(err)
	}
	return e, requests
}
