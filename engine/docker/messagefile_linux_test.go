package docker_test

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/docker"
	"github.com/ktask/ktask/engine/enginetest"
	"github.com/ktask/ktask/engine/plan"
	"github.com/ktask/ktask/integration/engines"
)

// TestMessageCostsNoRequest looks at the requests of a run: the message has requests of its own only if it needs a volume, as
// when a task can write in the directory of the files.
func TestMessageCostsNoRequest(t *testing.T) {
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink("/dev", link); err != nil {
		t.Fatal(err)
	}
	for source, volume := range map[string]bool{"": false, "/tmp": false, "/dev/shm": true, "/dev": true, link: true} {
		proxy := newFaultProxy(t, machineSocket, target{how: noFault})
		c := shell("echo the reason >/dev/termination-log; exit 1")
		if source != "" {
			c.Mounts = []plan.Mount{{Source: source, Target: "/host", ReadOnly: true}}
		}
		if exit, _ := run(t, connect(t, docker.Options{Host: proxy.host()}), c); exit.Message != "the reason\n" {
			t.Errorf("exit %+v", exit)
		}
		own := slices.ContainsFunc(proxy.recorded(), func(call string) bool {
			return strings.Contains(call, "/volumes/") || strings.Contains(call, "archive")
		})
		if own != volume {
			t.Errorf("with a mount of %q: requests %q", source, proxy.recorded())
		}
	}
}

// TestMessageHasNoPath runs a task that ends when the file that it has as its termination message has no path on the machine.
func TestMessageHasNoPath(t *testing.T) {
	c := shell(`until grep -q '//deleted /dev/termination-log' /proc/self/mountinfo; do sleep 0.1; done; echo the reason >/dev/termination-log`)
	_, _, done := runAside(t, connect(t, docker.Options{}), c)
	if got := engines.Receive(t, done, "the file is removed"); got.err != nil || got.exit.Message != "the reason\n" {
		t.Errorf("exit %+v, error %v", got.exit, got.err)
	}
}

// TestFilesAreMounted looks at files that the engine mounts from this machine, and at those that ktask copies.
func TestFilesAreMounted(t *testing.T) {
	file := plan.File{Path: "/var/data/function.ts", Mode: 0o444, Content: []byte("content\n")}
	with := func(change func(*plan.File)) []plan.File {
		other := file
		change(&other)
		return []plan.File{file, other}
	}
	many := []plan.File{file}
	for i := range 16 {
		many = append(many, plan.File{Path: fmt.Sprint("/etc/", i), Mode: 0o444})
	}
	tests := map[string]struct {
		files  []plan.File
		change func(*plan.Container)
		keep   docker.Keep
		copied bool
	}{
		"a script":             {files: []plan.File{file}},
		"for a read-only root": {files: []plan.File{file}, change: func(c *plan.Container) { c.Security.ReadOnlyRootfs = true }},
		"two":                  {files: with(func(f *plan.File) { f.Path = "/var/other" })},
		"one twice":            {files: with(func(*plan.File) {}), copied: true},
		"a program":            {files: with(func(f *plan.File) { f.Path, f.Mode = "/program", 0o555 }), copied: true},
		"users":                {files: with(func(f *plan.File) { f.Path = "/etc/passwd" }), copied: true},
		"a file of its owner":  {files: with(func(f *plan.File) { f.Path, f.Mode = "/etc/own", 0o640 }), copied: true},
		"many":                 {files: many, copied: true},
		"one in a mount": {files: []plan.File{file}, copied: true, change: func(c *plan.Container) {
			c.Mounts = []plan.Mount{{Source: t.TempDir(), Target: "/var/data"}}
		}},
		"a kept container": {files: []plan.File{file}, keep: docker.KeepFailed, copied: true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			proxy := newFaultProxy(t, machineSocket, target{how: noFault})
			c := shell(`cd /var/data; cat function.ts; stat -c '%a %u %Y' function.ts; echo no 2>/dev/null >function.ts || echo read-only`)
			c.Files = test.files
			if test.change != nil {
				test.change(&c)
			}
			want := "content\n444 0 0\nread-only"
			if test.copied {
				want = "content\n444 0 0"
			}
			if got := output(t, connect(t, docker.Options{Host: proxy.host(), Keep: test.keep}), c); got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
			copied := slices.ContainsFunc(proxy.recorded(), func(call string) bool { return strings.Contains(call, "PUT /containers//archive") })
			if copied != test.copied {
				t.Errorf("requests %q", proxy.recorded())
			}
		})
	}
}

// TestFileThatCannotBeMounted runs a task whose image has a directory in the place of its file. The engine mounts the files of
// later tasks nevertheless.
func TestFileThatCannotBeMounted(t *testing.T) {
	e := connect(t, docker.Options{})
	c := shell("true")
	c.Files = []plan.File{{Path: "/home", Mode: 0o444}}
	_, err := engine.Attempt(t.Context(), e, c, labels(t, 1), &enginetest.Recorder{})
	if err == nil || !strings.Contains(err.Error(), "copy files into the container") {
		t.Errorf("error %v", err)
	}
	c = shell("echo 2>/dev/null >/f || echo read-only")
	c.Files = []plan.File{{Path: "/f", Mode: 0o444}}
	if got := output(t, e, c); got != "read-only" {
		t.Errorf("output %q", got)
	}
}

// TestSweepRemovesMessageFiles sweeps a run at the moment at which its message has a path, as after ktask was killed there.
func TestSweepRemovesMessageFiles(t *testing.T) {
	files := func() []string {
		found, err := filepath.Glob(fmt.Sprintf("/dev/shm/ktask-%x-*", sha256.Sum256([]byte(runOf(t)))))
		if err != nil {
			t.Error(err)
		}
		return found
	}
	direct := connect(t, docker.Options{})
	proxy := newFaultProxy(t, machineSocket, target{call: "POST /containers//start", struck: func() {
		if found := files(); len(found) != 1 {
			t.Errorf("files before the start: %q", found)
		}
		if err := direct.Sweep(t.Context(), runOf(t), time.Millisecond); err != nil {
			t.Error(err)
		}
		if found := files(); len(found) > 0 {
			t.Errorf("files after the sweep: %q", found)
		}
	}})
	_, err := engine.Attempt(t.Context(), connect(t, docker.Options{Host: proxy.host()}), shell("true"), labels(t, 1), &enginetest.Recorder{})
	wantReason(t, err, engine.ContainerRemoved, runOf(t))
}

// TestOldMessageFilesAreRemoved has a directory that a run has left long ago, and one of a run that may be starting.
func TestOldMessageFilesAreRemoved(t *testing.T) {
	for name, age := range map[string]time.Duration{"old": 2 * time.Hour, "new": time.Minute} {
		directory := fmt.Sprintf("/dev/shm/ktask-%s-%s", runOf(t), name)
		if err := os.Mkdir(directory, 0o700); err != nil {
			t.Fatal(err)
		}
		defer func() { _ = os.RemoveAll(directory) }()
		made := time.Now().Add(-age)
		if err := os.Chtimes(directory, made, made); err != nil {
			t.Fatal(err)
		}
		run(t, connect(t, docker.Options{}), shell("true"))
		if _, err := os.Stat(directory); errors.Is(err, fs.ErrNotExist) != (name == "old") {
			t.Errorf("the %s directory: %v", name, err)
		}
	}
}

// TestEngineThatDoesNotSeeTheMessageFile uses an engine that shares no files with this machine.
func TestEngineThatDoesNotSeeTheMessageFile(t *testing.T) {
	program := filepath.Join(t.TempDir(), "elsewhere")
	script := "#!/bin/sh\nexec unshare --mount sh -c 'mount -t tmpfs none /dev/shm && exec dockerd \"$@\"' dockerd \"$@\"\n"
	if err := os.WriteFile(program, []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	d := newDaemonOf(t, program)
	proxy := newFaultProxy(t, d.path("s"), target{how: noFault})
	e := connect(t, docker.Options{Host: proxy.host()})
	for range 2 {
		c := shell("stat -c '%a %s' /dev/termination-log; echo the reason >/dev/termination-log; exit 1")
		c.User, c.Network = "1234", "none"
		c.Files = []plan.File{{Path: "/f", Mode: 0o444}}
		exit, heard := run(t, e, c)
		if got := heard.Lines("", "stdout"); exit.Message != "the reason\n" || len(got) != 1 || got[0] != "666 0" {
			t.Errorf("exit %+v, output %q", exit, got)
		}
	}
	creations := 0
	for _, call := range proxy.recorded() {
		if strings.HasPrefix(call, "POST /containers/create") {
			creations++
		}
	}
	if creations != 3 { // one of each attempt, and one that is refused
		t.Errorf("%d creations: %q", creations, proxy.recorded())
	}
}
