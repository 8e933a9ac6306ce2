package docker_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/docker"
	"github.com/ktask/ktask/engine/plan"
)

// TestNothingIsLeftOfKeptVolumes ends a task with a shared volume in each way; carryOut checks that nothing is left.
func TestNothingIsLeftOfKeptVolumes(t *testing.T) {
	e := connect(t, docker.Options{})
	// The scripts set their traps before they print "ready", since a signal may follow immediately.
	container := func(script string) plan.Container {
		c := shell(script)
		c.Tmpfs = []plan.Tmpfs{{Name: "v", Path: "/cache", SizeBytes: 1 << 20}}
		return c
	}
	onReady := func(do func()) engine.Sink {
		var once sync.Once
		return engine.SinkFunc(func(event engine.Event) {
			if _, ok := event.(engine.OutputLine); ok {
				once.Do(do)
			}
		})
	}
	t.Run("pass in the second attempt", func(t *testing.T) {
		got, _ := carryOut(t, t.Context(), e, retried(container("test -e /cache/x && exit 0; >/cache/x; exit 1"), 3))
		if got.Status != engine.Passed || len(got.Attempts) != 2 {
			t.Errorf("result %+v", got)
		}
	})
	t.Run("timeout", func(t *testing.T) {
		task := retried(container("exec sleep 100000"), 3)
		task.Timeout, task.Container.Grace = 50*time.Millisecond, 50*time.Millisecond
		if got, _ := carryOut(t, t.Context(), e, task); got.Status != engine.TimedOut {
			t.Errorf("result %+v", got)
		}
	})
	t.Run("interrupt", func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		got, _ := carryOut(t, ctx, e, retried(container("trap 'exit 1' TERM; echo ready; sleep 100000 & wait"), 3), onReady(func() { cancel(errors.New("SIGINT")) }))
		if got.Status != engine.Canceled || len(got.Attempts) != 1 {
			t.Errorf("result %+v", got)
		}
	})
	t.Run("kill", func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		got, _ := carryOut(t, ctx, e, retried(container("trap '' TERM; echo ready; sleep 100000 & wait"), 3), onReady(func() {
			cancel(errors.New("SIGINT"))
			if err := e.Kill(t.Context(), runOf(t)); err != nil {
				t.Error(err)
			}
		}))
		if got.Status != engine.Canceled {
			t.Errorf("result %+v", got)
		}
	})
	t.Run("the image is missing", func(t *testing.T) {
		c := container("")
		c.Image = "ktask.local/missing:dev"
		if got, _ := carryOut(t, t.Context(), e, retried(c, 2)); got.Status != engine.Errored || got.Reason != engine.ImageNotFound {
			t.Errorf("result %+v", got)
		}
	})
}

// TestKeepVolumesEndsHalfWay interrupts the requests for the volume and for the container.
func TestKeepVolumesEndsHalfWay(t *testing.T) {
	for _, call := range []string{"POST /volumes/create", "POST /containers/create"} {
		t.Run(call, func(t *testing.T) {
			ctx, cancel := context.WithCancelCause(t.Context())
			proxy := newFaultProxy(t, machineSocket, target{call: call, struck: func() { cancel(errors.New("SIGINT")) }})
			c := shell("exit 1")
			c.Tmpfs = []plan.Tmpfs{{Name: "v", Path: "/cache", SizeBytes: 1 << 20}}
			got, _ := carryOut(t, ctx, connect(t, docker.Options{Host: proxy.host()}), retried(c, 2))
			if got.Status != engine.Canceled || len(got.Attempts) > 0 {
				t.Errorf("result %+v", got)
			}
		})
	}
}

// TestKeepVolumesFailsHalfWay gives the keeper's name to somebody else's container, which stays.
func TestKeepVolumesFailsHalfWay(t *testing.T) { nameOfAnother(t, docker.Options{}) }

func nameOfAnother(t *testing.T, o docker.Options) {
	e, others := connect(t, o), apiAt(t, o.Host)
	name := "ktask-" + runOf(t) + "-task-0-keeper"
	foreign, err := others.ContainerCreate(t.Context(), &container.Config{Image: busybox}, nil, nil, nil, name)
	if err != nil {
		t.Fatal(err)
	}
	c := shell("exit 0")
	c.Tmpfs = []plan.Tmpfs{{Name: "v", Path: "/cache", SizeBytes: 1 << 20}}
	got, _ := carryOut(t, t.Context(), e, retried(c, 2))
	if got.Status != engine.Errored || len(got.Attempts) > 0 || !strings.Contains(got.Message, name) {
		t.Errorf("result %+v", got)
	}
	if err := others.ContainerRemove(t.Context(), foreign.ID, container.RemoveOptions{}); err != nil {
		t.Errorf("the container of somebody else: %v", err)
	}
}
