package docker_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/docker/docker/api/types/volume"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/docker"
	"github.com/ktask/ktask/engine/enginetest"
	"github.com/ktask/ktask/engine/plan"
)

// partsOf returns a container that mounts a volume as a whole and parts of it.
func partsOf(subPath string) []plan.Tmpfs {
	const size = 3 << 20
	return []plan.Tmpfs{
		{Name: "v", Path: "/all", SizeBytes: size}, {Name: "v", Path: "/part", SubPath: subPath, SizeBytes: size},
		{Name: "v", Path: "/ro", SubPath: subPath, SizeBytes: size, ReadOnly: true}, {Name: "v", Path: "/other", SubPath: "other", SizeBytes: size},
	}
}

// refusesParts uses an engine that cannot mount parts of a volume safely: ktask refuses before it creates anything.
func refusesParts(t *testing.T, o docker.Options) {
	e := connect(t, o)
	c := shell("echo ran")
	c.Tmpfs = partsOf("s")
	wantReason(t, e.Prepare(t.Context(), c, &enginetest.Recorder{}), engine.EngineRefused, "different subPaths")
	for attempts := range 2 {
		result, heard := carryOut(t, t.Context(), e, retried(c, attempts+1))
		if result.Status != engine.Errored || len(heard.Lines("", engine.Stdout)) > 0 || !strings.Contains(result.Remedy.Text, "Docker 26") {
			t.Errorf("result %+v", result)
		}
	}
	_, err := engine.Attempt(t.Context(), e, c, labels(t, 1), &enginetest.Recorder{})
	wantReason(t, err, engine.EngineRefused, "different subPaths")
	nothingLeft(t, e)
}

// mountsParts uses an engine that can mount parts of a volume.
func mountsParts(t *testing.T, o docker.Options) {
	e := connect(t, o)
	for name, subPath := range map[string]string{"a directory": "s", "directories": "x/y/z", "an odd name": "a:b c"} {
		t.Run(name, func(t *testing.T) {
			c := shell(`stat -c %a /part /other; df -k /part | tail -1 | awk '{print $2}'; cat "/all/$0/log"; ls /other
				echo more >>/part/log; echo no >/ro/log || echo read-only; head -c 2097152 /dev/zero >/part/y; head -c 2097152 /dev/zero >/other/x 2>/dev/null; test $(stat -c %s /other/x) -lt 1048577 && echo shared; rm /part/y /other/x; exit 1`)
			c.Args = plan.Texts([]string{subPath})
			c.User, c.Network, c.Tmpfs = "1234", "none", partsOf(subPath)
			for attempts, want := range [][]string{
				{"1777", "1777", "3072", "read-only", "shared"},
				{"1777", "1777", "3072", "read-only", "shared", "1777", "1777", "3072", "more", "read-only", "shared"},
			} {
				result, heard := carryOut(t, t.Context(), e, retried(c, attempts+1))
				if got := heard.Lines("", engine.Stdout); result.Status != engine.Failed || !slices.Equal(got, want) {
					t.Errorf("%d attempts: result %+v, got %q, want %q, stderr %q", attempts+1, result, got, want, heard.Lines("", engine.Stderr))
				}
			}
		})
	}
}

// partsDoNotLead runs a task that replaces a part with a link for its next attempt, which can neither read nor write a file of
// the engine's machine through the link.
func partsDoNotLead(t *testing.T, o docker.Options) {
	e := connect(t, o)
	for name, link := range map[string]string{
		"to the root": "/", "to a directory": "/etc", "up": "../../../../..", "to itself": "s", "to a process": "/proc/1/root", "to nothing": "/no/such",
	} {
		t.Run(name, func(t *testing.T) {
			c := shell(`test -L /all/s && { ls /part; touch /part/ktask-was-here; exit 3; }; rmdir /all/s && ln -s "$0" /all/s; exit 1`)
			c.Args = plan.Texts([]string{link})
			c.Network = "none"
			c.Tmpfs = []plan.Tmpfs{{Name: "v", Path: "/all", SizeBytes: 1 << 20}, {Name: "v", Path: "/part", SubPath: "s", SizeBytes: 1 << 20}}
			result, heard := carryOut(t, t.Context(), e, retried(c, 2))
			if got := heard.Lines("", engine.Stdout); len(got) > 0 || result.Status != engine.Errored {
				t.Errorf("result %+v, output %q", result, got)
			}
		})
	}
}

// volumesLeft returns the names of all volumes on an engine.
func volumesLeft(t *testing.T, host string) []string {
	t.Helper()
	found, err := apiAt(t, host).VolumeList(context.WithoutCancel(t.Context()), volume.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, v := range found.Volumes {
		names = append(names, v.Name)
	}
	return names
}

func TestPartsOfVolumes(t *testing.T) { refusesParts(t, docker.Options{}) }
