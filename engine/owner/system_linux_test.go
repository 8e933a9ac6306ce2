package owner

import (
	"os"
	"os/exec"
	"testing"

	"golang.org/x/sys/unix"
)

// TestEnds follows a process of this system to its end.
func TestEnds(t *testing.T) {
	child := exec.Command(os.Args[0], "-test.run=^$")
	in, err := child.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	_ = in.Close()
	self := Self()
	p := self
	p.PID = child.Process.Pid
	if p.Start, err = started(p.PID); err != nil {
		t.Fatalf("when process %d started: %v", p.PID, err)
	}
	awaitZombie(t, p.PID)
	if got := self.Judge(p); got != Dead {
		t.Errorf("a process that has ended, and that its parent has not asked about: %v", got)
	}
	if err := child.Wait(); err != nil {
		t.Fatal(err)
	}
	if got := self.Judge(p); got != Dead {
		t.Errorf("a process that is gone: %v", got)
	}
	p.PID, p.Start = self.PID, "1"
	if got := self.Judge(p); got != Dead {
		t.Errorf("a process whose id another one has got: %v", got)
	}
}

// awaitZombie returns when the child has ended, and leaves it to its parent.
func awaitZombie(t *testing.T, pid int) {
	t.Helper()
	if err := unix.Waitid(unix.P_PID, pid, nil, unix.WEXITED|unix.WNOWAIT, nil); err != nil {
		t.Fatalf("wait for child %d: %v", pid, err)
	}
}
