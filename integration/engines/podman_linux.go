package engines

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// podmanConfig lets podman run without systemd, without a network, and on machines whose limits cannot be raised.
const podmanConfig = `[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
[containers]
netns = "none"
default_ulimits = ["nofile=1024:1024", "nproc=4096:4096"]
`

// Podman starts a podman service with some images of the machine's Docker, and returns its address. What is left on it at
// the end of the test is removed with it.
func Podman(t testing.TB, images ...string) (host string) {
	t.Helper()
	dir := Directory(t)
	if err := os.WriteFile(filepath.Join(dir, "containers.conf"), []byte(podmanConfig), 0o600); err != nil {
		t.Fatal(err)
	}
	host = "unix://" + filepath.Join(dir, "s")
	podman := func(arguments ...string) *exec.Cmd { return PodmanCommand(host, arguments...) }
	t.Cleanup(func() { // after the service has ended
		if output, err := podman("rm", "--all", "--force", "--time", "0").CombinedOutput(); err != nil {
			t.Errorf("remove what is on the test's own podman: %v: %s", err, output)
		}
	})
	serve(t, dir, podman("system", "service", "--time", "0", host), "make engine images")
	load(t, podman("load"), images)
	return host
}

// PodmanCommand returns a command of podman on the store of a service that Podman has started.
func PodmanCommand(host string, arguments ...string) *exec.Cmd {
	dir := filepath.Dir(strings.TrimPrefix(host, "unix://"))
	cmd := exec.Command("podman", append([]string{
		"--root", filepath.Join(dir, "root"), "--runroot", filepath.Join(dir, "run"), "--storage-driver", "overlay",
	}, arguments...)...)
	cmd.Dir = dir // for the file oom of its monitor
	cmd.Env = append(os.Environ(), "CONTAINERS_CONF="+filepath.Join(dir, "containers.conf"))
	cmd.WaitDelay = time.Second
	return cmd
}
