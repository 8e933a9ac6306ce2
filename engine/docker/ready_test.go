package docker_test

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/docker/docker/api/types/events"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/docker"
	"github.com/ktask/ktask/engine/enginetest"
	"github.com/ktask/ktask/engine/plan"
)

// readyEngine prepares each attempt before it runs.
type readyEngine struct {
	*docker.Engine
	testing.TB
	// readied is called after each preparation.
	readied func()
}

func (e readyEngine) Run(ctx context.Context, c plan.Container, labels engine.Labels, out engine.Output) (engine.Exit, error) {
	labels.Attempt++ // the first one is prepared only if the machine has time
	release, err := e.Ready(ctx, c, labels)
	e.readied()
	if err != nil {
		return e.Engine.Run(ctx, c, labels, out)
	}
	exit, err := e.Engine.Run(ctx, c, labels, out)
	if err := release(ctx); err != nil {
		e.Errorf("release: %v", err)
	}
	return exit, err
}

func TestPrepared(t *testing.T) {
	prepares(t, docker.Options{})
	seesTheSame(t, docker.Options{}, sights)
}

// prepares tests containers that are started before the task on an engine.
func prepares(t *testing.T, o docker.Options) {
	t.Run("conforms", func(t *testing.T) {
		conformsAs(t, o, func(t testing.TB, e *docker.Engine) engine.Engine { return readyEngine{e, t, func() {}} })
	})
	seesTheSame(t, o, map[string]func(*plan.Container){
		"all at once": func(c *plan.Container) {
			for _, name := range []string{"no network", "variables", "no new privileges", "a directory", "files"} {
				sights[name](c)
			}
			if !isPodman(t, o) { // it adds a user to /etc/passwd, so there the container is not prepared
				c.User = "1234:2345"
			}
		},
	})
	t.Run("is released", func(t *testing.T) { isReleased(t, o) })
}

// sees prints what a process can see of its container.
const sees = `ls -la /proc/1/fd; echo "$0 $# $*"; pwd; umask; id; hostname; tr '\0' '\n' </proc/1/environ; tr '\0' '\n' </proc/1/cmdline
grep -e ^Name -e ^Umask -e ^FDSize -e ^Uid -e ^Gid -e ^Groups -e ^NS -e ^Cap -e ^NoNew -e ^Sec -e ^Sig -e ^Shd -e ^Threads /proc/1/status
cat /proc/1/comm /proc/1/limits /proc/1/cgroup /proc/1/oom_score_adj /proc/1/personality /proc/1/loginuid /proc/1/sessionid
cat /proc/self/attr/current /proc/net/dev | cut -d: -f1
for f in memory/memory.limit_in_bytes cpu/cpu.cfs_quota_us pids/pids.max; do cat /sys/fs/cgroup/$f; done
cat /proc/1/mountinfo | cut -d' ' -f4-; ls -la / /dev; ls -l /proc/1/exe /proc/1/cwd /proc/1/root
cat /etc/hosts /etc/resolv.conf; ls -lan --full-time /new /new/deep; cat /new/deep/f; od -An -tx8 -v /proc/1/auxv | cut -c1-18; read line; echo "read: $?"`

// notTheSame are the parts of what a process sees that differ between any two containers.
var notTheSame = []struct {
	pattern *regexp.Regexp
	with    string
}{
	{regexp.MustCompile(`[0-9a-f]{64}`), "ID"},
	{regexp.MustCompile(`\b[0-9a-f]{12}\b`), "id"},
	{regexp.MustCompile(`[A-Z0-9]{26}`), "RANDOM"},
	{regexp.MustCompile(`(Mon|Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) +\d+ \d\d:\d\d`), "TIME"},
	{regexp.MustCompile(`\d{4}-\d\d-\d\d \d\d:\d\d:\d\d`), "TIME"},
	{regexp.MustCompile(`pipe:\[\d+\]`), "pipe"},
	{regexp.MustCompile(`(172|10)\.\d+\.\d+\.\d+`), "ADDRESS"},
	{regexp.MustCompile(`ktask-[^ ]*`), "ktask"},
	{regexp.MustCompile(`(?m)^(NS\w+:).*`), "$1"},
	{regexp.MustCompile(`SigQ:.*`), "SigQ"},
	{regexp.MustCompile(`master:\d+`), "master"},
	{regexp.MustCompile(`dr-xr-xr-x +\d+`), "dr-xr-xr-x N"},
	{regexp.MustCompile(`-rw-rw-rw- +\d+`), "-rw-rw-rw- N"},         // the message is unlinked after the start
	{regexp.MustCompile(`(?m)^\S+ (/new\S*|/etc/shells) .*\n`), ""}, // files are mounted, unless the container was prepared
	{regexp.MustCompile(`(?m)^(-\S+) +\d+ (.* \S*/?(f|empty|shells))$`), "$1 N $2"},
}

func same(text string) string {
	for _, n := range notTheSame {
		text = n.pattern.ReplaceAllString(text, n.with)
	}
	return text
}

// sights are changes of a container that a process can see.
var sights = map[string]func(*plan.Container){
	"plain":      func(*plan.Container) {},
	"no network": func(c *plan.Container) { c.Network = "none" },
	"variables": func(c *plan.Container) {
		c.Env = variables("B=2", "PATH=/bin:/usr/bin", "A=", "HOSTNAME=h", "S=a b\nc")
	},
	"a home":            func(c *plan.Container) { c.Env = variables("A=1", "HOME=/x", "Z=2") },
	"a user":            func(c *plan.Container) { c.User = "1234" },
	"a user of a group": func(c *plan.Container) { c.User = "1234:2345" },
	"a group":           func(c *plan.Container) { c.User = ":2345" },
	"root by name":      func(c *plan.Container) { c.User = "root" },
	"no capability":     func(c *plan.Container) { c.Security.CapDrop = []string{"ALL"} },
	"some capabilities": func(c *plan.Container) {
		c.User, c.Security.CapDrop, c.Security.CapAdd = "1234", []string{"NET_RAW", "MKNOD"}, []string{"SYS_TIME"}
	},
	"no new privileges": func(c *plan.Container) { c.Security.NoNewPrivileges = true },
	"no seccomp":        func(c *plan.Container) { c.Security.Seccomp = "Unconfined" },
	"limits":            func(c *plan.Container) { c.Limits = plan.Limits{MemoryBytes: 64 << 20, NanoCPUs: 5e8, Pids: 50} },
	"a directory":       func(c *plan.Container) { c.WorkingDir = "/made/for it" },
	"files": func(c *plan.Container) {
		c.Files = []plan.File{
			{Path: "/new/deep/f", Mode: 0o640, Content: []byte("text\n")}, {Path: "/new/empty", Mode: 0o755},
			{Path: "/etc/shells", Mode: 0o644, Content: []byte("none\n")},
		}
	},
}

// seesTheSame compares what tasks see in containers that were prepared and in others.
func seesTheSame(t *testing.T, o docker.Options, changes map[string]func(*plan.Container)) {
	e := connect(t, o)
	for name, change := range changes {
		t.Run("sees the same/"+name, func(t *testing.T) {
			c := shell(sees)
			c.Args = append(c.Args, plan.Texts([]string{"zero", "one", ""})...)
			change(&c)
			want := seenBy(t, e, e, c, 1)
			got := seenBy(t, readyEngine{e, t, func() {}}, e, c, 2)
			if isPodman(t, o) { // the order of its variables and mounts is random
				slices.Sort(want)
				slices.Sort(got)
			}
			for i := range max(len(got), len(want)) {
				if i >= len(got) || i >= len(want) || got[i] != want[i] {
					t.Errorf("line %d:\ngot  %q\nwant %q", i+1, got[min(i, len(got)):min(i+3, len(got))], want[min(i, len(want)):min(i+3, len(want))])
					break
				}
			}
		})
	}
}

func isPodman(t *testing.T, o docker.Options) bool {
	t.Helper()
	info, err := connect(t, o).Describe(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return info.Name == "podman"
}

func variables(all ...string) []plan.EnvVar {
	var vars []plan.EnvVar
	for _, v := range all {
		name, value, _ := strings.Cut(v, "=")
		vars = append(vars, plan.EnvVar{Name: name, Value: plan.Plain(value)})
	}
	return vars
}

// seenBy returns the lines that a container prints. It must have been created once.
func seenBy(t *testing.T, as engine.Engine, e *docker.Engine, c plan.Container, number int) []string {
	t.Helper()
	log := listen(t, e.Host())
	l := labels(t, number)
	l.Run += fmt.Sprint(number)
	heard := &enginetest.Recorder{}
	exit, err := engine.Attempt(t.Context(), as, c, l, heard)
	if err != nil || exit.Code != 0 {
		t.Errorf("exit %+v, %v", exit, err)
	}
	if took := exit.Finished.Sub(exit.Started); took < 0 || took > time.Minute || time.Since(exit.Started) > time.Minute {
		t.Errorf("it ran from %v to %v", exit.Started, exit.Finished)
	}
	created := slices.DeleteFunc(log.all(t), func(event events.Message) bool {
		return event.Action != events.ActionCreate || event.Actor.Attributes["dev.ktask.run"] != l.Run
	})
	if len(created) != 1 {
		t.Errorf("%d containers were created", len(created))
	}
	lines := append(heard.Lines("", engine.Stdout), heard.Lines("", engine.Stderr)...)
	return strings.Split(same(strings.Join(lines, "\n")), "\n")
}

// isReleased tests that a container that no attempt uses is removed.
func isReleased(t *testing.T, o docker.Options) {
	e := connect(t, o)
	ctx, cancel := context.WithCancel(t.Context())
	c := shell("echo no")
	c.Network = "none" // a rootless engine may have no other
	release, err := e.Ready(ctx, c, labels(t, 1))
	if err != nil {
		t.Fatal(err)
	}
	left, err := e.Leftovers(t.Context(), labels(t, 1).Run)
	if err != nil || len(left) == 0 {
		t.Errorf("prepared: %v, %v", left, err)
	}
	cancel()
	for range 2 {
		if err := release(ctx); err != nil {
			t.Error(err)
		}
	}
	nothingLeft(t, e)
}

// TestPreparedNeedsALog prepares nothing on an engine that records no output: if the stream of a task broke, nothing would show
// that it has run.
func TestPreparedNeedsALog(t *testing.T) {
	e := connect(t, docker.Options{})
	e.WithoutLog()
	release, err := e.Ready(t.Context(), shell("echo no"), labels(t, 2))
	if err != nil {
		t.Fatal(err)
	}
	nothingLeft(t, e)
	if err := release(t.Context()); err != nil {
		t.Error(err)
	}
}
