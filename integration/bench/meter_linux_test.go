package bench

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestMeterCountsWhatOutlivesTheCommand: the limit of CPU time ends what the command leaves after a second of it.
func TestMeterCountsWhatOutlivesTheCommand(t *testing.T) {
	meter := filepath.Join(t.TempDir(), "meter")
	if out, err := exec.Command("go", "build", "-o", meter, "./meter").CombinedOutput(); err != nil {
		t.Fatalf("build the meter: %v: %s", err, out)
	}
	c := command{args: []string{"sh", "-c", "(ulimit -t 1; while :; do :; done) >/dev/null & cat; exit 3"}, stdin: "hello", exit: 3, wants: "hello", bytes: 5}
	s, err := c.run(t.Context(), meter)
	if err != nil {
		t.Fatal(err)
	}
	if s.usage.CPU < 500*time.Millisecond {
		t.Errorf("%v of CPU time counted, want about a second", s.usage.CPU)
	}
	if end(s) <= 0 || first(s) <= 0 || s.usage.Peak <= 0 || s.usage.Peak > 10<<20 {
		t.Errorf("end after %v, first output after %v, %d bytes of memory of a shell", end(s), first(s), s.usage.Peak)
	}
	c.leave = true
	if s, err := c.run(t.Context(), meter); err != nil || s.usage.CPU > 500*time.Millisecond {
		t.Errorf("%v of CPU time counted of a command that may leave processes, %v", s.usage.CPU, err)
	}
	c.exit = 0
	if _, err := c.run(t.Context(), meter); err == nil || !strings.Contains(err.Error(), "exit code 3") {
		t.Errorf("another exit code than expected: %v", err)
	}
}

func TestAttempts(t *testing.T) {
	const events = `{"event":"AttemptStarted","time":"2024-05-01T10:00:00Z","attempt":1}
{"event":"OutputLine","time":"2024-05-01T10:00:02Z","attempt":1}
{"event":"AttemptFinished","time":"2024-05-01T10:00:03Z","attempt":1}
{"event":"AttemptStarted","time":"2024-05-01T10:00:04Z","attempt":2}
`
	second, first, err := attempts(events + `{"event":"OutputLine","time":"2024-05-01T10:00:05Z","attempt":2}`)
	if err != nil || second != 1 || first != 2 {
		t.Errorf("%v, %v, %v, want 1 and 2", second, first, err)
	}
	if _, _, err := attempts(events); err == nil {
		t.Error("no error without a line of the second attempt")
	}
}
