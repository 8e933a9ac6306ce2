package docker_test

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/client"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/docker"
	"github.com/ktask/ktask/engine/enginetest"
	"github.com/ktask/ktask/engine/plan"
	"github.com/ktask/ktask/integration/engines"
)

// daemon is a dockerd that a test can stop and kill. It has its own directories, network and containerd, so it does not
// affect the machine's.
type daemon struct {
	dir     string
	program string
	flags   []string
	cmd     *exec.Cmd
	// ended is closed when dockerd has ended.
	ended chan struct{}
}

// newDaemon starts a dockerd with the busybox image on it.
func newDaemon(t *testing.T, flags ...string) *daemon {
	t.Helper()
	return newDaemonOf(t, "dockerd", flags...)
}

// newDaemonOf is newDaemon with a program that starts dockerd.
func newDaemonOf(t *testing.T, program string, flags ...string) *daemon {
	t.Helper()
	d := &daemon{dir: engines.Directory(t), program: program, flags: flags}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the end of dockerd's log:\n%s", d.logged())
		}
	})
	t.Cleanup(func() { d.end(t, syscall.SIGTERM) })
	t.Cleanup(func() { d.empty(t) })
	d.start(t)
	image, err := api(t).ImageSave(t.Context(), []string{busybox})
	if err != nil {
		t.Fatalf("%v: run `make engine images` first", err)
	}
	defer func() { _ = image.Close() }()
	answer, err := d.client(t).ImageLoad(t.Context(), image)
	if err != nil {
		t.Fatalf("load the image: %v", err)
	}
	_, _ = io.Copy(io.Discard, answer.Body)
	_ = answer.Body.Close()
	return d
}

func (d *daemon) path(name string) string { return filepath.Join(d.dir, name) }

func (d *daemon) host() string { return "unix://" + d.path("s") }

func (d *daemon) client(t *testing.T) *client.Client {
	t.Helper()
	return apiAt(t, d.host())
}

// logged returns the end of the log that all dockerds share.
func (d *daemon) logged() []byte {
	log, _ := os.ReadFile(d.path("log"))
	return log[max(0, len(log)-4000):]
}

// start starts dockerd and waits until it answers.
func (d *daemon) start(t *testing.T) {
	t.Helper()
	log, err := os.OpenFile(d.path("log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = log.Close() }()
	d.cmd = engines.Dockerd(d.program, d.dir, d.flags...)
	d.cmd.Stdout, d.cmd.Stderr = log, log
	if err := d.cmd.Start(); err != nil {
		t.Fatalf("start a dockerd of the test's own: %v: run `make engine images` first, as root", err)
	}
	d.ended = make(chan struct{})
	go func(cmd *exec.Cmd, ended chan struct{}) {
		defer close(ended)
		_ = cmd.Wait()
	}(d.cmd, d.ended)
	c := d.client(t)
	engines.Await(t, "dockerd answers", func() bool {
		_, err := c.Ping(context.WithoutCancel(t.Context()))
		if err != nil && d.dead() {
			t.Fatalf("dockerd has ended: %v", err)
		}
		return err == nil
	})
}

// dead reports whether dockerd is not running.
func (d *daemon) dead() bool {
	select {
	case <-d.ended:
		return true
	default:
		return d.ended == nil
	}
}

// end sends a signal to dockerd and waits for its end. A dockerd that is killed leaves its containerd, which end kills as
// well: the next dockerd would wait for one that is just ending.
func (d *daemon) end(t *testing.T, signal syscall.Signal) {
	t.Helper()
	if d.dead() {
		return
	}
	_ = d.cmd.Process.Signal(signal)
	engines.Receive(t, d.ended, "dockerd ends")
	file := d.path("exec/containerd/containerd.pid")
	text, err := os.ReadFile(file)
	pid, failure := strconv.Atoi(strings.TrimSpace(string(text)))
	if signal != syscall.SIGKILL || err != nil || failure != nil {
		return
	}
	engines.Await(t, "containerd ends", func() bool { // not a child of this process
		return !engines.Owns(d.dir, pid) || syscall.Kill(pid, signal) != nil
	})
	_ = os.Remove(file)
}

// empty removes all containers. It starts a dockerd if none is running, since a killed one leaves processes.
func (d *daemon) empty(t *testing.T) {
	if d.dead() {
		d.start(t)
	}
	c, ctx := d.client(t), context.WithoutCancel(t.Context())
	all, err := c.ContainerList(ctx, container.ListOptions{All: true})
	if err != nil {
		t.Errorf("list what is on the test's own dockerd: %v", err)
	}
	for _, found := range all {
		if err := c.ContainerRemove(ctx, found.ID, container.RemoveOptions{Force: true}); err != nil {
			t.Errorf("remove container %q: %v", found.ID, err)
		}
	}
}

// counting prints lines until the file /shared/end exists.
const counting = `i=0; until [ -e /shared/end ]; do i=$((i+1)); echo line $i; sleep 0.1; done; echo $i >&2; exit 7`

// ran is the result of an attempt.
type ran struct {
	exit engine.Exit
	err  error
}

// runAside runs a container in a goroutine. lines receives each line that it prints.
func runAside(t *testing.T, e engine.Engine, c plan.Container) (heard *enginetest.Recorder, lines <-chan string, done <-chan ran) {
	heard = &enginetest.Recorder{}
	printed, ended := make(chan string, 1000), make(chan ran, 1)
	go func() {
		exit, err := engine.Attempt(t.Context(), e, c, labels(t, 1), engine.SinkFunc(func(event engine.Event) {
			heard.Emit(event)
			if line, ok := event.(engine.OutputLine); ok {
				select {
				case printed <- line.Line:
				default: // the test needs only the first ones
				}
			}
		}))
		ended <- ran{exit, err}
	}()
	return heard, printed, ended
}

// TestEngineThatRestartsWithLiveContainers restarts an engine that keeps containers running: the attempt goes on, and no
// output is lost.
func TestEngineThatRestartsWithLiveContainers(t *testing.T) {
	d := newDaemon(t, "--live-restore")
	e := connect(t, docker.Options{Host: d.host()})
	e.ReconnectWithin(engines.Patience)
	shared := t.TempDir()
	c := shell(counting)
	c.Network = "none"
	c.Mounts = []plan.Mount{{Source: shared, Target: "/shared"}}
	heard, lines, done := runAside(t, e, c)
	for range 5 {
		engines.Receive(t, lines, "the container prints")
	}
	d.end(t, syscall.SIGTERM)
	d.start(t)
	write(t, filepath.Join(shared, "end"), "")
	got := engines.Receive(t, done, "the run ends")
	if got.err != nil || got.exit.Code != 7 {
		t.Errorf("exit %+v, error %v", got.exit, got.err)
	}
	var want []string
	for i := range len(heard.Lines("", engine.Stdout)) {
		want = append(want, fmt.Sprint("line ", i+1))
	}
	if got := heard.Lines("", engine.Stdout); !slices.Equal(got, want) {
		t.Errorf("stdout %q", got)
	}
	if got := heard.Lines("", engine.Stderr); !slices.Equal(got, []string{fmt.Sprint(len(want))}) {
		t.Errorf("stderr %q after %d lines", got, len(want))
	}
	nothingLeft(t, e)
}

// TestEngineThatTakesItsContainersAlong ends an engine that stops its containers: one that then ends with 0 has not passed.
func TestEngineThatTakesItsContainersAlong(t *testing.T) {
	for _, test := range []struct {
		name    string
		signal  syscall.Signal
		restart bool
	}{{"stopped", syscall.SIGTERM, false}, {"killed", syscall.SIGKILL, false}, {"restarted", syscall.SIGTERM, true}, {"killed and restarted", syscall.SIGKILL, true}} {
		t.Run(test.name, func(t *testing.T) {
			d := newDaemon(t)
			e := connect(t, docker.Options{Host: d.host()})
			if e.ReconnectWithin(time.Second); test.restart {
				e.ReconnectWithin(engines.Patience)
			}
			c := shell("trap 'exit 0' TERM; echo ready; sleep 100000 & wait")
			c.Network = "none"
			_, lines, done := runAside(t, e, c)
			engines.Receive(t, lines, "the container prints")
			// A container outlives a dockerd that is killed before it has recorded the start: the next one finds it running.
			direct := d.client(t)
			engines.Await(t, "dockerd has recorded the start", func() bool {
				all, err := direct.ContainerList(t.Context(), container.ListOptions{})
				return err == nil && len(all) == 1 && all[0].State == container.StateRunning
			})
			d.end(t, test.signal)
			if test.restart {
				d.start(t)
			}
			got := engines.Receive(t, done, "the run ends")
			wantReason(t, got.err, engine.EngineLost, d.host())
			t.Logf("exit %+v, error %v", got.exit, got.err)
			if test.restart {
				if found, err := d.client(t).ContainerList(context.WithoutCancel(t.Context()), container.ListOptions{All: true}); err != nil || len(found) > 0 {
					t.Errorf("left: %+v, error %v", found, err)
				}
			}
		})
	}
}
