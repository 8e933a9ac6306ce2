//go:build cluster

package kubernetes_test

import (
	"crypto/rand"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/plan"
)

// together runs attempts of one run side by side, and returns how each ended and after which time.
func (s space) together(t *testing.T, containers ...plan.Container) (exits []engine.Exit, errs []error, took []time.Duration) {
	t.Helper()
	e, run, began := s.engine(t), strings.ToLower(rand.Text()[:12]), time.Now()
	exits, errs, took = make([]engine.Exit, len(containers)), make([]error, len(containers)), make([]time.Duration, len(containers))
	var all sync.WaitGroup
	for i, c := range containers {
		all.Go(func() {
			labels := engine.Labels{Run: run, Task: fmt.Sprintf("task-%d", i), Attempt: 1, Owner: "test", Version: "test"}
			exits[i], errs[i] = engine.Attempt(t.Context(), e, c, labels, engine.SinkFunc(func(engine.Event) {}))
			took[i] = time.Since(began)
		})
	}
	all.Wait()
	s.nothingLeft(t)
	return exits, errs, took
}

// TestRoomIsAwaited holds that attempts for which there is no room at first run when others of their run are over.
func TestRoomIsAwaited(t *testing.T) {
	for name, c := range map[string]struct {
		quota  string
		memory int64
	}{
		"pods":    {quota: `pods: "1"`},
		"Jobs":    {quota: `count/jobs.batch: "1"`},
		"Secrets": {quota: `count/secrets: "1"`},
		"memory":  {memory: 13 << 30}, // more than a half of what the node has
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSpace(t, nil)
			if c.quota != "" {
				s.create(t, "resourcequotas", `{apiVersion: v1, kind: ResourceQuota, metadata: {name: few}, spec: {hard: {`+c.quota+`}}}`)
				eventually(t, "the quota is in force", func() bool { return strings.Contains(text(t, s.list(t, "resourcequotas")), `"used":{`) })
			}
			container := shell("sleep 1; exit 3")
			container.Limits.MemoryBytes = c.memory
			container.Env = []plan.EnvVar{{Name: "A", Value: plan.Hidden(plan.NewSecret("s/k", "the-secret"))}}
			exits, errs, took := s.together(t, container, container, container)
			t.Log(took)
			for i := range exits {
				if exits[i].Code != 3 || errs[i] != nil {
					t.Errorf("attempt %d: exit %+v, error %v", i, exits[i], errs[i])
				}
			}
		})
	}
}

// TestRoomNeverComes holds that an attempt for which there is never room ends when the others of its run are over.
func TestRoomNeverComes(t *testing.T) {
	t.Parallel()
	s := newSpace(t, nil)
	huge := shell("exit 0")
	huge.Limits.MemoryBytes = 1 << 40
	exits, errs, took := s.together(t, shell("sleep 5"), huge)
	if exits[0].Code != 0 || errs[0] != nil {
		t.Errorf("exit %+v, error %v", exits[0], errs[0])
	}
	if errs[1] == nil || !strings.Contains(errs[1].Error(), "Insufficient memory") || took[1] < took[0] {
		t.Errorf("error %v after %v, the other one was over after %v", errs[1], took[1], took[0])
	}
}
