package e2e

import (
	"bufio"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ktask/ktask/integration/engines"
)

// TestReaderGoesAway reads one line of a task that would print without end, and then no more, as head does.
func TestReaderGoesAway(t *testing.T) {
	task := manifest("container", "    name: c\n    image: "+busyboxImage+"\n    imagePullPolicy: IfNotPresent\n    command: [sh, -c, 'while echo line; do sleep 0.1; done']", nil)
	for _, output := range []string{"plain", "json", "live"} {
		t.Run(output, func(t *testing.T) {
			r, w, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			p := startTo(t, w, task, "run", "-o", output, "-")
			if line, err := bufio.NewReader(r).ReadString('\n'); err != nil {
				t.Fatalf("read %q, %v", line, err)
			}
			_ = r.Close()
			engines.Receive(t, p.ended, "ktask ends")
			if code := p.ProcessState.ExitCode(); code != 141 {
				t.Errorf("exit code %d, stderr:\n%s", code, p.stderr)
			}
			if left := p.left(t); len(left) > 0 {
				t.Errorf("left on the engine: %+v", left)
			}
		})
	}
	t.Run("with a report", func(t *testing.T) {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		_ = r.Close()
		file := filepath.Join(t.TempDir(), "report.json")
		p := startTo(t, w, python("print(1)\nraise SystemExit(3)"), "run", "--report", file, "-")
		engines.Receive(t, p.ended, "ktask ends")
		text, err := os.ReadFile(file)
		if code := p.ProcessState.ExitCode(); err != nil || code != 1 || !strings.Contains(string(text), `"exitCode":3`) && !strings.Contains(string(text), `"exitCode": 3`) {
			t.Errorf("exit code %d, %v, report:\n%s\nstderr:\n%s", code, err, text, p.stderr)
		}
	})
}
