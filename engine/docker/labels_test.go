package docker_test

import (
	"context"
	"testing"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/volume"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/docker"
	"github.com/ktask/ktask/engine/plan"
	"github.com/ktask/ktask/integration/engines"
)

// TestLabelsOfOptions finds all that a task has on the engine, its keeper and volumes included, by a label of the caller.
func TestLabelsOfOptions(t *testing.T) {
	run := runOf(t)
	e := connect(t, docker.Options{Labels: map[string]string{"org.example.suite": run}})
	c := shell("trap 'exit 1' TERM; echo ready; sleep 100000 & wait")
	c.Tmpfs = []plan.Tmpfs{{Name: "v", Path: "/cache", SizeBytes: 1 << 20}}
	api, filter := apiAt(t, engines.Machine()), filters.NewArgs(filters.Arg("label", "org.example.suite="+run))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var looked bool
	carryOut(t, ctx, e, retried(c, 2), engine.SinkFunc(func(event engine.Event) {
		if _, ok := event.(engine.OutputLine); !ok || looked {
			return
		}
		looked = true
		defer cancel()
		containers, err := api.ContainerList(t.Context(), container.ListOptions{All: true, Filters: filter})
		if err != nil {
			t.Error(err)
		}
		volumes, err := api.VolumeList(t.Context(), volume.ListOptions{Filters: filter})
		if err != nil {
			t.Error(err)
		}
		all, err := e.Leftovers(t.Context(), run)
		if len(containers) != 2 || len(volumes.Volumes) == 0 || len(containers)+len(volumes.Volumes) != len(all) || err != nil {
			t.Errorf("%d containers and %d volumes have the label, of %d; error %v", len(containers), len(volumes.Volumes), len(all), err)
		}
	}))
	if !looked {
		t.Error("the task printed nothing")
	}
}
