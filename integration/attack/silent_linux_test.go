package attack

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// freezer stands before the engine and forwards bytes, until it is frozen: then it takes connections and requests and
// answers nothing, as an engine does that is stopped.
type freezer struct {
	host   string
	frozen chan struct{}
	thawed chan struct{}
}

func newFreezer(t *testing.T) *freezer {
	t.Helper()
	dir, err := os.MkdirTemp("", "ktask") // t.TempDir is too long for the name of a socket
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("unix", filepath.Join(dir, "s"))
	if err != nil {
		t.Fatal(err)
	}
	f := &freezer{host: "unix://" + listener.Addr().String(), frozen: make(chan struct{}), thawed: make(chan struct{})}
	network, address := "unix", "/var/run/docker.sock"
	if host := os.Getenv("DOCKER_HOST"); host != "" {
		network, address, _ = strings.Cut(host, "://")
	}
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				f.wait()
				engine, err := net.Dial(network, address)
				if err != nil {
					return
				}
				defer engine.Close()
				var both sync.WaitGroup
				both.Go(func() { f.forward(engine, conn) })
				both.Go(func() { f.forward(conn, engine) })
				both.Wait()
			}()
		}
	}()
	t.Cleanup(func() {
		_ = listener.Close()
		_ = os.RemoveAll(dir)
	})
	return f
}

// wait returns at once unless the engine is frozen, and else when it thaws.
func (f *freezer) wait() {
	select {
	case <-f.frozen:
		<-f.thawed
	default:
	}
}

func (f *freezer) forward(to, from net.Conn) {
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		f.wait()
		if _, failed := to.Write(buffer[:n]); err != nil || failed != nil {
			_ = to.(*net.UnixConn).CloseWrite() // of a connection that is gone, or half gone
			return
		}
	}
}

// TestSilentEngineDoesNotHoldKtask has an engine that stops answering while a task runs: ktask says so, and gives up soon
// after the task's time is over, or its user's patience. What it leaves, the guardian removes when the engine is back.
func TestSilentEngineDoesNotHoldKtask(t *testing.T) {
	const grace = 3 * time.Second
	for name, c := range map[string]struct {
		timeout   string
		interrupt bool
		code      int
		within    time.Duration // after the timeout or the signal: the grace, and what remains to be done
	}{
		"timeout":   {"4s", false, 3, 4*time.Second + 20*time.Second},
		"interrupt": {"5m", true, 130, 20 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			dir, f := t.TempDir(), newFreezer(t)
			write(t, dir, "task.yaml", `
apiVersion: lifecycle.keptn.sh/v1
kind: KeptnTaskDefinition
metadata: {name: silent-`+name+`}
spec: {timeout: `+c.timeout+`, container: {name: c, image: `+busyboxImage+`, command: [sh, -c, 'echo ready; sleep 600']}}
`)
			cmd := command(t, dir, nil, "run", "--host", f.host, "--grace", grace.String(), "task.yaml")
			var stderr bytes.Buffer
			cmd.Stderr = &stderr
			stdout, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			if line, err := bufio.NewReader(stdout).ReadString('\n'); line != "ready\n" {
				t.Fatalf("the task says %q, %v: %s", line, err, stderr.String())
			}
			guardian := guardianOf(t, cmd.Process.Pid)
			began := time.Now()
			close(f.frozen)
			if c.interrupt {
				if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
					t.Fatal(err)
				}
			}
			_, _ = io.Copy(io.Discard, stdout)
			_ = cmd.Wait()
			took := time.Since(began)
			t.Logf("ktask took %v", took)
			if took > c.within {
				t.Errorf("ktask took %v, want at most %v", took, c.within)
			}
			o := outcome{cmd.ProcessState.ExitCode(), "", stderr.String()}
			o.expect(t, c.code).says(t, "has not answered for", "waiting up to", "did not answer within")

			close(f.thawed)
			awaitEnd(t, guardian)
			if left, err := exec.Command("docker", "ps", "-aq", "--filter", "name=ktask-.*-silent-"+name).Output(); err != nil || len(bytes.TrimSpace(left)) > 0 {
				t.Errorf("the guardian has left %s, %v", left, err)
			}
		})
	}
}

// awaitEnd waits until a process has ended, whose directory in /proc is given.
func awaitEnd(t *testing.T, process string) {
	t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	limit := time.After(patience)
	for {
		if line, _ := os.ReadFile(filepath.Join(process, "cmdline")); len(line) == 0 {
			return
		}
		select {
		case <-tick.C:
		case <-limit:
			t.Fatal("the guardian does not end")
		}
	}
}
