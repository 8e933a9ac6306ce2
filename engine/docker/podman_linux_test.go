package docker_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ktask/ktask/engine/docker"
)

// podmanConfig lets podman run without systemd, and where the limits of the machine cannot be raised.
const podmanConfig = `[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
[containers]
netns = "none"
default_ulimits = ["nofile=1024:1024", "nproc=4096:4096"]
`

// podmanHost starts a podman service of the test's own, with the busybox image on it, and gives its address.
func podmanHost(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "ktask-p")
	if err != nil {
		t.Fatal(err)
	}
	config := filepath.Join(dir, "containers.conf")
	if err := os.WriteFile(config, []byte(podmanConfig), 0o600); err != nil {
		t.Fatal(err)
	}
	podman := func(arguments ...string) *exec.Cmd {
		cmd := exec.Command("podman", append([]string{
			"--root", filepath.Join(dir, "root"), "--runroot", filepath.Join(dir, "run"), "--storage-driver", "overlay",
		}, arguments...)...)
		cmd.Env = append(os.Environ(), "CONTAINERS_CONF="+config)
		cmd.WaitDelay = time.Second
		return cmd
	}
	var log bytes.Buffer
	host := "unix://" + filepath.Join(dir, "s")
	service := podman("system", "service", "--time", "0", host)
	service.Stdout, service.Stderr = &log, &log
	if err := service.Start(); err != nil {
		t.Fatalf("start a podman of the test's own: %v: run `make engine images` first, as root", err)
	}
	t.Cleanup(func() {
		_ = service.Process.Signal(syscall.SIGTERM)
		_ = service.Wait()
		if left, err := podman("rm", "--all", "--force", "--time", "0").CombinedOutput(); err != nil {
			t.Errorf("remove what is on the test's own podman: %v: %s", err, left)
		}
		unmountBelow(dir)
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Logf("the end of podman's log:\n%s", log.Bytes()[max(0, log.Len()-4000):])
		}
	})
	c := apiAt(t, host)
	untilAnswers(t, c, service, &log)
	loadBusybox(t, c)
	return host
}

// TestPodman holds another engine that speaks the API against the same contract, and against what differs there: it makes
// the process when somebody attaches, has a log of its own kind, stops with all its grace what is removed by force, and
// calls a name that is taken an internal error.
func TestPodman(t *testing.T) {
	// Whatever waits for a grace of a minute gets no answer.
	o := docker.Options{Host: podmanHost(t), AnswerWithin: 20 * time.Second}
	t.Run("conforms", func(t *testing.T) {
		conforms(t, func(t testing.TB) *docker.Engine { return connect(t, o) })
	})
	t.Run("stream that breaks goes on", func(t *testing.T) { brokenStreamGoesOn(t, strings.TrimPrefix(o.Host, "unix://")) })
	t.Run("messages", func(t *testing.T) { messagesAreAsInAPod(t, o) })
	t.Run("sweep", func(t *testing.T) { sweeps(t, o) })
	t.Run("remove together", func(t *testing.T) { removesTogether(t, o) })
	t.Run("others", func(t *testing.T) { nameOfAnother(t, o) })
}

// TestSoakPodmanFaults lets requests go wrong on podman too.
func TestSoakPodmanFaults(t *testing.T) {
	if !soak() {
		return
	}
	testFaults(t, podmanHost(t), false)
}
