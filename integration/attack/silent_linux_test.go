package attack

import (
	"bufio"
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/ktask/ktask/integration/engines"
)

// TestSilentEngineDoesNotHoldKtask freezes the connection to the engine while a task runs: ktask says so, and ends soon after
// the task's timeout or the user's signal. The guardian removes what is left when the engine answers again.
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
			dir, wire := t.TempDir(), engines.NewWire(t, engines.Machine())
			write(t, dir, "task.yaml", `
apiVersion: lifecycle.keptn.sh/v1
kind: KeptnTaskDefinition
metadata: {name: silent-`+name+`}
spec: {timeout: `+c.timeout+`, container: {name: c, image: `+busyboxImage+`, command: [sh, -c, 'echo ready; sleep 600']}}
`)
			cmd := command(t, dir, nil, "run", "--host", wire.Host(), "--grace", grace.String(), "task.yaml")
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
			wire.Freeze()
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

			wire.Thaw()
			engines.Await(t, "the guardian ends", func() bool {
				line, _ := os.ReadFile(filepath.Join(guardian, "cmdline"))
				return len(line) == 0
			})
			if left, err := exec.Command("docker", "ps", "-aq", "--filter", "name=ktask-.*-silent-"+name).Output(); err != nil || len(bytes.TrimSpace(left)) > 0 {
				t.Errorf("the guardian has left %s, %v", left, err)
			}
		})
	}
}
