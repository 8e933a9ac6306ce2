package engines

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// Dockerd returns a dockerd that has all that is its own in a directory, where it listens at the socket "s".
func Dockerd(program, dir string, flags ...string) *exec.Cmd {
	cmd := exec.Command(program, append([]string{
		"--data-root", filepath.Join(dir, "data"), "--exec-root", filepath.Join(dir, "exec"), "--pidfile", filepath.Join(dir, "pid"),
		"--host", "unix://" + filepath.Join(dir, "s"), "--bridge", "none", "--iptables=false", "--ip6tables=false", "--shutdown-timeout", "2",
	}, flags...)...)
	// In a network of its own: a dockerd without a bridge removes docker0, which the machine's needs.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Cloneflags: syscall.CLONE_NEWNET}
	return cmd
}

// Docker starts a dockerd of today, as `make moby` has built it, with some images of the machine's Docker, and returns its
// address. It has its own directories, network and runc, so the machine's Docker does not notice it. What is left on
// it at the end of the test is removed with it.
func Docker(t testing.TB, images ...string) (host string) {
	t.Helper()
	return startDocker(t, images)
}

// BridgedDocker is Docker with a default network.
func BridgedDocker(t testing.TB, images ...string) (host string) {
	t.Helper()
	return startDocker(t, images, "--bridge=", "--iptables")
}

func startDocker(t testing.TB, images []string, flags ...string) (host string) {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	programs, dir := filepath.Join(cache, "ktask", "moby"), Directory(t)
	host = serve(t, dir, Dockerd(filepath.Join(programs, "dockerd"), dir,
		append(flags, "--add-runtime", "today="+filepath.Join(programs, "runc"), "--default-runtime", "today")...), "make moby")
	t.Cleanup(func() { // before dockerd ends
		if left, err := exec.Command("docker", "--host", host, "ps", "--all", "--quiet").Output(); err == nil && len(left) > 0 {
			_ = exec.Command("docker", append([]string{"--host", host, "rm", "--force"}, strings.Fields(string(left))...)...).Run()
		}
	})
	load(t, exec.Command("docker", "--host", host, "load"), images)
	return host
}
