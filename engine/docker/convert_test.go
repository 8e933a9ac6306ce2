package docker

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/plan"
)

var update = flag.Bool("update", false, "write the goldens")

var testLabels = engine.Labels{Run: "r1", Task: "hello", Attempt: 2, Owner: "host 1 2", Version: "v1"}

// TestConvertGolden compares the requests for containers with goldens, which are JSON as the engine gets it.
func TestConvertGolden(t *testing.T) {
	token := plan.Hidden(plan.NewSecret("s/k", "revealed"))
	shared := plan.Container{Image: "img", Tmpfs: []plan.Tmpfs{
		{Name: "once", Path: "/once", SizeBytes: 1 << 20},
		{Name: "parts", Path: "/a", SubPath: "a", ReadOnly: true}, {Name: "parts", Path: "/b", SubPath: "b", SizeBytes: 1},
	}}
	tests := map[string]struct {
		container plan.Container
		known     facts
	}{
		"minimal": {container: plan.Container{Image: "img"}},
		"process": {container: plan.Container{
			Image: "img", Platform: "linux/arm64/v8", Command: []plan.Text{plan.Plain("run"), token}, WorkingDir: "/w", User: "1:2",
			Env:     []plan.EnvVar{{Name: "B", Value: token}, {Name: "A", Value: plan.Join(plan.Plain("x="), token)}},
			Network: "host", TTY: true, Stdin: true, Grace: 1500 * time.Millisecond,
		}},
		"args alone":               {container: plan.Container{Image: "img", Args: plan.Texts([]string{"a"})}},
		"command and args":         {container: plan.Container{Image: "img", Command: plan.Texts([]string{"c"}), Args: plan.Texts([]string{"a"})}},
		"more CPUs than there are": {container: plan.Container{Image: "img", Limits: plan.Limits{NanoCPUs: 64e9}}, known: facts{machine: machine{cpus: 2}}},
		"limits and mounts": {container: plan.Container{
			Image: "img", Limits: plan.Limits{MemoryBytes: 64 << 20, NanoCPUs: 5e8, Pids: 100},
			Mounts: []plan.Mount{{Source: "/src", Target: "/dst", ReadOnly: true}},
		}},
		"security": {container: plan.Container{Image: "img", User: "1000", Security: plan.Security{
			ReadOnlyRootfs: true, NoNewPrivileges: true, Privileged: true, RunAsNonRoot: true,
			CapAdd: []string{"NET_ADMIN"}, CapDrop: []string{"ALL"}, Seccomp: "Unconfined", UnmaskedProc: true,
		}}},
		"tmpfs": {
			container: plan.Container{Image: "img", Limits: plan.Limits{MemoryBytes: 1 << 30}, Tmpfs: []plan.Tmpfs{
				{Name: "once", Path: "/once", SizeBytes: 1 << 20},
				{Name: "twice", Path: "/twice", SizeBytes: 1 << 30}, {Name: "twice", Path: "/again", SizeBytes: 1 << 30, ReadOnly: true},
				{Name: "parts", Path: "/a", SubPath: "a", ReadOnly: true}, {Name: "parts", Path: "/b", SubPath: "./b/", SizeBytes: 1},
				{Name: "nested", Path: "/all"}, {Name: "nested", Path: "/part", SubPath: "x/y"},
			}},
			known: facts{machine: machine{memoryBytes: 64 << 20}},
		},
		"tmpfs shared": {container: shared, known: facts{shared: true}},
		"extra hosts":  {container: plan.Container{Image: "img", Network: "suite"}, known: facts{extraHosts: []string{"host.docker.internal:host-gateway"}}},
		"message": {container: plan.Container{
			Image: "img", TerminationMessage: plan.TerminationMessage{Path: "/dev/termination-log"}, Tmpfs: []plan.Tmpfs{{Name: "parts", Path: "/a"}, {Name: "parts", Path: "/b"}},
		}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if test.container.TerminationMessage.Path == "" {
				test.known.messageFile = "/dev/shm/file"
			}
			r, err := convert(test.container, testLabels, test.known)
			if err != nil {
				t.Fatal(err)
			}
			got, err := json.MarshalIndent(map[string]any{
				"name": r.name, "config": r.config, "host": r.host, "platform": r.platform,
				"volumes": r.volumes,
			}, "", "  ")
			if err != nil {
				t.Fatal(err)
			}
			golden(t, strings.ReplaceAll(name, " ", "-")+".json", append(got, '\n'))
		})
	}
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", "convert", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s is no longer what the conversion gives (go test -update writes it):\n%s", path, got)
	}
}

func TestProcessUser(t *testing.T) {
	tests := []struct {
		user, image string
		nonRoot     bool
		want        string
		refused     bool
	}{
		{user: "", image: "app", want: ""},
		{user: "", image: "app:staff", want: "app"},
		{user: "", image: "7:8", want: "7"},
		{user: "", image: ":8", want: "0"},
		{user: "0", want: "0"},
		{user: ":5", image: "", want: "0:5"},
		{user: ":5", image: "7:8", want: "7:5"},
		{user: ":5", image: "app:app", want: "app:5"},
		{nonRoot: true, user: "1000", image: "root", want: "1000"},
		{nonRoot: true, user: "0", image: "1000", refused: true},
		{nonRoot: true, user: "00:5", image: "1000", refused: true},
		{nonRoot: true, image: "1000:0", want: "1000"},
		{nonRoot: true, user: ":5", image: "1000", want: "1000:5"},
		{nonRoot: true, image: "", refused: true},
		{nonRoot: true, image: "0", refused: true},
		{nonRoot: true, image: "0:1000", refused: true},
		{nonRoot: true, image: "app", refused: true},
		{nonRoot: true, user: ":5", image: "", refused: true},
	}
	for _, test := range tests {
		c := plan.Container{User: test.user, Security: plan.Security{RunAsNonRoot: test.nonRoot}}
		got, err := processUser(c, imageFacts{user: test.image})
		failure, _ := errors.AsType[*engine.Error](err)
		if got != test.want || test.refused != (failure != nil && failure.Reason == engine.ImageRunsAsRoot) {
			t.Errorf("%+v: got %q, error %v", test, got, err)
		}
	}
}

func TestContainerName(t *testing.T) {
	named := func(run, task string) string { return containerName(engine.Labels{Run: run, Task: task, Attempt: 3}) }
	if got := named("r", "hello.world_1"); got != "ktask-r-hello.world_1-3" {
		t.Errorf("got %q", got)
	}
	long := strings.Repeat("x", 300)
	seen := map[string]string{}
	for _, task := range []string{"a/b", "a-b", "a:b", "ä-b", long, long + "y"} {
		name := named("r", task)
		if other, ok := seen[name]; ok {
			t.Errorf("tasks %q and %q are both %q", task, other, name)
		}
		seen[name] = task
		if len(name) > longestName || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" || !strings.HasSuffix(name, "-3") {
			t.Errorf("task %q is %q", task, name)
		}
	}
}

func TestLabelsAreReadBack(t *testing.T) {
	if got := labelsOf(labelMap(testLabels)); got != testLabels {
		t.Errorf("got %+v", got)
	}
}

// TestExtraHostsNeedANetwork converts containers whose network has no use for names of hosts.
func TestExtraHostsNeedANetwork(t *testing.T) {
	e := Engine{extraHosts: []string{"a:192.0.2.1"}}
	for network, want := range map[string]int{"none": 0, "host": 0, "container:other": 0, "": 1, "suite": 1} {
		if hosts, err := e.hosts(t.Context(), network); len(hosts) != want || err != nil {
			t.Errorf("network %q: hosts %v, error %v", network, hosts, err)
		}
	}
}

// TestLabelsOfARunAreNotReplaced: with other labels of that kind, a container could be taken for that of another run.
func TestLabelsOfARunAreNotReplaced(t *testing.T) {
	if _, err := New(Options{Labels: map[string]string{labelRun: "x"}}); !hasReason(err, engine.EngineRefused) {
		t.Errorf("error %v", err)
	}
}

func TestSignalName(t *testing.T) {
	for code, want := range map[int]string{0: "", 1: "", 128: "", 137: "SIGKILL", 143: "SIGTERM", 150: "", 255: ""} {
		if got := signalName(code); got != want {
			t.Errorf("%d is %q, want %q", code, got, want)
		}
	}
}

// TestOddPathsAreRefused converts paths in which an engine could read more than a path: they are refused, whoever made the
// plan.
func TestOddPathsAreRefused(t *testing.T) {
	for _, odd := range []string{"/a,source=/", `/a"b`, "/a\nb", "/a\x00"} {
		for name, c := range map[string]plan.Container{
			"a volume": {Tmpfs: []plan.Tmpfs{{Name: "v", Path: odd}}}, "a message": {TerminationMessage: plan.TerminationMessage{Path: odd}},
			"a source": {Mounts: []plan.Mount{{Source: odd, Target: "/t"}}}, "a target": {Mounts: []plan.Mount{{Source: "/s", Target: odd}}},
		} {
			if _, err := convert(c, testLabels, facts{}); !hasReason(err, engine.EngineRefused) {
				t.Errorf("%s at %q: error %v", name, odd, err)
			}
		}
	}
}

// FuzzLabels parses labels and names as anybody can give them to a container: only a name that derives from the labels is
// ktask's.
func FuzzLabels(f *testing.F) {
	f.Add("r1", "hello", "2", "318", "ktask-r1-hello-2")
	f.Add("r1", "hello", "2", "-1", "ktask-r1-hello-2-kept")
	f.Add("", "", "x", "99999999999999999999", "ktask---0")
	f.Add("../..", "a\x00b", "9223372036854775807", "2147483647", "x")
	f.Fuzz(func(t *testing.T, run, task, attempt, lifetime, name string) {
		l := labelsOf(map[string]string{labelRun: run, labelTask: task, labelAttempt: attempt, labelLifetime: lifetime})
		if l.Run != run || l.Task != task || l.Lifetime < 0 {
			t.Fatalf("read as %+v", l)
		}
		if named(name, l) && !strings.HasPrefix(name, containerName(l)) {
			t.Errorf("%q is taken for a name of %+v", name, l)
		}
		if again := labelsOf(labelMap(l)); again != l {
			t.Errorf("%+v is read back as %+v", l, again)
		}
		for _, own := range []string{containerName(l), containerName(l) + keptEnding, volumeName(l, 7)} {
			if !named(own, l) {
				t.Errorf("%q is not taken for a name of %+v", own, l)
			}
		}
		other := l
		other.Run += "x"
		if named(containerName(l), other) {
			t.Errorf("the name of another run is taken for one of %+v", other)
		}
	})
}
