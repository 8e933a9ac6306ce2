package engines

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// rootlessUser is the id of the user of rootless engines, and what begins with rootlessIDs are the ids of its containers.
const rootlessUser, rootlessIDs = 41234, 2000000

// enter runs a command as the user of a rootless engine. The user exists for the command alone: its files of the system are
// those of the engine's directory.
const enter = `set -e
mount --make-rshared /
for f in passwd group; do { cat /etc/$f; cat "$DIR/$f"; } > "$DIR/all-$f"; mount --bind "$DIR/all-$f" /etc/$f; done
for f in subuid subgid; do mount --bind "$DIR/ids" /etc/$f; done
[ -e "$DIR/tun" ] || mknod -m 666 "$DIR/tun" c 10 200 # as udev makes it: every user may have a network in user space
mount --bind "$DIR/tun" /dev/net/tun
cd "$DIR/home"
exec setpriv --reuid $ID --regid $ID --clear-groups env -i HOME="$DIR/home" XDG_RUNTIME_DIR="$DIR/run" CONTAINERS_CONF="$DIR/containers.conf" \
	PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$@"`

// rootless returns a function that makes commands of a user without privileges in the directory of an engine.
func rootless(t testing.TB, dir string) func(args ...string) *exec.Cmd {
	t.Helper()
	for _, name := range []string{"home", "run"} {
		path := filepath.Join(dir, name)
		if err := os.Mkdir(path, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.Chown(path, rootlessUser, rootlessUser); err != nil {
			t.Fatalf("%v: run the test as root", err)
		}
	}
	for name, text := range map[string]string{
		"passwd": fmt.Sprintf("ktask-rootless:x:%d:%d::%s/home:/bin/sh\n", rootlessUser, rootlessUser, dir), "group": fmt.Sprintf("ktask-rootless:x:%d:\n", rootlessUser),
		"ids": fmt.Sprintf("ktask-rootless:%d:65536\n", rootlessIDs), "containers.conf": strings.Replace(podmanConfig, `"none"`, `"slirp4netns"`, 1),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return func(args ...string) *exec.Cmd {
		cmd := exec.Command("sh", append([]string{"-c", enter, "sh"}, args...)...)
		cmd.Env = append(os.Environ(), "DIR="+dir, fmt.Sprintf("ID=%d", rootlessUser))
		cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS | syscall.CLONE_NEWNET}
		cmd.WaitDelay = time.Second
		return cmd
	}
}

// RootlessPodman is Podman for a user without privileges.
func RootlessPodman(t testing.TB, images ...string) (host string) {
	t.Helper()
	dir := Directory(t)
	run := rootless(t, dir)
	podman := func(args ...string) *exec.Cmd {
		return run(append([]string{"podman", "--root", dir + "/home/root", "--runroot", dir + "/run/podman", "--storage-driver", "vfs"}, args...)...)
	}
	socket := filepath.Join(dir, "run", "s")
	if err := os.Symlink(socket, filepath.Join(dir, "s")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { // after the service has ended
		if output, err := podman("rm", "--all", "--force", "--time", "0").CombinedOutput(); err != nil {
			t.Errorf("remove what is on the test's own podman: %v: %s", err, output)
		}
	})
	host = serve(t, dir, podman("system", "service", "--time", "0", "unix://"+socket), "make engine images")
	load(t, podman("load"), images)
	return host
}

// RootlessDocker starts a dockerd of a user without privileges, with the network that dockerd-rootless.sh gives it.
func RootlessDocker(t testing.TB, images ...string) (host string) {
	t.Helper()
	dir := Directory(t)
	run := rootless(t, dir)
	socket := filepath.Join(dir, "run", "s")
	if err := os.Symlink(socket, filepath.Join(dir, "s")); err != nil {
		t.Fatal(err)
	}
	dockerd := strings.Join([]string{
		"rm -f /run/docker /run/containerd; exec dockerd --rootless --data-root", dir + "/home/data --exec-root", dir + "/run/exec --pidfile", dir + "/run/pid",
		"--host unix://" + socket, "--storage-driver vfs --shutdown-timeout 2",
	}, " ")
	host = serve(t, dir, run("rootlesskit", "--net=slirp4netns", "--disable-host-loopback", "--mtu=65520", "--copy-up=/etc", "--copy-up=/run", "--propagation=rslave", "sh", "-c", dockerd), "make engine images")
	load(t, exec.Command("docker", "--host", host, "load"), images)
	return host
}
