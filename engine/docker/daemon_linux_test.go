package docker_test

import (
	"bytes"
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
	"github.com/ktask/ktask/integration/engines"
)

// daemon is a dockerd of the test's own, which a test can stop and kill. It has its own directories, network and
// containerd, so the machine's does not notice it.
type daemon struct {
	dir   string
	flags []string
	log   bytes.Buffer
	cmd   *exec.Cmd
}

// newDaemon starts a dockerd with the busybox image on it.
func newDaemon(t *testing.T, flags ...string) *daemon {
	t.Helper()
	dir, err := os.MkdirTemp("", "ktask-d")
	if err != nil {
		t.Fatal(err)
	}
	d := &daemon{dir: dir, flags: flags}
	d.start(t)
	t.Cleanup(func() {
		d.empty(t)
		d.end(syscall.SIGTERM)
		d.reap()
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Logf("the end of dockerd's log:\n%s", d.log.Bytes()[max(0, d.log.Len()-4000):])
		}
	})
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

// start starts dockerd and waits until it answers.
func (d *daemon) start(t *testing.T) {
	t.Helper()
	d.cmd = exec.Command("dockerd", append([]string{
		"--data-root", d.path("data"), "--exec-root", d.path("exec"), "--pidfile", d.path("pid"), "--host", d.host(),
		"--bridge", "none", "--iptables=false", "--ip6tables=false", "--shutdown-timeout", "2",
	}, d.flags...)...)
	d.cmd.Stdout, d.cmd.Stderr = &d.log, &d.log
	// In a network of its own: a dockerd without a bridge takes docker0 off the machine, which the machine's needs.
	d.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Cloneflags: syscall.CLONE_NEWNET}
	d.cmd.WaitDelay = time.Second
	if err := d.cmd.Start(); err != nil {
		t.Fatalf("start a dockerd of the test's own: %v: run `make engine images` first, as root", err)
	}
	c := d.client(t)
	for limit := time.Now().Add(time.Minute); ; {
		_, err := c.Ping(context.WithoutCancel(t.Context()))
		if err == nil {
			return
		}
		if time.Now().After(limit) || d.cmd.ProcessState != nil {
			t.Fatalf("dockerd does not answer: %v\n%s", err, d.log.Bytes())
		}
		time.Sleep(20 * time.Millisecond) // it has no way of saying that it is ready
	}
}

// end sends a signal to dockerd and waits for its end. Its containerd dies with it, also where it cannot say so: the
// next dockerd would wait for one that is just ending.
func (d *daemon) end(signal syscall.Signal) {
	if d.cmd.ProcessState != nil {
		return
	}
	_ = d.cmd.Process.Signal(signal)
	_ = d.cmd.Wait()
	file := d.path("exec/containerd/containerd.pid")
	text, err := os.ReadFile(file)
	pid, failure := strconv.Atoi(strings.TrimSpace(string(text)))
	if signal != syscall.SIGKILL || err != nil || failure != nil {
		return
	}
	for d.owns(pid) && syscall.Kill(pid, signal) == nil {
		time.Sleep(20 * time.Millisecond) // it is no child of ours, so there is nothing to wait for
	}
	_ = os.Remove(file)
}

// owns says whether a process is one of this daemon.
func (d *daemon) owns(pid int) bool {
	line, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	return pid != os.Getpid() && strings.Contains(string(line), d.dir+"/")
}

// empty removes all containers, with a new dockerd where there is none: a killed one leaves processes running.
func (d *daemon) empty(t *testing.T) {
	if d.cmd.ProcessState != nil {
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

// reap ends what a dockerd leaves behind: its containerd, the shims and the mounts below its directory.
func (d *daemon) reap() {
	procs, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, file := range procs {
		var pid int
		if _, err := fmt.Sscanf(file, "/proc/%d/", &pid); err == nil && d.owns(pid) {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	}
	engines.Unmount(d.dir)
}

// counting prints one line after the other, with time in between for an engine to restart.
const counting = `i=1; while [ $i -le 40 ]; do echo line $i; i=$((i+1)); sleep 0.1; done; echo done >&2; exit 7`

// TestEngineThatRestartsWithLiveContainers: the run goes on, and nothing of its output is lost.
func TestEngineThatRestartsWithLiveContainers(t *testing.T) {
	d := newDaemon(t, "--live-restore")
	e := connect(t, docker.Options{Host: d.host()})
	c := shell(counting)
	c.Network = "none"
	var heard enginetest.Recorder
	restarted := make(chan struct{})
	exit, err := e.Run(t.Context(), c, labels(t, 1), engine.SinkFunc(func(event engine.Event) {
		heard.Emit(event)
		if line, ok := event.(engine.OutputLine); ok && line.Line == "line 5" {
			go func() {
				defer close(restarted)
				d.end(syscall.SIGTERM)
				d.start(t)
			}()
		}
	}))
	<-restarted
	var want []string
	for i := range 40 {
		want = append(want, fmt.Sprint("line ", i+1))
	}
	if err != nil || exit.Code != 7 {
		t.Errorf("exit %+v, error %v", exit, err)
	}
	if got := heard.Lines("", engine.Stdout); !slices.Equal(got, want) {
		t.Errorf("stdout %q", got)
	}
	if got := heard.Lines("", engine.Stderr); !slices.Equal(got, []string{"done"}) {
		t.Errorf("stderr %q", got)
	}
	nothingLeft(t, e)
}

// TestEngineThatTakesItsContainersAlong: a task that ends with 0 when the engine stops has not passed.
func TestEngineThatTakesItsContainersAlong(t *testing.T) {
	for _, test := range []struct {
		name    string
		signal  syscall.Signal
		restart bool
	}{{"stopped", syscall.SIGTERM, false}, {"killed", syscall.SIGKILL, false}, {"restarted", syscall.SIGTERM, true}, {"killed and restarted", syscall.SIGKILL, true}} {
		t.Run(test.name, func(t *testing.T) {
			d := newDaemon(t)
			e := connect(t, docker.Options{Host: d.host(), AnswerWithin: 6 * time.Second})
			c := shell("trap 'exit 0' TERM; echo ready; sleep 100000 & wait")
			c.Network = "none"
			ended := make(chan struct{})
			exit, err := e.Run(t.Context(), c, labels(t, 1), engine.SinkFunc(func(engine.Event) {
				go func() {
					defer close(ended)
					d.end(test.signal)
					if test.restart {
						d.start(t)
					}
				}()
			}))
			<-ended
			wantReason(t, err, engine.EngineLost, d.host())
			t.Logf("exit %+v, error %v", exit, err)
			if test.restart {
				if found, err := d.client(t).ContainerList(context.WithoutCancel(t.Context()), container.ListOptions{All: true}); err != nil || len(found) > 0 {
					t.Errorf("left: %+v, error %v", found, err)
				}
			}
		})
	}
}
