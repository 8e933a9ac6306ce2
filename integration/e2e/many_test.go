package e2e

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

// TestSoakForkBomb: a task that starts processes without end gets no more than its share of them. It ends with its timeout,
// another task passes at the same time, and nothing is left.
func TestSoakForkBomb(t *testing.T) {
	const bomb = `
apiVersion: lifecycle.keptn.sh/v1
kind: KeptnTaskDefinition
metadata: {name: bomb}
spec:
  timeout: 15s
  container:
    name: c
    image: busybox:1.36.1
    command: [sh, -c, 'echo lit; bomb() { bomb | bomb & }; bomb 2>/dev/null; exec sleep 600']
    resources: {LIMITS}
---
apiVersion: lifecycle.keptn.sh/v1
kind: KeptnTaskDefinition
metadata: {name: beside}
spec:
  container:
    name: c
    image: busybox:1.36.1
    command: [sh, -c, 'sleep 2; cat /sys/fs/cgroup/pids/pids.max 2>/dev/null || cat /sys/fs/cgroup/pids.max']
`
	args := []string{"run", "-j", "2", "--image", anyBusybox, "--grace", "1s", "-o", "plain"}
	limit, limits := "256", "limits: {cpu: 500m}" // what runs beside this test is not to starve
	if !soaking() {
		args = append(args, "--pids-limit", limit)
	} else { // all that a task gets where nobody says how much
		limit, limits = "4096", ""
	}
	p := start(t, strings.Replace(bomb, "LIMITS", limits, 1), append(args, "-")...)
	o := p.end(t).expect(t, 4)
	if !strings.Contains(o.stdout, "bomb   | lit\n") {
		t.Errorf("the bomb was not lit:\n%s\n%s", o.stdout, o.stderr)
	}
	if !strings.Contains(o.stdout, limit+"\n") || strings.Contains(o.stderr, "beside: ") && !strings.Contains(o.stderr, "beside: passed") {
		t.Errorf("the task beside says\n%s\n%s", o.stdout, o.stderr)
	}
	p.leavesNothing(t)
}

// TestPidsLimit: without a word a task has 4096 processes and threads, and -1 takes the limit away.
func TestPidsLimit(t *testing.T) {
	shows := manifest("container", "    name: c\n    image: busybox:1.36.1\n    command: [sh, -c, 'cat /sys/fs/cgroup/pids/pids.max 2>/dev/null || cat /sys/fs/cgroup/pids.max']", nil)
	for want, args := range map[string][]string{"4096": nil, "max": {"--pids-limit", "-1"}, "77": {"--pids-limit=77"}} {
		o := ktask(t, shows, append([]string{"run", "--image", anyBusybox, "-o", "plain", "-"}, args...)...).expect(t, 0)
		if !strings.Contains(o.stdout, want+"\n") {
			t.Errorf("%q: %s", args, o.stdout)
		}
	}
}

// TestSoakMany runs many tasks that pass or fail in different ways, 16 at a time: each has one outcome and its whole output,
// and no line is mixed with another.
func TestSoakMany(t *testing.T) {
	const wide = 16
	many := soak(40, 200)
	var text strings.Builder
	for i := range many {
		fmt.Fprintf(&text, `---
apiVersion: lifecycle.keptn.sh/v1
kind: KeptnTaskDefinition
metadata: {name: t%d}
spec:
  container:
    name: c
    image: busybox:1.36.1
    command: [sh, -c, 'for i in 1 2 3 4 5 6 7 8 9; do echo t%[1]d says $i; echo t%[1]d errs $i >&2; done; exit %[2]d']
`, i, i%3)
	}
	report := filepath.Join(t.TempDir(), "report.json")
	p := start(t, text.String(), "run", "-j", fmt.Sprint(wide), "--image", anyBusybox, "--network", "none", "--report", report, "-o", "plain", "-")
	o := p.end(t).expect(t, 1)

	var result struct {
		Tasks []struct {
			Name, Status string
			ExitCode     int
			Attempts     []struct{ Number int }
		}
	}
	if err := json.Unmarshal([]byte(readFile(t, report)), &result); err != nil {
		t.Fatal(err)
	}
	if len(result.Tasks) != many {
		t.Fatalf("%d results", len(result.Tasks))
	}
	running, _, _ := strings.Cut(o.stderr, "\nTASK ") // the end repeats the last lines of those that failed
	for i, got := range result.Tasks {
		want := "failed"
		if i%3 == 0 {
			want = "passed"
		}
		if got.Name != fmt.Sprint("t", i) || got.Status != want || got.ExitCode != i%3 || len(got.Attempts) != 1 {
			t.Errorf("task %d: %+v", i, got)
		}
		for n := 1; n <= 9; n++ {
			for stream, words := range map[string]string{o.stdout: "says", running: "errs"} {
				line := fmt.Sprintf("| t%d %s %d\n", i, words, n)
				if strings.Count(stream, line) != 1 {
					t.Errorf("%d times %q", strings.Count(stream, line), line)
				}
			}
		}
	}
	p.leavesNothing(t)
}
