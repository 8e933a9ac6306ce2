package docker_test

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/image"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/docker"
	"github.com/ktask/ktask/engine/enginetest"
	"github.com/ktask/ktask/engine/plan"
)

// committed returns the name of an image that has what a script, which root runs in busybox, makes of its files, and the
// settings. Unlike derived it can have settings that no Dockerfile has. The engine has it until the end of the test.
func committed(t *testing.T, script string, settings container.Config) string {
	t.Helper()
	c, ctx := apiAt(t, ""), context.WithoutCancel(t.Context())
	from, err := c.ContainerCreate(ctx, &container.Config{Image: busybox, Cmd: []string{"sh", "-ec", script}}, &container.HostConfig{NetworkMode: "none"}, nil, nil, "")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.ContainerRemove(ctx, from.ID, container.RemoveOptions{Force: true}) }()
	done, failed := c.ContainerWait(ctx, from.ID, container.WaitConditionNextExit)
	if err := c.ContainerStart(ctx, from.ID, container.StartOptions{}); err != nil {
		t.Fatal(err)
	}
	select {
	case end := <-done:
		if end.StatusCode != 0 {
			t.Fatalf("the script ends with %d", end.StatusCode)
		}
	case err := <-failed:
		t.Fatal(err)
	}
	ref := fmt.Sprintf("ktask.local/committed-%d:dev", time.Now().UnixNano())
	if _, err := c.ContainerCommit(ctx, from.ID, container.CommitOptions{Reference: ref, Config: &settings}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = c.ImageRemove(ctx, ref, image.RemoveOptions{Force: true}) })
	return ref
}

// manyVariables returns variables of n bytes together.
func manyVariables(n int) (all []string) {
	for i := range n / 1000 {
		all = append(all, fmt.Sprintf("V%03d=%s", i, strings.Repeat("x", 995)))
	}
	return all
}

// TestPreparedOfAnyImage prepares containers of images that are made to disturb that: the result is the one of a container that
// is not prepared.
func TestPreparedOfAnyImage(t *testing.T) {
	e := connect(t, docker.Options{})
	asUser := func(user string) func(*plan.Container) { return func(c *plan.Container) { c.User = user } }
	without := func(user string, added ...string) func(*plan.Container) {
		return func(c *plan.Container) {
			c.User, c.Security.CapDrop, c.Security.CapAdd = user, []string{"ALL"}, added
		}
	}
	withFile := func(path string) func(*plan.Container) {
		return func(c *plan.Container) {
			c.Files = []plan.File{{Path: path, Mode: 0o644, Content: []byte("content\n")}}
		}
	}
	withCopied := func(path string) func(*plan.Container) { // its mode keeps it from being mounted, which would follow a link
		return func(c *plan.Container) { withFile(path)(c); c.Files[0].Mode = 0o640 }
	}
	own := func(c *plan.Container) { c.Command, c.Args = nil, nil }
	const odd = `echo 'odd:x:77:88:a b:/h o:/bin/sh' >>/etc/passwd; printf 'a:x:5:odd\nb:x:6:x,odd\nodd:x:9:\n' >>/etc/group; `
	env := func(all ...string) container.Config { return container.Config{Env: all} }
	for name, test := range map[string]struct {
		files    string
		settings container.Config
		change   func(*plan.Container)
		prepared bool
	}{
		"a user by name":               {odd, container.Config{}, asUser("odd"), true},
		"a user by name of a group":    {odd, container.Config{}, asUser("odd:b"), true},
		"a user of the image":          {odd, container.Config{User: "odd"}, asUser(""), true},
		"users behind a link":          {odd + "mv /etc/passwd /etc/u; ln -s u /etc/passwd", container.Config{}, asUser("odd"), false},
		"users behind an absolute one": {odd + "mv /etc/group /g; ln -s /g /etc/group", container.Config{}, asUser("odd"), false},
		"a link out of the image":      {odd + "mv /etc/passwd /u; ln -s ../../../../../u /etc/passwd", container.Config{}, asUser("odd"), false},
		"a directory of users":         {"rm /etc/passwd; mkdir /etc/passwd", container.Config{}, asUser("1234"), false},
		"very many users":              {"yes u:x:1:1::: | head -c 3000000 >>/etc/passwd", container.Config{}, asUser("1234"), false},
		"no users":                     {"rm /etc/passwd /etc/group", container.Config{}, asUser("1234:5"), true},
		"users that are none":          {"head -c 20000 /dev/urandom >/etc/passwd; echo ::::: >/etc/group", container.Config{}, asUser("1234"), true},
		"a user that is not there":     {"true", container.Config{}, asUser("nosuch"), false},
		"no capability":                {"true", container.Config{}, without(""), true},
		"no capability for a user":     {"true", container.Config{}, without("1234", "CHOWN", "SETGID"), false},
		"the capabilities for a user":  {"true", container.Config{}, without("1234", "CHOWN", "CAP_SETGID", "setuid"), true},
		"a root of others":             {"chown 1:1 /; chmod 755 /", container.Config{}, without(""), true},
		"a root that is not writable":  {"chmod 555 /", container.Config{}, without(""), true},
		"a variable without a name":    {"true", env("=x", "A=1"), nil, false},
		"a variable without a value":   {"true", env("A", "B=1"), nil, true},
		"an empty variable":            {"true", env("", "B=1"), nil, true},
		"variables twice":              {"true", env("A=1", "B=2", "A=3", "PATH=/bin", "HOME=/x", "HOME=/y"), nil, true},
		"odd variables":                {"true", env("A B=1", "C==", "D=a\nb\xff", "HOSTNAME=h", "É=1"), nil, true},
		"many variables":               {"true", container.Config{Env: manyVariables(200_000)}, nil, true},
		"too many variables":           {"true", container.Config{Env: manyVariables(300_000)}, nil, false},
		"a long variable":              {"true", env("A=" + strings.Repeat("x", 140_000)), nil, false},
		"a directory as entrypoint":    {"true", container.Config{Entrypoint: []string{"/etc"}}, own, true},
		"a text as entrypoint":         {"echo true >/t; chmod 755 /t", container.Config{Entrypoint: []string{"/t"}}, own, true},
		"no entrypoint":                {"true", container.Config{Entrypoint: []string{"/none"}}, own, true},
		"a volume":                     {"true", container.Config{Volumes: map[string]struct{}{"/new": {}}}, withFile("/new/f"), true},
		"a link for a file":            {"mkdir /new; ln -s /etc/passwd /new/f", container.Config{}, withCopied("/new/f"), true},
		"a link for a directory":       {"ln -s /tmp /new", container.Config{}, withFile("/new/f"), true},
		"a directory for a file":       {"mkdir -p /new/f/x", container.Config{}, withFile("/new/f"), true},
		"a loop of links":              {"ln -s /new /new", container.Config{}, withFile("/new/f"), true},
		"a mounted file":               {"true", container.Config{}, withFile("/etc/hosts"), true},
		"a directory to work in":       {"ln -s /tmp /w", container.Config{WorkingDir: "/w"}, nil, true},
		"a health check":               {"true", container.Config{Healthcheck: &container.HealthConfig{Test: []string{"CMD", "touch", "/healthy"}, Interval: time.Second}}, nil, true},
		"output to process 1": {"true", container.Config{}, func(c *plan.Container) {
			c.Command[2] = plan.Plain("echo a >/proc/1/fd/1; echo b >/proc/1/fd/2; cat /proc/1/fd/0; echo c | tee /proc/1/fd/1")
		}, true},
		"output like a mark": {"true", container.Config{}, func(c *plan.Container) {
			c.Command[2] = plan.Plain(`printf '\000'; cat /proc/1/environ; printf '/.ktask-\000'; exit 127`)
		}, true},
		"the end of the program": {"true", container.Config{}, func(c *plan.Container) { c.Command[2] = plan.Plain("exit 127") }, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := shell(`id; pwd; ls -ld /healthy; ls -lan /etc/passwd /etc/group / /new /tmp; cat /new/f /etc/hosts; tr '\0' '\n' </proc/1/environ`)
			c.Network, c.Image = "none", committed(t, test.files, test.settings)
			if test.change != nil {
				test.change(&c)
			}
			if err := e.Prepare(t.Context(), c, &enginetest.Recorder{}); err != nil {
				t.Fatal(err)
			}
			prepared := false
			as := readyEngine{e, t, func() {
				left, err := e.Leftovers(t.Context(), runOf(t))
				if err != nil {
					t.Error(err)
				}
				prepared = slices.ContainsFunc(left, func(l engine.Leftover) bool { return l.Running })
			}}
			want := endOf(t, e, c, 1)
			got := endOf(t, as, c, 2)
			if prepared != test.prepared {
				t.Errorf("prepared: %v", prepared)
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("got\n%.3000q\nwant\n%.3000q", got, want)
			}
			nothingLeft(t, e)
		})
	}
}

// endOf returns how a container ends and what it prints.
func endOf(t *testing.T, as engine.Engine, c plan.Container, number int) []string {
	t.Helper()
	heard := &enginetest.Recorder{}
	exit, err := engine.Attempt(t.Context(), as, c, labels(t, number), heard)
	text := append([]string{fmt.Sprintf("%d %s %s %q %v", exit.Code, exit.Signal, exit.Reason, exit.Message, err), "stdout"}, heard.Lines("", engine.Stdout)...)
	text = append(append(text, "stderr"), heard.Lines("", engine.Stderr)...)
	return strings.Split(same(strings.Join(text, "\n")), "\n")
}

// TestPreparedOfAPipe prepares a container of an image whose users are a pipe. It never starts: the engine would wait for the pipe.
func TestPreparedOfAPipe(t *testing.T) {
	e := connect(t, docker.Options{})
	c := shell("echo no")
	c.Network, c.User, c.Image = "none", "1234", committed(t, "rm /etc/passwd; mkfifo /etc/passwd", container.Config{})
	release, err := e.Ready(t.Context(), c, labels(t, 2))
	if err != nil {
		t.Fatal(err)
	}
	nothingLeft(t, e)
	if err := release(t.Context()); err != nil {
		t.Error(err)
	}
}
