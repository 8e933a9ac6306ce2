//go:build cluster

package kubernetes_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/plan"
)

// TestMuchOutput runs a container whose output is so long that the kubelet begins a new file of it: it looks every ten seconds.
func TestMuchOutput(t *testing.T) {
	t.Parallel()
	s := newSpace(t, nil)
	const lines = 110_000
	filler := strings.Repeat("x", 100)
	script := fmt.Sprintf(`i=0; while [ $i -lt %d ]; do echo "$i %s"; i=$((i+1)); [ $i != 90000 ] || sleep 12; done`, lines, filler)
	_, heard, err := start(t, t.Context(), s.engine(t), shell(script), nil)
	if err != nil {
		t.Fatal(err)
	}
	got := heard.Lines("", engine.Stdout)
	if len(got) != lines {
		t.Errorf("%d lines, want %d", len(got), lines)
	}
	for i, line := range got {
		if want := fmt.Sprintf("%d %s", i, filler); line != want {
			t.Fatalf("line %d is %.150q, want %q", i, line, want)
		}
	}
}

// TestOrderOfStreams holds that each stream is complete and in its order; between them the order is not known.
func TestOrderOfStreams(t *testing.T) {
	t.Parallel()
	s := newSpace(t, nil)
	const lines = 2000
	script := fmt.Sprintf(`i=0; while [ $i -lt %d ]; do echo "out $i"; echo "err $i" >&2; i=$((i+1)); done`, lines)
	_, heard, err := start(t, t.Context(), s.engine(t), shell(script), nil)
	if err != nil {
		t.Fatal(err)
	}
	next := map[string]int{}
	for _, line := range heard.Lines("", engine.Stdout) {
		stream, _, _ := strings.Cut(line, " ")
		if want := fmt.Sprintf("%s %d", stream, next[stream]); line != want {
			t.Fatalf("line %q, want %q", line, want)
		}
		next[stream]++
	}
	if next["out"] != lines || next["err"] != lines {
		t.Errorf("lines of the streams: %v, want %d each", next, lines)
	}
}

func TestEnds(t *testing.T) {
	secret := plan.NewSecret("s/k", "the-secret")
	for name, c := range map[string]struct {
		script string
		change func(*plan.Container)
		want   engine.Exit
	}{
		"too much memory": {
			script: "tail /dev/zero", change: func(c *plan.Container) { c.Limits.MemoryBytes = 16 << 20 },
			want: engine.Exit{Code: 137, Signal: "SIGKILL", OOMKilled: true, Reason: engine.OOMKilled},
		},
		"a termination message": {
			script: "echo why >/tmp/message; echo output; exit 3", change: func(c *plan.Container) { c.TerminationMessage.Path = "/tmp/message" },
			want: engine.Exit{Code: 3, Message: "why\n"},
		},
		"a termination message of a task that passes": {
			script: "echo done >/dev/termination-log", want: engine.Exit{Message: "done\n"},
		},
		"the end of the output as termination message": {
			script: "echo output; exit 3", change: func(c *plan.Container) { c.TerminationMessage.FallbackToLogs = true },
			want: engine.Exit{Code: 3, Message: "output\n"},
		},
		"a secret in a termination message": {
			script: "echo it is $A >/dev/termination-log; exit 1",
			change: func(c *plan.Container) { c.Env = []plan.EnvVar{{Name: "A", Value: plan.Hidden(secret)}} },
			want:   engine.Exit{Code: 1, Message: "it is " + plan.Mask + "\n"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSpace(t, nil)
			container := shell(c.script)
			if c.change != nil {
				c.change(&container)
			}
			got, _, err := start(t, t.Context(), s.engine(t), container, nil)
			if err != nil {
				t.Fatal(err)
			}
			got.Started, got.Finished, got.ImageDigest = c.want.Started, c.want.Finished, ""
			if got != c.want {
				t.Errorf("exit %+v, want %+v", got, c.want)
			}
			s.nothingLeft(t)
		})
	}
}

// TestDeadline holds that a timeout stops the container with its grace.
func TestDeadline(t *testing.T) {
	t.Parallel()
	s := newSpace(t, nil)
	ctx, cancel := context.WithTimeoutCause(t.Context(), 4*time.Second, errors.New("over time"))
	defer cancel()
	exit, heard, err := start(t, ctx, s.engine(t), shell(`trap 'echo last words; exit 9' TERM; echo ready; while :; do sleep 0.1; done`), nil)
	if err != nil || exit.Code != 9 || !exit.Stopped {
		t.Errorf("exit %+v, error %v", exit, err)
	}
	if got := heard.Lines("", engine.Stdout); len(got) != 2 || got[1] != "last words" {
		t.Errorf("output %q", got)
	}
	s.nothingLeft(t)
}

// TestSecretsAreNowhereElse reads all objects of a namespace while a container with a secret runs in it.
func TestSecretsAreNowhereElse(t *testing.T) {
	t.Parallel()
	s := newSpace(t, nil)
	const value = "correct-horse-battery"
	c := shell("echo ready; sleep 1000")
	c.Grace = time.Second
	secret := plan.Hidden(plan.NewSecret("s/k", value))
	c.Env = []plan.EnvVar{{Name: "A", Value: secret}, {Name: "B", Value: plan.Join(plan.Plain("x "), secret)}}
	c.Args = []plan.Text{secret}
	c.Files = []plan.File{{Path: "/file", Mode: 0o444, Content: []byte("content")}}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	_, _, err := start(t, ctx, s.engine(t), c, func(string) {
		defer cancel()
		for _, resource := range []string{"jobs", "pods", "configmaps", "events"} {
			all := s.list(t, resource)
			if len(all) == 0 {
				t.Errorf("there are no %s", resource)
			}
			if text := text(t, all); strings.Contains(text, value) || strings.Contains(text, base64.StdEncoding.EncodeToString([]byte(value))) {
				t.Errorf("the secret is in %s: %s", resource, text)
			}
		}
		if !strings.Contains(text(t, s.list(t, "secrets")), base64.StdEncoding.EncodeToString([]byte(value))) {
			t.Error("the secret is not in the Secret either")
		}
	})
	if err != nil {
		t.Error(err)
	}
	s.nothingLeft(t)
}

// TestRemovedBySomebodyElse holds that an attempt whose pod or Job somebody deletes is no failure of the task.
func TestRemovedBySomebodyElse(t *testing.T) {
	now, background := int64(0), metav1.DeletePropagationBackground
	for name, c := range map[string]struct {
		resource string
		options  metav1.DeleteOptions
		image    string
	}{
		"a pod":                        {"pods", metav1.DeleteOptions{}, busybox},
		"a pod, by force":              {"pods", metav1.DeleteOptions{GracePeriodSeconds: &now}, busybox},
		"a Job":                        {"jobs", metav1.DeleteOptions{PropagationPolicy: &background}, busybox},
		"a Job that has no pod so far": {"jobs", metav1.DeleteOptions{PropagationPolicy: &background}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSpace(t, nil)
			container := shell("trap 'exit 0' TERM; echo ready; while :; do sleep 0.1; done")
			remove := func(string) {
				for _, object := range s.list(t, c.resource) {
					if err := s.of(c.resource).Delete(context.WithoutCancel(t.Context()), object.GetName(), c.options); err != nil {
						t.Error(err)
					}
				}
			}
			if c.image == "" {
				s.create(t, "resourcequotas", `{apiVersion: v1, kind: ResourceQuota, metadata: {name: few}, spec: {hard: {pods: "0"}}}`)
				eventually(t, "the quota is in force", func() bool {
					return strings.Contains(text(t, s.list(t, "resourcequotas")), `"used":{"pods"`)
				})
				// Without the right to see events the refusal is not known.
				go func() {
					eventually(t, "the Job is there", func() bool { return len(s.list(t, "jobs")) == 1 })
					remove("")
				}()
			}
			e := s.engine(t)
			if c.image == "" {
				e = s.engineOf(t, someRights("events"))
			}
			exit, _, err := start(t, t.Context(), e, container, remove)
			failure, ok := errors.AsType[*engine.Error](err)
			if !ok || failure.Reason != engine.ContainerRemoved || !failure.Remedy.Known() {
				t.Errorf("exit %+v, error %v, want ContainerRemoved and what to do", exit, err)
			}
			s.nothingLeft(t)
		})
	}
}

// starts collects the attempts of a task, and calls a function when the first one prints something.
type starts struct {
	printed func()
	output  []string
	ends    []engine.Exit
}

func (s *starts) Start() engine.Output {
	s.output = append(s.output, "")
	return engine.Output{Stdout: s, Message: func(io.Reader) error { return nil }}
}

func (s *starts) End(exit engine.Exit, _ *engine.Verdict) { s.ends = append(s.ends, exit) }

func (s *starts) Write(p []byte) (int, error) {
	s.output[len(s.output)-1] += string(p)
	if s.printed != nil {
		s.printed()
		s.printed = nil
	}
	return len(p), nil
}

// runTask runs a task as one Job. resource is deleted when the task prints something.
func (s space) runTask(t *testing.T, script, resource string, options metav1.DeleteOptions) (*starts, engine.Verdict, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	seen := &starts{printed: func() {
		for _, object := range s.list(t, resource) {
			if err := s.of(resource).Delete(ctx, object.GetName(), options); err != nil {
				t.Error(err)
			}
		}
	}}
	task := plan.Task{Name: "task", Semantics: plan.Cluster, Timeout: time.Hour, Container: shell(script), Retry: plan.Retry{Limit: 3}}
	task.Container.Grace = time.Second
	verdict, err := s.engine(t).RunTask(ctx, task, engine.Labels{Run: "r", Task: "task"}, seen)
	s.nothingLeft(t)
	return seen, verdict, err
}

// TestTaskRemovedBySomebodyElse holds that a task ends when somebody deletes its Job, which has no verdict then.
func TestTaskRemovedBySomebodyElse(t *testing.T) {
	for _, policy := range []metav1.DeletionPropagation{metav1.DeletePropagationBackground, metav1.DeletePropagationForeground} {
		t.Run(string(policy), func(t *testing.T) {
			t.Parallel()
			_, verdict, err := newSpace(t, nil).runTask(t, "echo ready; sleep 100", "jobs", metav1.DeleteOptions{PropagationPolicy: &policy})
			failure, ok := errors.AsType[*engine.Error](err)
			if !ok || failure.Reason != engine.ContainerRemoved {
				t.Errorf("verdict %+v, error %v, want ContainerRemoved", verdict, err)
			}
		})
	}
}

// TestPodReplaced holds that a task goes on in the pod that its Job makes when somebody deletes the one before.
func TestPodReplaced(t *testing.T) {
	for name, options := range map[string]metav1.DeleteOptions{"politely": {}, "by force": {GracePeriodSeconds: new(int64(0))}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			seen, verdict, err := newSpace(t, nil).runTask(t, "echo $HOSTNAME; sleep 6; echo over", "pods", options)
			if err != nil || verdict.Status != engine.Passed || len(seen.ends) != 2 || !seen.ends[0].Stopped || seen.ends[1].Code != 0 {
				t.Fatalf("verdict %+v, error %v, starts %+v", verdict, err, seen)
			}
			if first, second := seen.output[0], seen.output[1]; first == second || strings.Contains(first, "over") || !strings.HasSuffix(second, "\nover\n") {
				t.Errorf("output %q", seen.output)
			}
		})
	}
}
