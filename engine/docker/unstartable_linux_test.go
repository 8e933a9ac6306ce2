package docker_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/image"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/docker"
	"github.com/ktask/ktask/engine/enginetest"
	"github.com/ktask/ktask/engine/plan"
	"github.com/ktask/ktask/integration/engines"
)

// derived returns the name of an image that has the files of busybox and the settings in the words of a Dockerfile. The engine has it until
// the end of the test.
func derived(t *testing.T, o docker.Options, name string, changes ...string) string {
	t.Helper()
	c, ctx := apiAt(t, o.Host), context.WithoutCancel(t.Context())
	from, err := c.ContainerCreate(ctx, &container.Config{Image: busybox, Cmd: []string{"true"}}, &container.HostConfig{NetworkMode: "none"}, nil, nil, "")
	if err != nil {
		t.Fatal(err)
	}
	ref := "ktask.local/" + name + ":dev"
	files, err := c.ContainerExport(ctx, from.ID)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = files.Close() }()
	imported, err := c.ImageImport(ctx, image.ImportSource{Source: files, SourceName: "-"}, ref, image.ImportOptions{Changes: changes})
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, imported)
	_ = imported.Close()
	if err := c.ContainerRemove(ctx, from.ID, container.RemoveOptions{Force: true}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = c.ImageRemove(ctx, ref, image.RemoveOptions{Force: true}) })
	return ref
}

// TestUnstartable runs what cannot be started because of the manifest or the image: each has a cause of its own.
func TestUnstartable(t *testing.T) { tellsWhyNotStarted(t, docker.Options{}) }

func tellsWhyNotStarted(t *testing.T, o docker.Options) {
	e := connect(t, o)
	large := make([]plan.EnvVar, 22)
	for i := range large {
		large[i] = plan.EnvVar{Name: fmt.Sprint("V", i), Value: plan.Plain(strings.Repeat("x", 100_000))}
	}
	inImage := func(name string, changes ...string) func(*plan.Container) {
		ref := derived(t, o, "unstartable-"+name, changes...)
		return func(c *plan.Container) { c.Image = ref }
	}
	workingDir := func(dir string) func(*plan.Container) { return func(c *plan.Container) { c.WorkingDir = dir } }
	noCommand := inImage("no-command")
	for name, test := range map[string]struct {
		change func(*plan.Container)
		reason engine.Reason
		says   string
	}{
		"a long environment": {func(c *plan.Container) { c.Env = large }, engine.ArgumentsTooLong, "the environment (2149 KiB)"},
		"long arguments": {func(c *plan.Container) {
			c.Args = plan.Texts(strings.Split(strings.Repeat(strings.Repeat("y", 100_000)+" ", 22), " "))
		}, engine.ArgumentsTooLong, "its arguments (2149 KiB)"},
		"no command":                 {func(c *plan.Container) { noCommand(c); c.Command = nil }, engine.NoCommand, "neither ENTRYPOINT nor CMD"},
		"an empty command":           {func(c *plan.Container) { noCommand(c); c.Command = plan.Texts([]string{""}) }, engine.CommandNotFound, `command ""`},
		"no such user":               {inImage("user", "USER nosuch"), engine.UserNotFound, `user "nosuch" is not in /etc/passwd of image "ktask.local/unstartable-user:dev"`},
		"no such group":              {func(c *plan.Container) { c.User = "0:nosuch" }, engine.UserNotFound, `group "nosuch" is not in /etc/group`},
		"the image's directory":      {inImage("directory", "WORKDIR /etc/passwd"), engine.WorkingDirUnusable, `"/etc/passwd" of image "ktask.local/unstartable-directory:dev" cannot be used: not a directory`},
		"a file as directory":        {workingDir("/etc/passwd"), engine.WorkingDirUnusable, `"/etc/passwd" cannot be used: not a directory`},
		"a directory in a file":      {workingDir("/etc/passwd/x"), engine.WorkingDirUnusable, "not a directory"},
		"a directory of no kind":     {workingDir("/proc/no such"), engine.WorkingDirUnusable, "no such file or directory"},
		"a directory of a long name": {workingDir("/" + strings.Repeat("w", 300)), engine.WorkingDirUnusable, "file name too long"},
	} {
		t.Run(name, func(t *testing.T) {
			c := shell("echo started")
			c.Network = "none"
			test.change(&c)
			if err := e.Prepare(t.Context(), c, &enginetest.Recorder{}); err != nil {
				t.Fatal(err)
			}
			exit, err := engine.Attempt(t.Context(), e, c, labels(t, 1), &enginetest.Recorder{})
			says := exit.Message
			failure, failed := errors.AsType[*engine.Error](err)
			if failed {
				says, exit.Reason = failure.Error(), failure.Reason
			}
			if exit.Reason != test.reason || !strings.Contains(says, test.says) || failed && (!failure.Remedy.Known() || strings.Contains(failure.Remedy.Text, "run it again")) {
				t.Errorf("exit %+v, error %+v; want %s that says %q", exit, err, test.reason, test.says)
			}
			nothingLeft(t, e)
		})
	}
}

// TestRemovedByOthers removes the container or the image while an attempt needs it.
func TestRemovedByOthers(t *testing.T) { tellsRemovals(t, docker.Options{}) }

func tellsRemovals(t *testing.T, o docker.Options) {
	direct := connect(t, o)
	remove := func(t *testing.T) {
		left, err := direct.Leftovers(context.WithoutCancel(t.Context()), runOf(t))
		for _, l := range left {
			if l.Kind == "container" && !strings.HasSuffix(l.Name, "-message") {
				err = errors.Join(err, apiAt(t, o.Host).ContainerRemove(t.Context(), l.ID, container.RemoveOptions{Force: true}))
			}
		}
		if err != nil {
			t.Error(err)
		}
	}
	t.Run("while it runs", func(t *testing.T) {
		c := shell("echo ready; sleep 100000")
		c.Network, c.Grace = "none", time.Second // podman waits for the grace
		_, lines, done := runAside(t, direct, c)
		engines.Receive(t, lines, "the container prints")
		remove(t)
		wantReason(t, engines.Receive(t, done, "the run ends").err, engine.ContainerRemoved, runOf(t))
		nothingLeft(t, direct)
	})
	socket := cmp.Or(strings.TrimPrefix(o.Host, "unix://"), machineSocket)
	for _, call := range []string{"PUT /containers//archive", "POST /containers//attach", "POST /containers//wait", "POST /containers//start"} {
		t.Run("before "+strings.ReplaceAll(call, "/", "_"), func(t *testing.T) {
			proxy := newFaultProxy(t, socket, target{call: call, times: 2, struck: func() { remove(t) }}) // an engine may get files for the message first
			c := shell("echo started")
			c.Network = "none"
			c.Files = []plan.File{{Path: "/etc/file", Mode: 0o755}} // a program is copied
			_, err := engine.Attempt(t.Context(), connect(t, docker.Options{Host: proxy.host()}), c, labels(t, 1), &enginetest.Recorder{})
			wantReason(t, err, engine.ContainerRemoved, runOf(t))
			nothingLeft(t, direct)
		})
	}
	t.Run("the image", func(t *testing.T) {
		ref := derived(t, o, "removed")
		proxy := newFaultProxy(t, socket, target{call: "POST /containers/create", struck: func() {
			if _, err := apiAt(t, o.Host).ImageRemove(t.Context(), ref, image.RemoveOptions{Force: true}); err != nil {
				t.Error(err)
			}
		}})
		e := connect(t, docker.Options{Host: proxy.host()})
		c := shell("echo started")
		c.Image = ref
		if err := e.Prepare(t.Context(), c, &enginetest.Recorder{}); err != nil {
			t.Fatal(err)
		}
		_, err := engine.Attempt(t.Context(), e, c, labels(t, 1), &enginetest.Recorder{})
		wantReason(t, err, engine.ImageNotFound, fmt.Sprintf("image %q was removed from the engine", ref))
		nothingLeft(t, direct)
	})
}
