package engines

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Directory returns a directory for an engine. At the end of the test it is removed, with all that the engine has left in it.
func Directory(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "ktask-e") // a test's own directory can be too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { Remove(t, dir) })
	return dir
}

// serve starts an engine that listens at the socket "s" of a directory, and returns its address. It ends the engine at the
// end of the test. setUp is the command that installs the engine.
func serve(t testing.TB, dir string, service *exec.Cmd, setUp string) (host string) {
	t.Helper()
	var log bytes.Buffer
	service.Stdout, service.Stderr, service.WaitDelay = &log, &log, time.Second
	if err := service.Start(); err != nil {
		t.Fatalf("start an engine: %v: run `%s` first, as root", err, setUp)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = service.Wait()
	}()
	if err := os.Symlink(fmt.Sprintf("/proc/%d/ns/net", service.Process.Pid), filepath.Join(dir, "net")); err != nil {
		t.Error(err)
	}
	t.Cleanup(func() {
		_ = service.Process.Signal(syscall.SIGTERM)
		if !Awaited(func() bool { return closed(ended) }) {
			t.Errorf("%s does not end", service)
			_ = service.Process.Kill()
			<-ended
		}
		if t.Failed() {
			t.Logf("the end of the engine's log:\n%s", log.Bytes()[max(0, log.Len()-4000):])
		}
	})
	socket := filepath.Join(dir, "s")
	Await(t, "the engine listens", func() bool {
		conn, err := net.Dial("unix", socket)
		if err == nil {
			_ = conn.Close()
		} else if closed(ended) {
			t.Fatalf("the engine ended before it listened: %v", err)
		}
		return err == nil
	})
	return "unix://" + socket
}

// networkCard adds a network card with an address and a default route, and runs a command.
const networkCard = `ip link set lo up
ip link add card type bridge
ip address add 198.51.100.1/24 dev card
ip link set card up
ip route add default dev card
exec "$@"`

// Beside returns a command that runs in the network in which an engine was started, as on a machine with a network card. There
// can be one for each engine.
func Beside(host string, args ...string) *exec.Cmd {
	network := filepath.Join(filepath.Dir(strings.TrimPrefix(host, "unix://")), "net")
	return exec.Command("nsenter", append([]string{"--net=" + network, "sh", "-ec", networkCard, "sh"}, args...)...)
}

// load loads images of the machine's Docker with a command of another engine.
func load(t testing.TB, into *exec.Cmd, images []string) {
	t.Helper()
	if len(images) == 0 {
		return
	}
	save := exec.Command("docker", append([]string{"save"}, images...)...)
	archive, err := save.StdoutPipe()
	if err == nil {
		err = save.Start()
	}
	if err != nil {
		t.Fatalf("docker %v: %v", save.Args[1:], err)
	}
	into.Stdin = archive
	output, err := into.CombinedOutput()
	_ = archive.Close() // if it was not read to its end, docker would wait
	if saved := save.Wait(); saved != nil {
		t.Fatalf("docker %v: %v: run `make engine images` first", save.Args[1:], saved)
	}
	if err != nil {
		t.Fatalf("load %q: %v: %s", images, err, output)
	}
}
