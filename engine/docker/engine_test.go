package docker_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/docker"
	"github.com/ktask/ktask/engine/enginetest"
	"github.com/ktask/ktask/engine/plan"
)

// busybox is the image that `make images` builds.
const busybox = "ktask.local/busybox:dev"

// connect returns an engine, the machine's if the options name none. It fails the test if the engine does not answer or lacks
// the image.
func connect(t testing.TB, o docker.Options) *docker.Engine {
	t.Helper()
	needsEngine(t)
	e, err := docker.New(o)
	if err != nil {
		t.Fatalf("%v: run `make engine images` first", err)
	}
	t.Cleanup(func() { _ = e.Close() })
	c := plan.Container{Image: busybox, PullPolicy: plan.PullNever}
	if err := e.Prepare(t.Context(), c, &enginetest.Recorder{}); err != nil {
		t.Fatalf("%v: run `make engine images` first", err)
	}
	return e
}

// needsEngine skips the test with -short, which is for machines without an engine.
func needsEngine(t testing.TB) {
	t.Helper()
	if testing.Short() {
		t.Skip("-short: this test needs an engine")
	}
}

// shell returns a container that runs a script.
func shell(script string) plan.Container {
	return plan.Container{
		Image: busybox, PullPolicy: plan.PullNever, Command: plan.Texts([]string{"sh", "-c", script}), Grace: time.Minute,
	}
}

// runOf returns a run id that only this test of this process has.
func runOf(t testing.TB) string {
	return fmt.Sprintf("%s-%d", strings.ReplaceAll(t.Name(), "/", "-"), os.Getpid())
}

// labels returns the labels of an attempt of this test.
func labels(t testing.TB, attempt int) engine.Labels {
	return engine.Labels{Run: runOf(t), Task: "task", Attempt: attempt, Owner: "test", Version: "test"}
}

// run runs a container to its end. It fails the test if the engine fails or leaves something.
func run(t *testing.T, e *docker.Engine, c plan.Container) (engine.Exit, *enginetest.Recorder) {
	t.Helper()
	var heard enginetest.Recorder
	exit, err := engine.Attempt(t.Context(), e, c, labels(t, 1), &heard)
	if err != nil {
		t.Fatalf("run: %v", err)
	}
	nothingLeft(t, e)
	return exit, &heard
}

func nothingLeft(t *testing.T, e *docker.Engine) {
	t.Helper()
	left, err := e.Leftovers(context.WithoutCancel(t.Context()), runOf(t))
	if err != nil || len(left) > 0 {
		t.Errorf("left on the engine: %+v, error %v", left, err)
	}
}

// output returns what a container prints to stdout. It fails the test if the container fails.
func output(t *testing.T, e *docker.Engine, c plan.Container) string {
	t.Helper()
	exit, heard := run(t, e, c)
	if exit.Code != 0 {
		t.Fatalf("exit %+v, stderr %q", exit, heard.Lines("", engine.Stderr))
	}
	return strings.Join(heard.Lines("", engine.Stdout), "\n")
}

func TestConformance(t *testing.T) { conforms(t, docker.Options{}) }

// conforms runs the conformance suite of all engines.
func conforms(t *testing.T, o docker.Options) {
	conformsAs(t, o, func(t testing.TB, e *docker.Engine) engine.Engine { return e })
}

// conformsAs is conforms for an engine that as returns.
func conformsAs(t *testing.T, o docker.Options, as func(testing.TB, *docker.Engine) engine.Engine) {
	newFixture := func(t testing.TB) enginetest.Fixture {
		e := connect(t, o)
		return enginetest.Fixture{
			Engine:    as(t, e),
			Container: scripted,
			MissingImage: func() plan.Container {
				return plan.Container{Image: "ktask.local/missing:dev", PullPolicy: plan.PullNever}
			},
			Left: func(ctx context.Context, run string) ([]string, error) {
				left, err := e.Leftovers(ctx, run)
				var names []string
				for _, l := range left {
					names = append(names, l.Kind+" "+l.Name)
				}
				return names, err
			},
		}
	}
	enginetest.Conformance(t, newFixture)
	enginetest.VolumeConformance(t, newFixture)
}

// scripted returns a container that does what an attempt of enginetest says.
func scripted(a enginetest.Attempt) plan.Container {
	c := enginetest.Shell(a)
	c.Image, c.PullPolicy, c.Grace = busybox, plan.PullNever, time.Minute
	c.Network = "none" // the suite needs no network
	return c
}

func TestDescribe(t *testing.T) { describes(t, docker.Options{}, "docker") }

func describes(t *testing.T, o docker.Options, name string) {
	info, err := connect(t, o).Describe(t.Context())
	if err != nil || info.Name != name || info.Version == "" || !strings.Contains(info.Host, "://") {
		t.Errorf("info %+v, error %v", info, err)
	}
}

func TestFilesAreAsGiven(t *testing.T) {
	c := shell(`
		stat -c '%n %a %u:%g' /var/data /var/data/function.ts /tmp /etc/odd 
		cat /var/data/function.ts
		echo no >/var/data/function.ts || echo refused`)
	c.User = "1000:1000"
	c.Files = []plan.File{
		{Path: "/var/data/function.ts", Mode: 0o444, Content: []byte("content\n")},
		{Path: "/etc/odd", Mode: 0o640 | fs.ModeSetgid, Content: nil},
		{Path: "/tmp/file", Mode: 0o600, Content: nil},
	}
	want := "/var/data 755 0:0\n/var/data/function.ts 444 0:0\n/tmp 1777 0:0\n/etc/odd 2640 0:0\ncontent\nrefused"
	if got := output(t, connect(t, docker.Options{}), c); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestTmpfs(t *testing.T) {
	e := connect(t, docker.Options{})
	const size = 3 << 20
	t.Run("one mount", func(t *testing.T) {
		c := shell(`stat -c '%a' /cache; df -k /cache | tail -1 | awk '{print $1, $2}'; printf '#!/bin/sh\necho runs' >/cache/x && chmod +x /cache/x && /cache/x`)
		c.User = "1234"
		c.Tmpfs = []plan.Tmpfs{{Name: "logger", Path: "/cache", SizeBytes: size}}
		if got := output(t, e, c); got != "1777\ntmpfs 3072\nruns" {
			t.Errorf("got %q", got)
		}
	})
	t.Run("one volume at two places", func(t *testing.T) {
		c := shell(`stat -c '%a' /cache /logs; df -k /logs | tail -1 | awk '{print $1, $2}'; echo shared >/cache/x; cat /logs/x; echo no >/logs/x || echo read-only`)
		c.User = "1234"
		c.Tmpfs = []plan.Tmpfs{{Name: "logger", Path: "/cache", SizeBytes: size}, {Name: "logger", Path: "/logs", SizeBytes: size, ReadOnly: true}}
		if got := output(t, e, c); got != "1777\n1777\ntmpfs 3072\nshared\nread-only" {
			t.Errorf("got %q", got)
		}
	})
	t.Run("one part of a volume at two places", func(t *testing.T) {
		c := shell(`stat -c '%a' /a /b; df -k /a | tail -1 | awk '{print $1, $2}'; echo shared >/a/x; cat /b/x`)
		c.User = "1234"
		c.Tmpfs = []plan.Tmpfs{
			{Name: "logger", Path: "/a", SubPath: "a:b/c", SizeBytes: size}, {Name: "logger", Path: "/b", SubPath: "./a:b//c/", SizeBytes: size},
		}
		if got := output(t, e, c); got != "1777\n1777\ntmpfs 3072\nshared" {
			t.Errorf("got %q", got)
		}
	})
	t.Run("no larger than half of the engine's memory", func(t *testing.T) {
		c := shell(`awk '/MemTotal/ {print $2}' /proc/meminfo; df -k /cache | tail -1 | awk '{print $2}'`)
		c.Limits.MemoryBytes = 1 << 50
		c.Tmpfs = []plan.Tmpfs{{Name: "logger", Path: "/cache", SizeBytes: 1 << 50}}
		var total, got int64
		if _, err := fmt.Sscan(output(t, e, c), &total, &got); err != nil {
			t.Fatal(err)
		}
		if half := total / 2; got < half-4 || got > half+4 {
			t.Errorf("it has %d KiB, half of the memory is %d KiB", got, half)
		}
	})
}

// TestMemoryLimitEndsInOOMKill starts several processes that are killed: Docker 20.10 misses a kill at the start or the end of
// a container.
func TestMemoryLimitEndsInOOMKill(t *testing.T) {
	c := shell("for i in 1 2 3; do tail /dev/zero; sleep 1; done; exec tail /dev/zero")
	c.Limits.MemoryBytes = 16 << 20
	exit, _ := run(t, connect(t, docker.Options{}), c)
	if !exit.OOMKilled || exit.Reason != engine.OOMKilled || exit.Code != 137 {
		t.Errorf("exit %+v", exit)
	}
}

// TestMoreCPUsThanThereAre sets a limit above the processors of the machine, which a node accepts, too.
func TestMoreCPUsThanThereAre(t *testing.T) {
	c := shell("true")
	c.Limits.NanoCPUs = 4096e9
	if exit, _ := run(t, connect(t, docker.Options{}), c); exit.Code != 0 {
		t.Errorf("exit %+v", exit)
	}
}

func TestEnvironmentAndSecrets(t *testing.T) {
	c := shell(`echo "$PLAIN $TOKEN"; echo "$TOKEN" | sed 's/./& /g' | tr -d ' '; echo "$TOKEN" | cut -c1-8; echo "$TOKEN" >&2; printf %s "$TOKEN" | base64`)
	token := plan.Hidden(plan.NewSecret("s/TOKEN", "correct horse"))
	c.Env = []plan.EnvVar{{Name: "PLAIN", Value: plan.Plain("a=b")}, {Name: "TOKEN", Value: token}}
	_, heard := run(t, connect(t, docker.Options{}), c)
	want := []string{"a=b " + plan.Mask, "correcthorse", "correct ", plan.Mask}
	if got := heard.Lines("", engine.Stdout); !slices.Equal(got, want) {
		t.Errorf("stdout %q, want %q", got, want)
	}
	if got := heard.Lines("", engine.Stderr); !slices.Equal(got, []string{plan.Mask}) {
		t.Errorf("stderr %q", got)
	}
}

func TestMessagesAreMasked(t *testing.T) {
	secret := plan.Hidden(plan.NewSecret("s/PATH", "/no/such/secret"))
	c := shell("")
	c.Command = []plan.Text{secret}
	exit, _ := run(t, connect(t, docker.Options{}), c)
	if exit.Reason != engine.CommandNotFound || strings.Contains(exit.Message, "such") || !strings.Contains(exit.Message, plan.Mask) {
		t.Errorf("exit %+v", exit)
	}
}

func TestWordsOfTheEngineAreMasked(t *testing.T) {
	c := shell("true")
	c.Env = []plan.EnvVar{{Name: "", Value: plan.Hidden(plan.NewSecret("s/k", "correct horse"))}} // Docker's error repeats the variable
	result, _ := carryOut(t, t.Context(), connect(t, docker.Options{}), retried(c, 1))
	if result.Status != engine.Errored || !strings.Contains(result.Message, plan.Mask) || strings.Contains(fmt.Sprint(result), "horse") {
		t.Errorf("result %+v", result)
	}
}

func TestCommandsThatCannotBeExecuted(t *testing.T) {
	e := connect(t, docker.Options{})
	file := func(mode fs.FileMode, content string) []plan.File {
		return []plan.File{{Path: "/task", Mode: mode, Content: []byte(content)}}
	}
	tests := map[string]struct {
		command string
		files   []plan.File
		code    int
		reason  engine.Reason
	}{
		"not in the path":       {"no-such-command", nil, 127, engine.CommandNotFound},
		"no such file":          {"/no/such/command", nil, 127, engine.CommandNotFound},
		"no such interpreter":   {"/task", file(0o755, "#!/no/such/interpreter\n"), 127, engine.CommandNotFound},
		"a directory":           {"/tmp", nil, 126, engine.CommandNotRunnable},
		"not executable":        {"/task", file(0o644, "#!/bin/sh\n"), 126, engine.CommandNotRunnable},
		"neither program":       {"/task", file(0o755, "echo\n"), 126, engine.WrongArchitecture},
		"a program for aarch64": {"/task", file(0o755, "\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00\x01\x00\x00\x00"), 126, engine.WrongArchitecture},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			c := shell("")
			c.Command, c.Files = plan.Texts([]string{test.command}), test.files
			exit, _ := run(t, e, c)
			if exit.Code != test.code || exit.Reason != test.reason || !strings.Contains(exit.Message, test.command) {
				t.Errorf("exit %+v", exit)
			}
			if wrong := test.reason == engine.WrongArchitecture; wrong != strings.Contains(exit.Message, "; the image is for linux/") {
				t.Errorf("message %q", exit.Message)
			}
		})
	}
	t.Run("a task that prints the same words and goes on", func(t *testing.T) {
		exit, _ := run(t, e, shell("echo 'exec /x: no such file or directory'; exit 3"))
		if exit.Code != 3 || exit.Reason != "" {
			t.Errorf("exit %+v", exit)
		}
	})
}

func TestRefusals(t *testing.T) {
	e := connect(t, docker.Options{})
	tests := map[string]struct {
		change func(*plan.Container)
		reason engine.Reason
		says   string
	}{
		"no such image":     {func(c *plan.Container) { c.Image = "ktask.local/missing:dev" }, engine.ImageNotFound, "ktask.local/missing:dev"},
		"no such network":   {func(c *plan.Container) { c.Network = "no-such-network" }, engine.EngineRefused, "no-such-network"},
		"no such directory": {func(c *plan.Container) { c.Mounts = []plan.Mount{{Source: "/no/such", Target: "/x"}} }, engine.EngineRefused, "/no/such"},
		"no such user":      {func(c *plan.Container) { c.User = "nosuchuser" }, engine.UserNotFound, "nosuchuser"},
		"too little memory": {func(c *plan.Container) { c.Limits.MemoryBytes = 1000 }, engine.EngineRefused, "memory"},
		"no such platform":  {func(c *plan.Container) { c.Platform = "vax" }, engine.EngineRefused, "vax"},
		"runs as root":      {func(c *plan.Container) { c.Security.RunAsNonRoot = true }, engine.ImageRunsAsRoot, busybox},
		"files on a sealed root": {func(c *plan.Container) {
			c.Security.ReadOnlyRootfs, c.Files = true, []plan.File{{Path: "/x", Mode: 0o755}}
		}, engine.EngineRefused, "read-only"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			c := shell("true")
			test.change(&c)
			_, err := engine.Attempt(t.Context(), e, c, labels(t, 1), &enginetest.Recorder{})
			failure, ok := errors.AsType[*engine.Error](err)
			if !ok || failure.Reason != test.reason || !strings.Contains(err.Error(), test.says) {
				t.Errorf("error %v (%+v)", err, failure)
			}
			nothingLeft(t, e)
		})
	}
}

func TestSecurity(t *testing.T) {
	e := connect(t, docker.Options{})
	c := shell(`id -u; id -g; touch /x 2>/dev/null || echo sealed; grep -E 'NoNewPrivs|CapEff' /proc/self/status | tr -d '\t'`)
	c.User = "1234:5678"
	c.Security = plan.Security{ReadOnlyRootfs: true, NoNewPrivileges: true, RunAsNonRoot: true, CapDrop: []string{"ALL"}}
	if got, want := output(t, e, c), "1234\n5678\nsealed\nCapEff:0000000000000000\nNoNewPrivs:1"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestTerminal(t *testing.T) {
	c := shell(`test -t 1 && echo terminal; echo err >&2`)
	c.TTY = true
	if got := output(t, connect(t, docker.Options{}), c); got != "terminal\nerr" {
		t.Errorf("got %q", got)
	}
}

func TestTerminationMessage(t *testing.T) {
	e := connect(t, docker.Options{})
	last := strings.Repeat("line\n", 100)
	tests := map[string]struct {
		script   string
		fallback bool
		want     string
	}{
		"a file":                 {`echo the reason >/reason; exit 1`, true, "the reason\n"},
		"a file of a success":    {`echo the reason >/reason`, true, "the reason\n"},
		"the end of a long file": {`(head -c 5000 /dev/zero; echo end) | tr '\0' x >/reason`, false, strings.Repeat("x", 4092) + "end\n"},
		"no file":                {`echo output; exit 1`, false, ""},
		"no file and a failure":  {`echo output; exit 1`, true, "output\n"},
		"no file and a success":  {`echo output`, true, ""},
		"much output": {`for i in $(seq 100); do echo line; done; exit 1`, true,
			last[:80*5]},
	}
	t.Run("no path and a failure", func(t *testing.T) {
		c := shell("echo output >&2; exit 1")
		c.TerminationMessage = plan.TerminationMessage{FallbackToLogs: true}
		if exit, _ := run(t, e, c); exit.Message != "output\n" { // the line break counts, as in a pod
			t.Errorf("message %q", exit.Message)
		}
	})
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			c := shell(test.script)
			c.TerminationMessage = plan.TerminationMessage{Path: "/reason", FallbackToLogs: test.fallback}
			if exit, _ := run(t, e, c); exit.Message != test.want {
				t.Errorf("message %q, want %q", exit.Message, test.want)
			}
		})
	}
}

func TestKillEndsARun(t *testing.T) {
	e := connect(t, docker.Options{})
	var heard enginetest.Recorder
	exit, err := engine.Attempt(t.Context(), e, shell("trap '' TERM; echo ready; sleep 100000"), labels(t, 1), engine.SinkFunc(func(event engine.Event) {
		heard.Emit(event)
		if err := e.Kill(t.Context(), runOf(t)); err != nil {
			t.Errorf("kill: %v", err)
		}
	}))
	if err != nil || exit.Code != 137 || !exit.Stopped {
		t.Errorf("exit %+v, error %v", exit, err)
	}
	if err := e.Kill(t.Context(), runOf(t)); err != nil {
		t.Errorf("kill of nothing: %v", err)
	}
	nothingLeft(t, e)
}

func TestKeep(t *testing.T) {
	for keep, kept := range map[docker.Keep]map[int]int{
		docker.KeepNever: {0: 0, 1: 0}, docker.KeepFailed: {0: 0, 1: 1}, docker.KeepAlways: {0: 1, 1: 1},
	} {
		t.Run(string(keep), func(t *testing.T) {
			e := connect(t, docker.Options{Keep: keep})
			for code, want := range kept {
				if _, err := engine.Attempt(t.Context(), e, shell(fmt.Sprint("exit ", code)), labels(t, 1), &enginetest.Recorder{}); err != nil {
					t.Fatal(err)
				}
				left, err := e.Leftovers(t.Context(), runOf(t))
				if err != nil || len(left) != 2*want {
					t.Errorf("exit %d: %+v, error %v, want %d containers, each with the volume of its message", code, left, err, want)
				}
				for _, l := range left {
					if l.Labels != labels(t, 1) || l.Running || !l.Kept {
						t.Errorf("leftover %+v", l)
					}
					if l.Kind == "volume" {
						continue
					}
					// The user may start it again, to look around in it.
					if err := api(t).ContainerStart(t.Context(), l.ID, container.StartOptions{}); err != nil {
						t.Error(err)
					}
					log, err := api(t).ContainerLogs(t.Context(), l.ID, container.LogsOptions{ShowStdout: true})
					if err != nil {
						t.Errorf("a kept container has no log: %v", err)
					} else {
						_ = log.Close()
					}
				}
				for _, l := range left {
					if err := e.Remove(t.Context(), l); err != nil {
						t.Errorf("remove: %v", err)
					}
				}
			}
			nothingLeft(t, e)
		})
	}
}

// TestSoakManyAtOnceLeaveNothing runs many tasks, 16 at a time: after them there are no more goroutines, no more open files
// and no more on the engine than before.
func TestSoakManyAtOnceLeaveNothing(t *testing.T) {
	many := 40
	if soak() {
		many = 200
	}
	e := connect(t, docker.Options{})
	_ = e.Close()
	goroutines, files := runtime.NumGoroutine(), openFiles(t)
	var p plan.Plan
	for i := range many {
		c := shell(fmt.Sprintf("echo %d; exit %d", i, i%2))
		c.Network = "none"
		p.Tasks = append(p.Tasks, plan.Task{Name: fmt.Sprint(i), Container: c, Timeout: 5 * time.Minute})
	}
	var heard enginetest.Recorder
	result, err := engine.Runner{Engine: e, Sink: &heard, Parallel: 16, RunID: runOf(t), Owner: "test", Version: "test"}.Run(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	for i, got := range result.Tasks {
		want := []engine.Status{engine.Passed, engine.Failed}[i%2]
		if lines := heard.Lines(got.Name, engine.Stdout); got.Status != want || !slices.Equal(lines, []string{fmt.Sprint(i)}) {
			t.Errorf("task %d: %s %s %s, output %q", i, got.Status, got.Reason, got.Message, lines)
		}
	}
	nothingLeft(t, e)
	_ = e.Close()
	noMoreGoroutines(t, goroutines)
	if got := openFiles(t); got > files {
		t.Errorf("%d open files, %d before", got, files)
	}
}

// openFiles counts the descriptors of this process.
func openFiles(t *testing.T) int {
	t.Helper()
	for _, dir := range []string{"/proc/self/fd", "/dev/fd"} {
		if open, err := os.ReadDir(dir); err == nil {
			return len(open)
		}
	}
	t.Fatal("no way to count open files here")
	return 0
}
