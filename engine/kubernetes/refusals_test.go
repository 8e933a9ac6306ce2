//go:build cluster

package kubernetes_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/kubernetes"
	"github.com/ktask/ktask/engine/plan"
)

// someRights are all rights that the engine needs, without those of a kind.
func someRights(without string) string {
	var rules []string
	for resource, rule := range map[string]string{
		"jobs":       `{apiGroups: [batch], resources: [jobs], verbs: [create, list, watch, delete]}`,
		"pods":       `{apiGroups: [""], resources: [pods], verbs: [list, watch, delete]}`,
		"pods/log":   `{apiGroups: [""], resources: [pods/log], verbs: [get]}`,
		"configmaps": `{apiGroups: [""], resources: [configmaps], verbs: [create, delete]}`,
		"secrets":    `{apiGroups: [""], resources: [secrets], verbs: [create, delete]}`,
		"events":     `{apiGroups: [""], resources: [events], verbs: [list]}`,
	} {
		if resource != without {
			rules = append(rules, rule)
		}
	}
	return strings.Join(rules, ", ")
}

// TestRefusals holds that what the cluster refuses ends an attempt at once, with the words of the cluster and with what to do.
func TestRefusals(t *testing.T) {
	user := func(rules string) func(*testing.T, space) *kubernetes.Engine {
		return func(t *testing.T, s space) *kubernetes.Engine { return s.engineOf(t, rules) }
	}
	for name, c := range map[string]struct {
		labels  map[string]any
		prepare func(*testing.T, space)
		engine  func(*testing.T, space) *kubernetes.Engine // nil is the administrator's
		change  func(*plan.Container)
		reason  engine.Reason
		words   []string
		remedy  string // a part of it
	}{
		"a registry that does not answer": {
			change: func(c *plan.Container) { c.Image, c.PullPolicy = "127.0.0.1:1/image:dev", plan.PullIfNotPresent },
			reason: engine.ImagePullFailed, words: []string{"ErrImagePull", "connection refused"},
		},
		"an image that is not there": {
			change: func(c *plan.Container) { c.Image = "ktask.local/missing:dev" },
			reason: engine.ImageNotFound, words: []string{"ErrImageNeverPull", "ktask.local/missing:dev"},
		},
		"an invalid name of an image": {
			change: func(c *plan.Container) { c.Image = "No Image" },
			reason: engine.ImageNotFound, words: []string{"No Image"},
		},
		"an image that runs as root": {
			change: func(c *plan.Container) { c.Security.RunAsNonRoot = true },
			reason: engine.ImageRunsAsRoot, words: []string{"CreateContainerConfigError", "will run as root"},
		},
		"a limit that no node has": {
			change: func(c *plan.Container) { c.Limits.MemoryBytes = 1 << 40 },
			reason: engine.EngineRefused, words: []string{"Insufficient memory"},
		},
		"a quota": {
			prepare: func(t *testing.T, s space) {
				s.create(t, "resourcequotas", `{apiVersion: v1, kind: ResourceQuota, metadata: {name: few}, spec: {hard: {pods: "0"}}}`)
				eventually(t, "the quota is in force", func() bool {
					return strings.Contains(text(t, s.list(t, "resourcequotas")), `"used":{"pods"`)
				})
			},
			reason: engine.EngineRefused, words: []string{"exceeded quota: few"},
		},
		"a quota of Jobs": {
			prepare: func(t *testing.T, s space) {
				s.create(t, "resourcequotas", `{apiVersion: v1, kind: ResourceQuota, metadata: {name: few}, spec: {hard: {count/jobs.batch: "0"}}}`)
				eventually(t, "the quota is in force", func() bool {
					return strings.Contains(text(t, s.list(t, "resourcequotas")), `"used":{"count/jobs.batch"`)
				})
			},
			reason: engine.EngineRefused, words: []string{"exceeded quota: few"}, remedy: "--kube-namespace",
		},
		"a standard of the security of pods": {
			labels: map[string]any{"pod-security.kubernetes.io/enforce": "restricted"},
			reason: engine.EngineRefused, words: []string{`violates PodSecurity "restricted`, "runAsNonRoot"},
		},
		"no rights":               {engine: user(""), reason: engine.EngineRefused, words: []string{"create job", "forbidden", `"jane"`}, remedy: "doctor"},
		"no right to watch pods":  {engine: user(someRights("pods")), reason: engine.EngineRefused, words: []string{"watch pods", "forbidden"}},
		"no right to read output": {engine: user(someRights("pods/log")), reason: engine.EngineRefused, words: []string{"pods/log", "forbidden"}},
		"no right to create ConfigMaps": {
			engine: user(someRights("configmaps")), reason: engine.EngineRefused, words: []string{"create configmap", "forbidden"},
		},
		"no right to create Secrets": {
			engine: user(someRights("secrets")), reason: engine.EngineRefused, words: []string{"create secret", "forbidden"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSpace(t, c.labels)
			if c.prepare != nil {
				c.prepare(t, s)
			}
			e := s.engine(t)
			if c.engine != nil {
				e = c.engine(t, s)
			}
			container := shell("echo one; sleep 100")
			container.Grace = time.Second
			container.Files = []plan.File{{Path: "/file", Mode: 0o444, Content: []byte("content")}}
			container.Env = []plan.EnvVar{{Name: "A", Value: plan.Hidden(plan.NewSecret("s/k", "the-secret"))}}
			if c.change != nil {
				c.change(&container)
			}
			began := time.Now()
			exit, _, err := start(t, t.Context(), e, container, nil)
			failure, ok := errors.AsType[*engine.Error](err)
			if !ok {
				t.Fatalf("exit %+v, error %v (%T), want an *engine.Error", exit, err, err)
			}
			t.Logf("%v: %v; %+v", time.Since(began).Round(time.Millisecond), err, failure.Remedy)
			if failure.Reason != c.reason || !strings.Contains(failure.Remedy.Text, c.remedy) || !failure.Remedy.Known() {
				t.Errorf("reason %s with remedy %+v, want %s and what to do: %s", failure.Reason, failure.Remedy, c.reason, c.remedy)
			}
			if strings.Contains(err.Error(), "delete ") {
				t.Errorf("error %q is of a removal", err)
			}
			for _, words := range c.words {
				if !strings.Contains(err.Error(), words) {
					t.Errorf("error %q has no %q", err, words)
				}
			}
			if took := time.Since(began); took > 30*time.Second {
				t.Errorf("it took %v", took)
			}
			if strings.HasPrefix(name, "no right to") { // the cluster removes a pod that cannot be seen, or that comes late
				eventually(t, "the pod is gone", func() bool { return len(s.left(t)) == 0 })
			}
			s.nothingLeft(t)
		})
	}
}

// TestUserWithTheRights holds that the rights which are asked for suffice.
func TestUserWithTheRights(t *testing.T) {
	t.Parallel()
	s := newSpace(t, nil)
	c := shell("cat /file; exit 3")
	c.Files = []plan.File{{Path: "/file", Mode: 0o444, Content: []byte("content\n")}}
	c.Env = []plan.EnvVar{{Name: "A", Value: plan.Hidden(plan.NewSecret("s/k", "the-secret"))}}
	exit, heard, err := start(t, t.Context(), s.engineOf(t, someRights("")), c, nil)
	if lines := heard.Lines("", engine.Stdout); err != nil || exit.Code != 3 || len(lines) != 1 || lines[0] != "content" {
		t.Errorf("exit %+v, error %v, output %q", exit, err, lines)
	}
	s.nothingLeft(t)
}
