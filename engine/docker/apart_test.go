package docker_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/volume"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/docker"
	"github.com/ktask/ktask/engine/enginetest"
	"github.com/ktask/ktask/engine/plan"
)

// TestNamesOfOthers runs attempts whose names somebody else's containers and volumes have, with all of the labels except the
// random one: ktask does not use them and does not remove them.
func TestNamesOfOthers(t *testing.T) {
	e, others := connect(t, docker.Options{}), apiAt(t, "")
	c := shell("echo ran")
	c.Tmpfs = []plan.Tmpfs{{Name: "v", Path: "/a", SizeBytes: 1 << 20}, {Name: "v", Path: "/b", SizeBytes: 1 << 20}}
	marks := map[string]string{
		"dev.ktask.run": runOf(t), "dev.ktask.task": "task", "dev.ktask.attempt": "1", "dev.ktask.owner": "test", "dev.ktask.version": "test",
	}
	name := "ktask-" + runOf(t) + "-task-1"
	foreign, err := others.ContainerCreate(t.Context(), &container.Config{Image: busybox, Labels: marks}, nil, nil, nil, name)
	if err != nil {
		t.Fatal(err)
	}
	_, err = engine.Attempt(t.Context(), e, c, labels(t, 1), &enginetest.Recorder{})
	wantReason(t, err, engine.EngineRefused, name)
	if err := others.ContainerRemove(t.Context(), foreign.ID, container.RemoveOptions{}); err != nil {
		t.Errorf("the container of somebody else: %v", err)
	}
	if _, err := others.VolumeCreate(t.Context(), volume.CreateOptions{Name: name + "-1", Labels: marks}); err != nil {
		t.Fatal(err)
	}
	_, err = engine.Attempt(t.Context(), e, c, labels(t, 1), &enginetest.Recorder{})
	wantReason(t, err, engine.EngineRefused, name+"-1")
	if err := others.VolumeRemove(t.Context(), name+"-1", false); err != nil {
		t.Errorf("the volume of somebody else: %v", err)
	}
	marks["dev.ktask.attempt"] = "0"
	if _, err := others.VolumeCreate(t.Context(), volume.CreateOptions{Name: "ktask-" + runOf(t) + "-task-0-1", Labels: marks}); err != nil {
		t.Fatal(err)
	}
	_, err = e.KeepVolumes(t.Context(), c, labels(t, 0))
	wantReason(t, err, engine.EngineRefused, "-task-0-1")
	if err := others.VolumeRemove(t.Context(), "ktask-"+runOf(t)+"-task-0-1", false); err != nil {
		t.Errorf("the volume of somebody else: %v", err)
	}
	nothingLeft(t, e)
}

// TestRunnersWithoutIDs runs several Runners without a RunID at the same time on one engine: each has its own containers, and
// gets the output of those alone.
func TestRunnersWithoutIDs(t *testing.T) { runnersApart(t, docker.Options{}) }

func runnersApart(t *testing.T, o docker.Options) {
	var engines []*docker.Engine
	for range 3 {
		engines = append(engines, connect(t, o))
	}
	var work sync.WaitGroup
	for i, e := range engines {
		work.Go(func() {
			for round := range 50 {
				c := shell(fmt.Sprintf("echo %d-%d; exit %d", i, round, i))
				c.Network = "none"
				var heard enginetest.Recorder
				result, err := engine.Runner{Engine: e, Sink: &heard}.Run(t.Context(), plan.Plan{Tasks: []plan.Task{{Name: "task", Container: c}}})
				if err != nil {
					t.Errorf("run: %v", err)
					return
				}
				if got, want := heard.Lines("task", engine.Stdout), []string{fmt.Sprintf("%d-%d", i, round)}; !slices.Equal(got, want) || result.Tasks[0].ExitCode != i || result.RunID == "" {
					t.Errorf("output %q, want %q; result %+v", got, want, result.Tasks[0])
				}
			}
		})
	}
	work.Wait()
}
