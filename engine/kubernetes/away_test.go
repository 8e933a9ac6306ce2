//go:build cluster

package kubernetes_test

import (
	"context"
	"errors"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/kubernetes"
)

// engineAway returns the engine of the namespace, and a function that cuts its connections and sets whether new ones are possible.
func (s space) engineAway(t *testing.T) (e *kubernetes.Engine, away func(bool)) {
	t.Helper()
	var down atomic.Bool
	e, proxy := s.engineThrough(t, func(w http.ResponseWriter, r *http.Request, behind http.Handler) {
		if down.Load() {
			panic(http.ErrAbortHandler)
		}
		behind.ServeHTTP(w, r)
	})
	return e, func(is bool) {
		down.Store(is)
		proxy.CloseClientConnections()
	}
}

// TestClusterStaysAway holds that an attempt ends when the cluster cannot be reached for longer than a restart takes.
func TestClusterStaysAway(t *testing.T) {
	t.Parallel()
	s := newSpace(t, nil)
	e, away := s.engineAway(t)
	began := time.Now()
	exit, _, err := start(t, t.Context(), e, shell("echo ready; sleep 600"), func(string) { away(true) })
	failure, ok := errors.AsType[*engine.Error](err)
	if !ok || failure.Reason != engine.EngineUnavailable || !failure.Remedy.Known() {
		t.Errorf("exit %+v, error %v, want EngineUnavailable and what to do", exit, err)
	}
	if took := time.Since(began); took > 4*time.Minute {
		t.Errorf("it took %v", took)
	}
}

// TestOutputIsLost holds that an attempt has not passed whose output was removed while the cluster could not be reached.
func TestOutputIsLost(t *testing.T) {
	t.Parallel()
	s := newSpace(t, nil)
	e, away := s.engineAway(t)
	exit, heard, err := start(t, t.Context(), e, shell("echo ready; sleep 12; echo lost"), func(line string) {
		if line != "ready" {
			t.Errorf("it reads %q", line)
			return
		}
		away(true)
		go func() {
			defer away(false)
			eventually(t, "the container has ended", func() bool {
				pods := s.list(t, "pods")
				return len(pods) == 1 && pods[0].Object["status"].(map[string]any)["phase"] == "Succeeded"
			})
			now := metav1.DeletePropagationBackground
			for _, job := range s.list(t, "jobs") {
				if err := s.of("jobs").Delete(context.WithoutCancel(t.Context()), job.GetName(), metav1.DeleteOptions{PropagationPolicy: &now}); err != nil {
					t.Error(err)
				}
			}
			eventually(t, "the pod is gone", func() bool { return len(s.list(t, "pods")) == 0 })
		}()
	})
	if failure, ok := errors.AsType[*engine.Error](err); !ok || failure.Reason != engine.EngineLost && failure.Reason != engine.ContainerRemoved {
		t.Errorf("exit %+v, error %v, output %q: want that the output is lost", exit, err, heard.Lines("", engine.Stdout))
	}
}
