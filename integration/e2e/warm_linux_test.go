package e2e

import (
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/docker"
	"github.com/ktask/ktask/integration/engines"
)

// which prints which container runs the task, and what the task was told.
func which(script string) string {
	return manifest("container", "    name: c\n    image: "+busyboxImage+"\n    imagePullPolicy: IfNotPresent\n    command: [sh, -c, '"+script+"']", nil)
}

// prepared returns the containers that a pool, a process, has prepared and that are on the engine, also those that a run has taken.
func prepared(t *testing.T, pool int) (all []engine.Leftover) {
	t.Helper()
	found, err := theEngine(t).Leftovers(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	for _, left := range found {
		if strings.HasPrefix(left.Labels.Owner, strconv.Itoa(pool)+" ") && left.Labels.Task == docker.WarmTask {
			all = append(all, left)
		}
	}
	return all
}

// has reports whether a container is among those of a pool.
func has(t *testing.T, pool int, container string) bool {
	t.Helper()
	return slices.ContainsFunc(prepared(t, pool), func(l engine.Leftover) bool { return l.ID == container })
}

// anyRuns reports whether one of the containers of a pool runs.
func anyRuns(t *testing.T, pool int) bool {
	t.Helper()
	return slices.ContainsFunc(prepared(t, pool), func(l engine.Leftover) bool { return l.Running })
}

// ownPools lets the ktasks of a test have pools, which no other test has. It returns the directory of their sockets.
func ownPools(t *testing.T) (dir string) {
	t.Helper()
	dir = filepath.Dir(engines.Socket(t))
	t.Setenv("XDG_RUNTIME_DIR", dir)
	t.Setenv("CI", "")
	return dir
}

// warm runs a task and returns the run, when a container waits for the next one.
func warm(t *testing.T) (p *process, pool int, container string) {
	t.Helper()
	ownPools(t)
	p = start(t, which("echo first"), "run", "--warm", "1", "-")
	p.wait(t).expect(t, 0)
	t.Cleanup(func() { ktask(t, "", "clean") })
	pool = p.guardians(t)[0]
	return p, pool, isWaiting(t, pool, "")
}

// isWaiting waits until a container of a pool waits, another one than before.
func isWaiting(t *testing.T, pool int, before string) (container string) {
	t.Helper()
	engines.Await(t, "a container waits for the next run", func() bool {
		all := slices.DeleteFunc(prepared(t, pool), func(l engine.Leftover) bool { return l.Kind != "container" })
		if len(all) == 1 && all[0].Running && all[0].ID != before {
			container = all[0].ID
		}
		return container != ""
	})
	return container
}

func TestWarm(t *testing.T) {
	p, pool, container := warm(t)
	o := ktask(t, which("hostname; echo $WORD; cat /dev/termination-log; echo why >/dev/termination-log; exit 3"),
		"run", "--warm", "1", "-o", "json", "--env", "WORD=good", "-").expect(t, 1)
	for _, want := range []string{container[:12], `"good"`, `"message":"exit code 3: why"`, `"exitCode":3`} {
		if !strings.Contains(o.stdout, want) {
			t.Errorf("%q is not in\n%s", want, o.stdout)
		}
	}
	next := isWaiting(t, pool, container)
	if inspected, err := exec.Command("docker", "inspect", next).Output(); err != nil || strings.Contains(string(inspected), "good") {
		t.Errorf("the container that waits knows what the last one was told: %v", err)
	}
	if o := ktask(t, which("hostname"), "run", "-").expect(t, 0); strings.Contains(o.stdout, next[:12]) {
		t.Error("a run without --warm took the container")
	}
	t.Setenv("CI", "true")
	if o := ktask(t, which("hostname"), "run", "--warm", "1", "-").expect(t, 0); strings.Contains(o.stdout, next[:12]) {
		t.Error("a run in CI took the container")
	}
	t.Setenv("CI", "")
	if o := ktask(t, "", "doctor").expect(t, 0); !strings.Contains(o.stdout, " prepared by --warm for the next run: `ktask clean` removes them\n") {
		t.Errorf("doctor says %q", o.stdout)
	}
	o = ktask(t, "", "clean").expect(t, 0)
	if want := "removed the containers that waited for the next run\n"; !strings.HasPrefix(o.stdout, want) {
		t.Errorf("clean says %q, want %q", o.stdout, want)
	}
	if left := prepared(t, pool); len(left) > 0 {
		t.Errorf("clean left %v", left)
	}
	p.unguarded(t)
	o = ktask(t, which("true"), "run", "--warm", "many", "-").expect(t, 2)
	if !strings.Contains(o.stderr, "a number from 0 to 64") {
		t.Errorf("got %q", o.stderr)
	}
}

// TestWarmEndsWhileItFills ends a pool that is at work.
func TestWarmEndsWhileItFills(t *testing.T) {
	ownPools(t)
	p := start(t, which("echo first"), "run", "--warm", "4", "-")
	p.wait(t).expect(t, 0)
	pool := p.guardians(t)[0]
	engines.Await(t, "a container waits for the next run", func() bool { return anyRuns(t, pool) })
	ktask(t, "", "clean").expect(t, 0)
	if left := prepared(t, pool); len(left) > 0 {
		t.Errorf("clean left %+v", left)
	}
	p.unguarded(t)
}

// TestWarmKilled kills the pool while a container waits, a run that has one, and the pool of such a run.
func TestWarmKilled(t *testing.T) {
	t.Run("the pool", func(t *testing.T) {
		_, pool, _ := warm(t)
		kill(t, pool)
		engines.Await(t, "no container waits", func() bool { return !anyRuns(t, pool) })
		engines.Await(t, "nothing is left", func() bool {
			ktask(t, which("echo again"), "run", "--warm", "1", "-").expect(t, 0)
			return len(prepared(t, pool)) == 0
		})
	})
	t.Run("the run", func(t *testing.T) {
		p, pool, container := warm(t)
		run := start(t, which("hostname; sleep 600"), "run", "--warm", "1", "-")
		run.prints(t, container[:12])
		run.kill(t)
		engines.Await(t, "the container is removed", func() bool { return !has(t, pool, container) })
		p.unwarm(t)
	})
	t.Run("the pool of a run", func(t *testing.T) {
		_, pool, container := warm(t)
		run := start(t, which("hostname; sleep 5; echo done"), "run", "--warm", "1", "-")
		run.prints(t, container[:12])
		kill(t, pool)
		ktask(t, which("echo other"), "run", "-").expect(t, 0) // it removes what dead runs have left
		if o := run.wait(t).expect(t, 0); !strings.Contains(o.stdout, "done") {
			t.Errorf("got %q", o.stdout)
		}
		if has(t, pool, container) {
			t.Error("the container is left")
		}
	})
}

// prints waits until ktask prints a text.
func (p *process) prints(t *testing.T, text string) {
	t.Helper()
	if !p.stdout.await(text) {
		t.Fatalf("%q is not in %q", text, p.stdout)
	}
}

// unwarm ends the pool.
func (p *process) unwarm(t *testing.T) {
	t.Helper()
	ktask(t, "", "clean").expect(t, 0)
	p.unguarded(t)
}

func kill(t *testing.T, pid int) {
	t.Helper()
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
}
