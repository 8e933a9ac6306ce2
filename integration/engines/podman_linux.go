package engines

import (
	"bytes"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// podmanConfig lets podman run without systemd, without a network, and where the limits of the machine cannot be raised.
const podmanConfig = `[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
[containers]
netns = "none"
default_ulimits = ["nofile=1024:1024", "nproc=4096:4096"]
`

// Podman starts a podman service with some images of the machine's Docker, and gives its address. What is left on it at
// the end of the test goes with it.
func Podman(t testing.TB, images ...string) (host string) {
	t.Helper()
	dir, err := os.MkdirTemp("", "ktask-p") // a test's own directory can be too long for a socket
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
	socket := filepath.Join(dir, "s")
	service := podman("system", "service", "--time", "0", "unix://"+socket)
	service.Stdout, service.Stderr = &log, &log
	if err := service.Start(); err != nil {
		t.Fatalf("start a podman of the test's own: %v: run `make engine images` first, as root", err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = service.Wait()
	}()
	t.Cleanup(func() {
		_ = service.Process.Signal(syscall.SIGTERM)
		select {
		case <-ended:
		case <-time.After(patience):
			t.Error("podman does not end")
			_ = service.Process.Kill()
			<-ended
		}
		if said, err := podman("rm", "--all", "--force", "--time", "0").CombinedOutput(); err != nil {
			t.Errorf("remove what is on the test's own podman: %v: %s", err, said)
		}
		Remove(t, dir)
		if t.Failed() {
			t.Logf("the end of podman's log:\n%s", log.Bytes()[max(0, log.Len()-4000):])
		}
	})
	listens(t, socket, ended)
	load(t, podman("load"), images)
	return "unix://" + socket
}

// listens waits until somebody listens at a socket.
func listens(t testing.TB, socket string, ended <-chan struct{}) {
	t.Helper()
	for limit := time.Now().Add(patience); ; {
		conn, err := net.Dial("unix", socket)
		if err == nil {
			_ = conn.Close()
			return
		}
		select {
		case <-ended:
			t.Fatalf("the engine ended before it listened: %v", err)
		case <-time.After(20 * time.Millisecond): // it has no way of saying that it is ready
		}
		if time.Now().After(limit) {
			t.Fatalf("the engine does not listen: %v", err)
		}
	}
}

// load takes images from the machine's Docker to the engine that a command loads into.
func load(t testing.TB, into *exec.Cmd, images []string) {
	t.Helper()
	save := exec.Command("docker", append([]string{"save"}, images...)...)
	archive, err := save.Output()
	if err != nil {
		t.Fatalf("docker %v: %v: run `make engine images` first", save.Args[1:], err)
	}
	into.Stdin = bytes.NewReader(archive)
	if said, err := into.CombinedOutput(); err != nil {
		t.Fatalf("load %q: %v: %s", images, err, said)
	}
}
