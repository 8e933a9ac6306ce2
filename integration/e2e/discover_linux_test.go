package e2e

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ktask/ktask/integration/engines"
)

// places are the directories of a user who has no engine at the sockets of the machine.
type places struct{ home, runtime, temp string }

func newPlaces(t *testing.T) places {
	t.Helper()
	dir := filepath.Dir(engines.Socket(t)) // short enough for a socket
	p := places{filepath.Join(dir, "h"), filepath.Join(dir, "r"), filepath.Join(dir, "t")}
	for _, dir := range []string{p.home, p.runtime, p.temp} {
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	return p
}

// path returns the path of a socket in the user's places, whose directory it creates.
func (p places) path(t *testing.T, socket string) string {
	t.Helper()
	path := strings.NewReplacer("~", p.home, "RUN", p.runtime, "TMP", p.temp).Replace(socket)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}

// ktask runs ktask in these places, where /run is empty but for an engine at each of the sockets there.
func (p places) ktask(t *testing.T, stdin, socketsInRun string, args ...string) outcome {
	t.Helper()
	script := "mount -t tmpfs none /run && for s in " + socketsInRun + `; do mkdir -p "${s%/*}" && touch $s && mount --bind ` + p.temp + `/s $s || exit; done; exec "$@"`
	cmd := exec.CommandContext(t.Context(), "unshare", append([]string{"--mount", "sh", "-c", script, "sh", binary}, args...)...)
	var stdout, stderr strings.Builder
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &stdout, &stderr
	cmd.Env = append(os.Environ(), "HOME="+p.home, "XDG_RUNTIME_DIR="+p.runtime, "TMPDIR="+p.temp,
		"DOCKER_HOST=", "DOCKER_CONTEXT=", "DOCKER_CONFIG=", "COLIMA_HOME=", "LIMA_HOME=", "GITHUB_ACTIONS=")
	err := cmd.Run()
	if _, exited := err.(*exec.ExitError); err != nil && !exited {
		t.Fatal(err)
	}
	return outcome{code: cmd.ProcessState.ExitCode(), stdout: stdout.String(), stderr: stderr.String()}
}

// busyboxTask is a container task of the image that the tests have.
var busyboxTask = manifest("container", "    name: c\n    image: "+busyboxImage+"\n    command: [echo, ran]", nil)

// TestEngineIsFound runs a task with an engine at each of the usual sockets, one after the other.
func TestEngineIsFound(t *testing.T) {
	for _, socket := range []string{
		"/run/docker.sock", "RUN/docker.sock", "~/.docker/run/docker.sock", "~/.docker/desktop/docker.sock", "~/.colima/default/docker.sock",
		"~/.colima/work/docker.sock", "~/.config/colima/default/docker.sock", "~/.rd/docker.sock", "~/.orbstack/run/docker.sock",
		"~/.lima/docker/sock/docker.sock", "~/.local/share/containers/podman/machine/podman.sock",
		"~/.local/share/containers/podman/machine/qemu/podman.sock", "RUN/podman/podman-machine-default-api.sock",
		"TMP/podman/podman-machine-default-api.sock", "/run/podman/podman.sock", "RUN/podman/podman.sock",
	} {
		t.Run(socket, func(t *testing.T) {
			p := newPlaces(t)
			at, inRun := p.path(t, socket), ""
			if strings.HasPrefix(socket, "/run/") {
				at, inRun = filepath.Join(p.temp, "s"), socket
			}
			engines.NewWireAt(t, at, engines.Machine())
			o := p.ktask(t, busyboxTask, inRun, "run", "-o", "json", "-").expect(t, 0)
			want := "unix://" + strings.Replace(p.path(t, socket), "/run/docker.sock", "/var/run/docker.sock", 1)
			if strings.HasPrefix(socket, "~") || strings.HasPrefix(socket, "RUN") {
				want = "unix://" + at
			}
			if !strings.Contains(o.stdout, `"host":"`+want+`"`) || o.stderr != "" {
				t.Errorf("want host %s\nstdout:\n%s\nstderr:\n%s", want, o.stdout, o.stderr)
			}
		})
	}
}

// TestEngineThatIsPassedOver puts sockets that cannot be used before one that can.
func TestEngineThatIsPassedOver(t *testing.T) {
	p := newPlaces(t)
	stale, err := net.ListenUnix("unix", &net.UnixAddr{Name: p.path(t, "RUN/docker.sock"), Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	stale.SetUnlinkOnClose(false)
	_ = stale.Close()
	foreign := p.path(t, "~/.rd/docker.sock")
	engines.NewWireAt(t, foreign, engines.Machine())
	if err := os.Chown(filepath.Dir(foreign), 12345, 12345); err != nil {
		t.Fatal(err)
	}
	o := p.ktask(t, busyboxTask, "", "run", "-").expect(t, 3)
	for _, says := range []string{
		"ktask: no container engine found: ", "/r/docker.sock: connection refused; ", "/.rd/docker.sock: not trusted: ", "fix: start Docker, or name another engine with --host",
	} {
		if !strings.Contains(o.stderr, says) {
			t.Errorf("stderr lacks %q:\n%s", says, o.stderr)
		}
	}

	engines.NewWireAt(t, p.path(t, "~/.docker/run/docker.sock"), engines.Machine()).Freeze()
	engines.NewWireAt(t, p.path(t, "RUN/podman/podman.sock"), engines.Machine())
	o = p.ktask(t, busyboxTask, "", "run", "-").expect(t, 0)
	if strings.Count(o.stderr, "ktask: passed over unix://") != 3 || !strings.Contains(o.stderr, "podman/podman.sock (rootless podman)") || !strings.Contains(o.stderr, "no answer within 2s") {
		t.Errorf("stderr:\n%s", o.stderr)
	}

	o = p.ktask(t, "", "", "doctor").expect(t, 0)
	for _, says := range []string{
		"engine       docker ", "podman/podman.sock\n", "/var/run/docker.sock (default): no such file or directory\n", "/r/docker.sock (rootless Docker): connection refused\n",
		"/.docker/run/docker.sock (Docker Desktop): no answer within 2s\n", "/.rd/docker.sock (Rancher Desktop): not trusted: ", "podman.sock (rootless podman): ok\n",
	} {
		if !strings.Contains(o.stdout, says) {
			t.Errorf("doctor lacks %q:\n%s", says, o.stdout)
		}
	}

	o = p.ktask(t, "", "", "doctor", "-o", "json").expect(t, 0)
	if o.stderr != "" || strings.Count(o.stdout, `"answer": "no answer within 2s"`) != 1 {
		t.Errorf("doctor for programs, stdout:\n%s\nstderr:\n%s", o.stdout, o.stderr)
	}

	o = p.ktask(t, busyboxTask, "", "run", "--host", "unix://"+stale.Addr().String(), "-").expect(t, 3)
	if !strings.Contains(o.stderr, "docker.sock cannot be reached: connection refused") {
		t.Errorf("an engine that is named is not another one, stderr:\n%s", o.stderr)
	}

	if o := newPlaces(t).ktask(t, "", "", "doctor").expect(t, 3); strings.Count(o.stdout, "no such file or directory\n") < 9 {
		t.Errorf("doctor without an engine:\n%s", o.stdout)
	}
	none := newPlaces(t).ktask(t, busyboxTask, "", "run", "-").expect(t, 3)
	if !strings.Contains(none.stderr, "no container engine found: none of the ") {
		t.Errorf("stderr:\n%s", none.stderr)
	}
}
