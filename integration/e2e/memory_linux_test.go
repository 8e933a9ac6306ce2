package e2e

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestMemoryIsBounded and its soak compare the peak of ktask's memory while it passes much output on with that while it
// passes on next to nothing.
func TestMemoryIsBounded(t *testing.T) { memoryIsBounded(t, 64<<20) }

func TestSoakMemoryIsBounded(t *testing.T) {
	if !soaking() {
		t.Skip("a GiB of output is for make soak")
	}
	memoryIsBounded(t, 1<<30)
}

func memoryIsBounded(t *testing.T, size int) {
	// Without the race detector, which takes memory of its own.
	program := filepath.Join(t.TempDir(), "ktask")
	if out, err := exec.Command("go", "build", "-o", program, "github.com/ktask/ktask").CombinedOutput(); err != nil {
		t.Fatalf("build ktask: %v\n%s", err, out)
	}
	idle, long := peak(t, program, "echo"), peak(t, program, fmt.Sprintf("head -c %d /dev/zero | tr \\\\0 x; echo", 10<<20))
	much := peak(t, program, fmt.Sprintf("yes %s | head -c %d", strings.Repeat("0123456789", 12), size))
	t.Logf("the peak is %d KiB idle, %d KiB with a line of 10 MiB, %d KiB with %d MiB of output", idle, long, much, size>>20)
	for name, got := range map[string]int{"a line of 10 MiB": long, "much output": much} {
		if got-idle > 64<<10 {
			t.Errorf("with %s the peak is %d KiB above that of an idle ktask", name, got-idle)
		}
	}
}

// peak is the highest memory of a ktask whose task runs a script, in KiB. The task lasts until that has been read.
func peak(t *testing.T, program, script string) (kib int) {
	t.Helper()
	task := manifest("container", "    name: c\n    image: busybox:1.36.1\n    command: [sh, -c]\n    args: ['"+script+"; echo; echo at the end; until [ -e /test/read ]; do sleep 0.1; done']", nil)
	place := t.TempDir()
	ctx, cancel := context.WithTimeout(t.Context(), lifetime)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, "run", "--image", anyBusybox, "--mount", place+":/test:ro", "-o", "plain", "-")
	cmd.Stdin, cmd.Stderr = strings.NewReader(task), newBuffer()
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "GOMEMLIMIT=") && !strings.HasPrefix(v, "GOGC=") {
			cmd.Env = append(cmd.Env, v)
		}
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatalf("start ktask: %v", err)
	}
	for lines := bufio.NewReaderSize(stdout, 64<<10); ; {
		line, _, err := lines.ReadLine()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatalf("read ktask's output: %v", err)
		}
		if string(line) == "at the end" {
			kib = highWater(t, cmd.Process.Pid)
			write(t, filepath.Join(place, "read"), "")
		}
	}
	if err := cmd.Wait(); err != nil || kib == 0 {
		t.Fatalf("ktask: %v, peak %d\n%s", err, kib, cmd.Stderr)
	}
	return kib
}

// highWater is VmHWM, see proc_pid_status(5).
func highWater(t *testing.T, pid int) (kib int) {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		if n, _ := fmt.Sscanf(line, "VmHWM: %d kB", &kib); n == 1 {
			return kib
		}
	}
	t.Fatalf("/proc says nothing of the peak:\n%s", status)
	return 0
}
