package docker_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/events"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/docker"
	"github.com/ktask/ktask/engine/enginetest"
	"github.com/ktask/ktask/engine/plan"
	"github.com/ktask/ktask/integration/engines"
)

// retried returns a task that has n attempts, without waits.
func retried(c plan.Container, n int) plan.Task {
	return plan.Task{Name: "task", Container: c, Retry: plan.Retry{Limit: n - 1}, Semantics: plan.Local}
}

// carryOut runs one task with a Runner. It fails the test if something is left on the engine, whatever the outcome.
func carryOut(t *testing.T, ctx context.Context, e *docker.Engine, task plan.Task, also ...engine.Sink) (engine.TaskResult, *enginetest.Recorder) {
	t.Helper()
	var heard enginetest.Recorder
	r := engine.Runner{Engine: e, RunID: runOf(t), Owner: "test", Version: "test", Sink: engine.SinkFunc(func(event engine.Event) {
		heard.Emit(event)
		for _, sink := range also {
			sink.Emit(event)
		}
	})}
	result, err := r.Run(ctx, plan.Plan{Tasks: []plan.Task{task}})
	if err != nil {
		t.Fatalf("run: %v", err)
	}
	if err := heard.Check(); err != nil {
		t.Error(err)
	}
	nothingLeft(t, e)
	return result.Tasks[0], &heard
}

// created returns a function that counts, by kind, what the engine has created for this test's run since.
func created(t *testing.T) (count func() map[events.Type]int) {
	t.Helper()
	log := listen(t, "")
	return func() map[events.Type]int {
		t.Helper()
		counts, seen := map[events.Type]int{}, map[string]bool{}
		for _, event := range log.all(t) {
			// Engines report the labels of containers only, and a volume more than once.
			name := event.Actor.Attributes["name"] + event.Actor.ID
			if event.Action == events.ActionCreate && strings.Contains(name, strings.ReplaceAll(runOf(t), "/", "-")) && !seen[name] {
				seen[name] = true
				counts[event.Type]++
			}
		}
		return counts
	}
}

func TestAttemptsShareVolumes(t *testing.T) {
	e := connect(t, docker.Options{})
	const size = 3 << 20
	tests := map[string]struct {
		tmpfs  []plan.Tmpfs
		script string
		want   string
	}{
		"one mount": {
			[]plan.Tmpfs{{Name: "v", Path: "/cache", SizeBytes: size}},
			`stat -c %a /cache; df -k /cache | tail -1 | awk '{print $1, $2}'; cat /cache/log; echo "$$ $(id -u)" >>/cache/log; dd if=/dev/zero of=/cache/x bs=1k count=4k 2>/dev/null || stat -c %s /cache/x; rm /cache/x`,
			"1777\ntmpfs 3072\n3141632\n1777\ntmpfs 3072\n1 1234\n3141632\n1777\ntmpfs 3072\n1 1234\n1 1234\n3141632",
		},
		"two mounts, one of them read-only": {
			[]plan.Tmpfs{{Name: "v", Path: "/cache", SizeBytes: size}, {Name: "v", Path: "/ro", SizeBytes: size, ReadOnly: true}},
			`cat /ro/log; echo more >>/cache/log; echo >/ro/log || echo read-only`,
			"read-only\nmore\nread-only\nmore\nmore\nread-only",
		},
		"one part at two places": {
			[]plan.Tmpfs{{Name: "v", Path: "/a", SubPath: "x/y", SizeBytes: size}, {Name: "v", Path: "/b", SubPath: "x/y", SizeBytes: size}},
			`cat /a/log; ls -d /a/x; echo more >>/b/log`,
			"more\nmore\nmore",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			c := shell(`test -e /tmp/stale && echo stale; touch /tmp/stale; ` + test.script + `; exit 1`)
			c.Tmpfs, c.User = test.tmpfs, "1234"
			result, heard := carryOut(t, t.Context(), e, retried(c, 3))
			if result.Status != engine.Failed || len(result.Attempts) != 3 {
				t.Errorf("result %+v", result)
			}
			if got := strings.Join(heard.Lines("", engine.Stdout), "\n"); got != test.want {
				t.Errorf("got\n%s\nwant\n%s\nstderr %q", got, test.want, heard.Lines("", engine.Stderr))
			}
		})
	}
}

// TestOnlyRetriedVolumesCost counts what the engine creates: for a task without retries, or without a volume, only its own
// containers.
func TestOnlyRetriedVolumesCost(t *testing.T) {
	e := connect(t, docker.Options{})
	tests := map[string]struct {
		volume   bool
		message  string
		attempts int
		want     map[events.Type]int
	}{
		"one attempt":               {true, "", 1, map[events.Type]int{events.ContainerEventType: 1}},
		"no volume":                 {false, "", 2, map[events.Type]int{events.ContainerEventType: 2}},
		"two attempts and a volume": {true, "", 2, map[events.Type]int{events.ContainerEventType: 3, events.VolumeEventType: 1}},
		"a message":                 {false, "/dev/termination-log", 1, map[events.Type]int{events.ContainerEventType: 1}},
		"a message elsewhere":       {false, "/reason", 1, map[events.Type]int{events.ContainerEventType: 1, events.VolumeEventType: 1}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			count := created(t)
			c := shell("exit 1")
			if test.volume {
				c.Tmpfs = []plan.Tmpfs{{Name: "v", Path: "/cache", SizeBytes: 1 << 20}}
			}
			c.TerminationMessage.Path = test.message
			carryOut(t, t.Context(), e, retried(c, test.attempts))
			if got := count(); !maps.Equal(got, test.want) {
				t.Errorf("made %v, want %v", got, test.want)
			}
		})
	}
}

// TestLostVolumesAreTold ends the keeper between two attempts: the next one fails, since it would find its volume empty.
func TestLostVolumesAreTold(t *testing.T) {
	e := connect(t, docker.Options{})
	for name, end := range map[string]func(id string) error{
		"killed": func(id string) error { return api(t).ContainerKill(t.Context(), id, "KILL") },
		"removed": func(id string) error {
			return api(t).ContainerRemove(t.Context(), id, container.RemoveOptions{Force: true})
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := shell("exit 1")
			c.Tmpfs = []plan.Tmpfs{{Name: "v", Path: "/cache", SizeBytes: 1 << 20}}
			release, err := e.KeepVolumes(t.Context(), c, labels(t, 0))
			if err != nil {
				t.Fatalf("keep volumes: %v", err)
			}
			for attempt := range 2 { // while the keeper runs
				if exit, err := engine.Attempt(t.Context(), e, c, labels(t, attempt+1), &enginetest.Recorder{}); err != nil || exit.Code != 1 {
					t.Errorf("attempt %d: exit %+v, error %v", attempt+1, exit, err)
				}
			}
			left, err := e.Leftovers(t.Context(), runOf(t))
			if err != nil || len(left) != 2 || left[0].Labels != labels(t, 0) || !left[0].Running || left[0].Kept {
				t.Fatalf("left %+v, error %v; want the keeper and its volume", left, err)
			}
			if err := end(left[0].ID); err != nil {
				t.Fatal(err)
			}
			engines.Await(t, "the keeper ends", func() bool {
				found, err := api(t).ContainerInspect(t.Context(), left[0].ID)
				return err != nil || !found.State.Running
			})
			_, err = engine.Attempt(t.Context(), e, c, labels(t, 3), &enginetest.Recorder{})
			wantReason(t, err, engine.EngineLost, left[0].Name)
			if err := release(t.Context()); err != nil {
				t.Errorf("release: %v", err)
			}
			nothingLeft(t, e)
		})
	}
}

// TestKeepOfAttemptsWithSharedVolumes keeps the containers and with them their volumes and messages, but not the keeper.
func TestKeepOfAttemptsWithSharedVolumes(t *testing.T) {
	e := connect(t, docker.Options{Keep: docker.KeepFailed})
	c := shell("exit 1")
	c.Tmpfs = []plan.Tmpfs{{Name: "v", Path: "/cache", SizeBytes: 1 << 20}}
	r := engine.Runner{Engine: e, RunID: runOf(t), Owner: "test", Version: "test"}
	result, err := r.Run(t.Context(), plan.Plan{Tasks: []plan.Task{retried(c, 2)}})
	if err != nil || result.Status != engine.Failed || strings.Contains(result.Tasks[0].Message, "volume") {
		t.Errorf("result %+v, error %v", result, err)
	}
	left, err := e.Leftovers(t.Context(), runOf(t))
	var names []string
	for _, l := range left {
		names = append(names, fmt.Sprint(l.Kind, " ", strings.TrimPrefix(l.Name, "ktask-"+runOf(t)), " ", l.Kept))
	}
	slices.Sort(names)
	if got, want := strings.Join(names, ", "), "container -task-1-kept true, container -task-2-kept true, volume -task-0-1 true, volume -task-1-2 true, volume -task-2-2 true"; err != nil || got != want {
		t.Errorf("left %q, want %q, error %v", got, want, err)
	}
	for _, l := range left {
		if err := e.Remove(t.Context(), l); err != nil {
			t.Errorf("remove: %v", err)
		}
	}
	nothingLeft(t, e)
}

// TestNoKeeperForTheArchitecture uses an image of an architecture for which there is no keeper: the task fails instead of
// using a volume without a limit. The image is busybox with the name of another architecture, so that it runs here.
func TestNoKeeperForTheArchitecture(t *testing.T) {
	e := connect(t, docker.Options{})
	saved, err := api(t).ImageSave(t.Context(), []string{busybox})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = saved.Close() }()
	content, err := io.ReadAll(saved)
	if err != nil {
		t.Fatal(err)
	}
	const odd = "ktask.local/busybox:odd" // of the same length as the other name, since an archive contains lengths
	content = bytes.ReplaceAll(content, []byte(busybox), []byte(odd))
	content = regexp.MustCompile(`"architecture":"(amd64|arm64)"`).ReplaceAll(content, []byte(`"architecture":"s390x"`))
	loaded, err := api(t).ImageLoad(t.Context(), bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, loaded.Body)
	_ = loaded.Body.Close()
	t.Cleanup(func() { removeImage(t, odd) })

	c := shell("echo ran; exit 1")
	c.Image = odd
	c.Tmpfs = []plan.Tmpfs{{Name: "v", Path: "/cache", SizeBytes: 1 << 20}}
	result, heard := carryOut(t, t.Context(), e, retried(c, 2))
	if got := heard.Lines("", engine.Stdout); len(got) > 0 || result.Status != engine.Errored || !strings.Contains(result.Message, "s390x") {
		t.Errorf("output %q, result %+v", got, result)
	}
	if result, heard := carryOut(t, t.Context(), e, retried(c, 1)); result.Status != engine.Failed || len(heard.Lines("", engine.Stdout)) != 1 {
		t.Errorf("a single attempt: result %+v", result)
	}
}
