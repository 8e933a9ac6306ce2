package e2e

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ktask/ktask/integration/engines"
)

// sshServer starts a server that takes a key of the test's own, and puts an ssh with that key in PATH. It returns the port and the
// directory of the configuration.
func sshServer(t *testing.T) (port int, dir string) {
	t.Helper()
	dir = engines.Directory(t)
	file := func(name string) string { return filepath.Join(dir, name) }
	put := func(name, text string, mode os.FileMode) {
		if err := os.WriteFile(file(name), []byte(text), mode); err != nil {
			t.Fatal(err)
		}
	}
	for _, key := range []string{"host", "user"} {
		if out, err := exec.Command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", file(key)).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	public, err := os.ReadFile(file("host.pub"))
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port = listener.Addr().(*net.TCPAddr).Port
	_ = listener.Close()
	address := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	put("server", fmt.Sprintf("ListenAddress %s\nHostKey %s\nAuthorizedKeysFile %s\nPidFile none\nUsePAM no\nStrictModes no\nPermitRootLogin prohibit-password\n", address, file("host"), file("user.pub")), 0o600)
	put("known", fmt.Sprintf("[127.0.0.1]:%d %s", port, public), 0o600)
	put("client", fmt.Sprintf("IdentityFile %s\nIdentitiesOnly yes\nUserKnownHostsFile %s\nGlobalKnownHostsFile none\n", file("user"), file("known")), 0o600)
	put("ssh", fmt.Sprintf("#!/bin/sh\nexec /usr/bin/ssh -F %s \"$@\"\n", file("client")), 0o700) // the real one reads no other home than the user's
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))

	if err := os.MkdirAll("/run/sshd", 0o755); err != nil { // what its package makes
		t.Fatal(err)
	}
	server := exec.Command("/usr/sbin/sshd", "-D", "-e", "-f", file("server"))
	if err := server.Start(); err != nil {
		t.Fatalf("%v: run `make engine` first", err)
	}
	t.Cleanup(func() {
		_ = server.Process.Kill()
		_ = server.Wait()
	})
	engines.Await(t, "sshd answers", func() bool {
		conn, err := net.Dial("tcp", address)
		if err == nil {
			_ = conn.Close()
		}
		return err == nil
	})
	return port, dir
}

// sshProcesses returns the command lines of the processes of ssh with a configuration.
func sshProcesses(dir string) (all []string) {
	files, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, file := range files {
		if text, err := os.ReadFile(file); err == nil && strings.HasPrefix(string(text), "/usr/bin/ssh\x00-F\x00"+dir) {
			all = append(all, strings.ReplaceAll(string(text), "\x00", " "))
		}
	}
	return all
}

// TestEngineOverSSH runs tasks on an engine behind a real sshd. ktask asks nothing, and leaves no process of ssh.
func TestEngineOverSSH(t *testing.T) {
	port, dir := sshServer(t)
	host := fmt.Sprintf("ssh://root@127.0.0.1:%d", port)
	for _, at := range []string{host, host + "/var/run/docker.sock"} {
		o := ktask(t, python("import sys\nprint('ran')\nsys.exit(3)"), "run", "--host", at, "-").expect(t, 1)
		if o.stdout != "ran\n" {
			t.Errorf("stdout %q, stderr:\n%s", o.stdout, o.stderr)
		}
	}

	o := ktask(t, python("print(1)"), "run", "--host", host+"/nope.sock", "-").expect(t, 3)
	want := "ktask: the Docker engine at " + host + "/nope.sock cannot be reached: docker on that host cannot reach unix:///nope.sock: no such file or directory\n" +
		"fix: start Docker there, or name another engine with --host"
	if !strings.HasPrefix(o.stderr, want) {
		t.Errorf("stderr:\n%s\nwant %s", o.stderr, want)
	}

	killed := start(t, python("import time\nprint('ready', flush=True)\ntime.sleep(600)"), "run", "--host", host, "-")
	killed.atWork(t)
	if err := killed.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	engines.Await(t, "the guardian removes the run", func() bool { return len(killed.left(t)) == 0 })
	engines.Await(t, "no process of ssh is left", func() bool { return len(sshProcesses(dir)) == 0 })

	if err := os.WriteFile(filepath.Join(dir, "known"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	o = ktask(t, python("print(1)"), "run", "--host", host, "-").expect(t, 3)
	if !strings.Contains(o.stderr, " cannot be reached: ssh: Host key verification failed.\n") || !strings.Contains(o.stderr, "fix: make `DOCKER_HOST="+host+" docker version` work without a question") ||
		strings.Count(o.stderr, "\n") > 2 || time.Since(began) > 20*time.Second {
		t.Errorf("after %v, stderr:\n%s", time.Since(began), o.stderr)
	}
	if left := sshProcesses(dir); len(left) > 0 {
		t.Errorf("left: %q", left)
	}
}
