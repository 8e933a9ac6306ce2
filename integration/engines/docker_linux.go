package engines

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// Docker starts a dockerd of today, as `make moby` has built it, with some images of the machine's Docker, and returns its
// address. It has its own directories, network and runc, so the machine's Docker does not notice it. What is left on
// it at the end of the test is removed with it.
func Docker(t testing.TB, images ...string) (host string) {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	programs := filepath.Join(cache, "ktask", "moby")
	dir, err := os.MkdirTemp("", "ktask-m") // a test's own directory can be too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	socket := filepath.Join(dir, "s")
	service := exec.Command(filepath.Join(programs, "dockerd"),
		"--data-root", filepath.Join(dir, "data"), "--exec-root", filepath.Join(dir, "exec"), "--pidfile", filepath.Join(dir, "pid"),
		"--host", "unix://"+socket, "--bridge", "none", "--iptables=false", "--ip6tables=false", "--shutdown-timeout", "2",
		"--add-runtime", "today="+filepath.Join(programs, "runc"), "--default-runtime", "today",
	)
	service.Stdout, service.Stderr = &log, &log
	// In a network of its own: a dockerd without a bridge removes docker0, which the machine's needs.
	service.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Cloneflags: syscall.CLONE_NEWNET}
	service.WaitDelay = time.Second
	if err := service.Start(); err != nil {
		t.Fatalf("start a dockerd of today: %v: run `make moby` first, as root", err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = service.Wait()
	}()
	docker := func(arguments ...string) *exec.Cmd {
		return exec.Command("docker", append([]string{"--host", "unix://" + socket}, arguments...)...)
	}
	t.Cleanup(func() {
		if left, err := docker("ps", "--all", "--quiet").Output(); err == nil && len(left) > 0 {
			_ = docker(append([]string{"rm", "--force"}, fields(left)...)...).Run()
		}
		_ = service.Process.Signal(syscall.SIGTERM)
		select {
		case <-ended:
		case <-time.After(patience):
			t.Error("dockerd does not end")
			_ = service.Process.Kill()
			<-ended
		}
		Remove(t, dir)
		if t.Failed() {
			t.Logf("the end of dockerd's log:\n%s", log.Bytes()[max(0, log.Len()-4000):])
		}
	})
	listens(t, socket, ended)
	load(t, docker("load"), images)
	return "unix://" + socket
}

// fields splits what a command has printed.
func fields(output []byte) []string {
	var all []string
	for _, field := range bytes.Fields(output) {
		all = append(all, string(field))
	}
	return all
}
