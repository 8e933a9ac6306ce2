package docker_test

import (
	"cmp"
	"errors"
	"strings"
	"testing"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/docker"
	"github.com/ktask/ktask/engine/plan"
)

// TestTerminationMessageIsAsInAPod writes messages to paths where a file of the root file system would be lost, or the task's
// user could not write.
func TestTerminationMessageIsAsInAPod(t *testing.T) { messagesAreAsInAPod(t, docker.Options{}) }

func messagesAreAsInAPod(t *testing.T, o docker.Options) {
	e, far := connect(t, o), connect(t, o)
	far.MessagesInCompanions()
	volume := func(tmpfs ...plan.Tmpfs) func(*plan.Container) {
		return func(c *plan.Container) { c.Tmpfs = tmpfs }
	}
	tests := map[string]struct {
		path   string
		change func(*plan.Container)
	}{
		"no path":                {"", volume()},
		"the default's own path": {"/dev/termination-log", volume()},
		"the default in a volume": {"", func(c *plan.Container) {
			c.Mounts = []plan.Mount{{Source: "/dev/shm", Target: "/host"}} // where the task could replace a file
		}},
		"a file of root's":              {"/no/such/directory/reason", volume()},
		"a name that Docker would part": {"/tmp/a:b", volume()},
		"in the volume":                 {"/cache/reason", volume(plan.Tmpfs{Name: "v", Path: "/cache", SizeBytes: 1 << 20})},
		"in a volume with two mounts":   {"/cache/reason", volume(plan.Tmpfs{Name: "v", Path: "/cache", SizeBytes: 1 << 20}, plan.Tmpfs{Name: "v", Path: "/again", SizeBytes: 1 << 20})},
		"in a part of a volume":         {"/part/reason", volume(plan.Tmpfs{Name: "v", Path: "/part", SubPath: "x"})},
		"a read-only root":              {"", func(c *plan.Container) { c.Security.ReadOnlyRootfs = true }},
		"files":                         {"/dev/termination-log", func(c *plan.Container) { c.Files = []plan.File{{Path: "/var/data/x"}} }},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			c := shell(`stat -c '%a %s' "$0"; echo the reason >"$0"; exit 1`)
			c.Args = plan.Texts([]string{cmp.Or(test.path, "/dev/termination-log")})
			c.User = "1234"
			c.TerminationMessage.Path = test.path
			test.change(&c)
			for _, e := range []*docker.Engine{e, far} {
				exit, heard := run(t, e, c)
				if got := heard.Lines("", engine.Stdout); exit.Message != "the reason\n" || len(got) != 1 || got[0] != "666 0" {
					t.Errorf("exit %+v, output %q, stderr %q", exit, got, heard.Lines("", engine.Stderr))
				}
			}
		})
	}
	t.Run("each attempt has its own", func(t *testing.T) {
		c := shell(`cat /dev/termination-log; echo "attempt $(cat /cache/n; echo x >>/cache/n)" >>/dev/termination-log; exit 1`)
		c.Tmpfs = []plan.Tmpfs{{Name: "v", Path: "/cache", SizeBytes: 1 << 20}}
		got, heard := carryOut(t, t.Context(), e, retried(c, 2))
		if len(got.Attempts) != 2 || !strings.HasSuffix(got.Attempts[0].Message, "attempt") || !strings.HasSuffix(got.Attempts[1].Message, "attempt x") || len(heard.Lines("", engine.Stdout)) > 0 {
			t.Errorf("result %+v, output %q", got, heard.Lines("", engine.Stdout))
		}
	})
	t.Run("the end of the output is masked too", func(t *testing.T) {
		c := shell(`echo $0; exit 1`)
		c.Args = []plan.Text{plan.Hidden(plan.NewSecret("s/k", "correct horse"))}
		c.TerminationMessage = plan.TerminationMessage{Path: "/dev/termination-log", FallbackToLogs: true}
		if exit, _ := run(t, e, c); exit.Message != plan.Mask+"\n" { // the line break counts, as in a pod
			t.Errorf("message %q", exit.Message)
		}
	})
	t.Run("a secret that the cut would part is masked", func(t *testing.T) {
		c := shell(`(printf %s "$0"; head -c 4090 /dev/zero | tr '\0' x) >/dev/termination-log`)
		c.Args = []plan.Text{plan.Hidden(plan.NewSecret("s/k", "correct horse"))}
		exit, _ := run(t, e, c)
		if want := strings.Repeat("x", 4090); strings.Trim(exit.Message, "•") != want || len(exit.Message) > 4096 {
			t.Errorf("message %.30q… of %d bytes", exit.Message, len(exit.Message))
		}
	})
	t.Run("a directory", func(t *testing.T) {
		c := shell("true")
		c.TerminationMessage.Path = "/tmp"
		_, err := engine.Attempt(t.Context(), e, c, labels(t, 1), engine.SinkFunc(func(engine.Event) {}))
		if failure, ok := errors.AsType[*engine.Error](err); !ok || failure.Reason != engine.EngineRefused || !strings.Contains(err.Error(), "/tmp") {
			t.Errorf("error %v", err)
		}
		nothingLeft(t, e)
	})
}

// TestUnreadableMessage makes the reading of the message fail, once and each time: the exit of the container still counts.
func TestUnreadableMessage(t *testing.T) {
	const read = "GET /containers//archive"
	c := shell("echo the reason >/reason; exit 3")
	c.TerminationMessage.Path = "/reason"
	for _, test := range []struct {
		failures int
		want     string
		tries    int
	}{
		{1, "the reason\n", 2},
		{100, `read the termination message "/reason": the proxy's own failure`, 4},
	} {
		proxy := newFaultProxy(t, machineSocket, target{call: read, times: test.failures, how: fail500})
		e := connect(t, docker.Options{Host: proxy.host()})
		e.MessagesInCompanions()
		exit, _ := run(t, e, c)
		tries := 0
		for _, call := range proxy.recorded() {
			if call == read {
				tries++
			}
		}
		if exit.Code != 3 || exit.Message != test.want || tries != test.tries {
			t.Errorf("exit %+v after %d tries; want message %q after %d", exit, tries, test.want, test.tries)
		}
	}
}
