package engines

import (
	"os"
	"os/exec"
	"path/filepath"
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
	config := filepath.Join(dir, "containers.conf")
	if err := os.WriteFile(config, []byte(podmanConfig), 0o600); err != nil {
		t.Fatal(err)
	}
	podman := func(arguments ...string) *exec.Cmd {
		cmd := exec.Command("podman", append([]string{
			"--root", filepath.Join(dir, "root"), "--runroot", filepath.Join(dir, "run"), "--storage-driver", "overlay",
		}, arguments...)...)
		cmd.Dir = dir // for the file oom of its monitor
		cmd.Env = append(os.Environ(), "CONTAINERS_CONF="+config)
		cmd.WaitDelay = time.Second
		return cmd
	}
	t.Cleanup(func() { // after the service has ended
		if output, err := podman("rm", "--all", "--force", "--time", "0").CombinedOutput(); err != nil {
			t.Errorf("remove what is on the test's own podman: %v: %s", err, output)
		}
	})
	host = serve(t, dir, podman("system", "service", "--time", "0", "unix://"+filepath.Join(dir, "s")), "make engine images")
	load(t, podman("load"), images)
	return host
}
