package owner_test

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/ktask/ktask/engine/owner"
)

// TestMain lets the test start itself as a process that claims a run.
func TestMain(m *testing.M) {
	if dir := os.Getenv("KTASK_TEST_CLAIM"); dir != "" {
		if _, err := owner.In(dir).Claim("r"); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		fmt.Println("claimed")
		_, _ = io.Copy(io.Discard, os.Stdin) // until it is killed
	}
	os.Exit(m.Run())
}

// closed returns a directory that is this user's alone.
func closed(t *testing.T) string { return filepath.Join(t.TempDir(), "ktask") }

func want(t *testing.T, runs owner.Runs, run string, fate owner.Fate) {
	t.Helper()
	if got := runs.Fate(run); got != fate {
		t.Errorf("run %q is %v, want %v", run, got, fate)
	}
}

func TestClaim(t *testing.T) {
	runs := owner.In(closed(t))
	want(t, runs, "r", owner.Unknown)
	claim, err := runs.Claim("r")
	if err != nil {
		t.Fatal(err)
	}
	want(t, runs, "r", owner.Alive)
	want(t, runs, "s", owner.Unknown)
	if _, err := runs.Claim("r"); err == nil {
		t.Error("a run is claimed twice")
	}
	want(t, runs, "r", owner.Alive)
	claim.Release()
	want(t, runs, "r", owner.Unknown)
	if claim, err = runs.Claim("r"); err != nil {
		t.Fatal(err)
	}
	claim.Leave()
	want(t, runs, "r", owner.Dead)
	(*owner.Claim)(nil).Release()
	(*owner.Claim)(nil).Leave()
}

// TestKilledRun follows a run of another process that is killed.
func TestKilledRun(t *testing.T) {
	dir := closed(t)
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), "KTASK_TEST_CLAIM="+dir)
	in, err := child.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = in.Close() }()
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	if line, _ := bufio.NewReader(out).ReadString('\n'); line != "claimed\n" {
		t.Fatalf("the other process says %q", line)
	}
	runs := owner.In(dir)
	want(t, runs, "r", owner.Alive)
	want(t, owner.In(closed(t)), "r", owner.Unknown) // as on another machine
	_ = child.Process.Kill()
	_ = child.Wait()
	want(t, runs, "r", owner.Dead)
	want(t, runs, "r", owner.Dead) // looking changes nothing
	runs.Forget("r")
	want(t, runs, "r", owner.Unknown)
}

// TestForeignText has ids of runs as somebody could write them into labels, and directories of others.
func TestForeignText(t *testing.T) {
	dir := closed(t)
	runs := owner.In(dir)
	for _, run := range []string{"", "../../etc/passwd", "/etc/passwd", "a/b", "\x00", "."} {
		want(t, runs, run, owner.Unknown)
		claim, err := runs.Claim(run)
		if err != nil {
			t.Fatal(err)
		}
		want(t, runs, run, owner.Alive)
		claim.Release()
	}
	elsewhere, planted := t.TempDir(), filepath.Join(t.TempDir(), "ktask")
	if err := os.Symlink(elsewhere, planted); err != nil {
		t.Fatal(err)
	}
	if _, err := owner.In(planted).Claim("r"); err == nil {
		t.Error("a link in the place of the directory is taken")
	}
	if made, err := os.ReadDir(elsewhere); err != nil || len(made) > 0 {
		t.Errorf("behind the link there is now %v, %v", made, err)
	}
	claim, err := runs.Claim("r")
	if err != nil {
		t.Fatal(err)
	}
	defer claim.Release()
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	want(t, runs, "r", owner.Unknown)
	if _, err := runs.Claim("s"); err == nil {
		t.Error("a directory that all may write to is taken")
	}
}
