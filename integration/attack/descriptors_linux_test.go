package attack

import (
	"bufio"
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"golang.org/x/sys/unix"
)

// TestGuardianHoldsNothing starts ktask with a pipe and a lock, as `exec 7>pipe 9>lock; ktask run …` does, and kills it. The
// guardian works for seconds, and whoever waits for the pipe or for the lock waits for ktask alone.
func TestGuardianHoldsNothing(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "task.yaml", `
apiVersion: lifecycle.keptn.sh/v1
kind: KeptnTaskDefinition
metadata: {name: t}
spec: {container: {name: c, image: `+busyboxImage+`, command: [sh, -c, 'echo ready; sleep 600']}}
`)
	ours, theirs, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	lock, err := os.Create(filepath.Join(dir, "lock"))
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	cmd := command(t, dir, nil, "run", "task.yaml")
	cmd.ExtraFiles = []*os.File{theirs, lock}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_, _ = theirs.Close(), lock.Close()
	if line, err := bufio.NewReader(stdout).ReadString('\n'); line != "ready\n" {
		t.Fatalf("the task says %q, %v", line, err)
	}
	guardian := guardianOf(t, cmd.Process.Pid)
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()

	if _, err := io.ReadAll(ours); err != nil { // waits for the last that holds the other end
		t.Fatal(err)
	}
	again, err := os.Open(filepath.Join(dir, "lock"))
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if err := unix.Flock(int(again.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		t.Errorf("the lock is held: %v", err)
	}
	if line, _ := os.ReadFile(filepath.Join(guardian, "cmdline")); len(line) == 0 { // gone, or waits for its parent
		t.Error("the pipe ended with the guardian, which held it")
	}
}

// guardianOf is the directory in /proc of the guardian that a ktask has started.
func guardianOf(t *testing.T, ktask int) string {
	t.Helper()
	all, err := filepath.Glob("/proc/[0-9]*/status")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range all {
		status, _ := os.ReadFile(name)
		line, _ := os.ReadFile(filepath.Join(filepath.Dir(name), "cmdline"))
		if bytes.Contains(status, []byte("\nPPid:\t"+strconv.Itoa(ktask)+"\n")) && bytes.Contains(line, []byte("\x00guard\x00")) {
			return filepath.Dir(name)
		}
	}
	t.Fatal("there is no guardian")
	return ""
}
