package e2e

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/integration/engines"
)

// promised is how long something of a killed ktask may stay on the engine. Half of it is the guardian's own pause, so
// a machine that does much else at a time does not hold it: it is measured by `make soak`, which has the machine alone.
const promised = 10 * time.Second

// dice are thrown alike with the same KTASK_SEED.
func dice(t *testing.T) *rand.Rand {
	t.Helper()
	seed, err := strconv.ParseUint(os.Getenv("KTASK_SEED"), 10, 64)
	if err != nil {
		seed = rand.Uint64()
	}
	t.Logf("KTASK_SEED=%d repeats this", seed)
	return rand.New(rand.NewPCG(seed, 0))
}

// lasting is a task that has a volume and lasts until somebody ends it.
var lasting = manifest("container", "    name: c\n    image: busybox:1.36.1\n    command: [sh, -c, 'echo ready; sleep 600']", nil)

// retried is a task that fails and is retried after a wait of seconds, in which the next attempt is prepared.
var retried = manifest("container", "    name: c\n    image: busybox:1.36.1\n    command: [sh, -c, 'echo ready; exit 1']", []string{"retries: 1"})

// beginRetried starts ktask with the task that is retried and waits until the second attempt is prepared.
func beginRetried(t *testing.T) *process {
	t.Helper()
	p := start(t, retried, retriedArgs...)
	engines.Await(t, "the second attempt is prepared", func() bool {
		return p.waits(t, func(l engine.Leftover) bool { return l.Labels.Attempt == 2 })
	})
	return p
}

var retriedArgs = []string{"run", "--image", anyBusybox, "--backoff-scale", "5", "-"}

// waits reports whether a container of the process runs.
func (p *process) waits(t *testing.T, is func(engine.Leftover) bool) bool {
	t.Helper()
	return slices.ContainsFunc(p.left(t), func(l engine.Leftover) bool { return is(l) && isRunning(l) })
}

// begin starts ktask with the lasting task and waits until that is at work.
func begin(t *testing.T, args ...string) *process {
	t.Helper()
	p := start(t, lasting, append([]string{"run", "--image", anyBusybox, "--grace", "300ms", "-"}, args...)...)
	p.atWork(t)
	return p
}

// kill kills ktask alone.
func (p *process) kill(t *testing.T) {
	t.Helper()
	p.signal(t, syscall.SIGKILL)
	p.end(t)
}

// killAll kills ktask and its guardian.
func (p *process) killAll(t *testing.T) {
	t.Helper()
	for _, pid := range p.guardians(t) {
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
	}
	p.kill(t)
}

// goneIn waits until the engine has nothing of the process, and returns how long that took.
func (p *process) goneIn(t *testing.T) time.Duration {
	t.Helper()
	began := time.Now()
	engines.Await(t, "nothing is left on the engine", func() bool { return len(p.left(t)) == 0 })
	took := time.Since(began)
	if soaking() && took > promised {
		t.Errorf("the engine was empty %v after the end of ktask", took)
	}
	return took
}

// guardians are the ids of the guardian processes of a ktask, found by the environment that they have from it.
func (p *process) guardians(t *testing.T) []int {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/environ")
	if err != nil || len(files) == 0 {
		t.Fatalf("no processes to be seen in /proc: %v", err)
	}
	var found []int
	for _, file := range files {
		environ, _ := os.ReadFile(file) // empty where the process has just ended
		command, _ := os.ReadFile(filepath.Join(filepath.Dir(file), "cmdline"))
		if slices.Contains(strings.Split(string(environ), "\x00"), p.mark) && strings.Contains(string(command), "\x00guard\x00") {
			pid, err := strconv.Atoi(filepath.Base(filepath.Dir(file)))
			if err != nil {
				t.Fatal(err)
			}
			found = append(found, pid)
		}
	}
	return found
}

// unguarded waits until the guardian of a killed ktask has ended.
func (p *process) unguarded(t *testing.T) {
	t.Helper()
	engines.Await(t, "the guardian ends", func() bool { return len(p.guardians(t)) == 0 })
}

// TestSoakKilledAtAnyMoment: kill -9, at random moments from the start of ktask until a bit after that of its task. The
// engine is empty in time, and when the guardian has exited.
func TestSoakKilledAtAnyMoment(t *testing.T) { killedAtAnyMoment(t) }

// killedAtAnyMoment kills a ktask whose task lasts, and one that prepares an attempt.
func killedAtAnyMoment(t *testing.T) {
	t.Run("at work", func(t *testing.T) {
		killedWithin(t, func(t *testing.T) *process { return begin(t) }, lasting, "run", "--image", anyBusybox, "-")
	})
	t.Run("prepared", func(t *testing.T) { killedWithin(t, beginRetried, retried, retriedArgs...) })
}

// TestSoakPodman is the same, and more, on another engine.
func TestSoakPodman(t *testing.T) {
	t.Setenv("DOCKER_HOST", engines.Podman(t, busyboxImage))
	t.Run("killed at any moment", killedAtAnyMoment)
	t.Run("killed with prepared containers", func(t *testing.T) { killedWithPrepared(t, soak(1, 30)) })
	t.Run("warm", TestWarm)
	t.Run("retries", TestRetries)
	t.Run("volume survives attempts", TestVolumeSurvivesAttempts)
	t.Run("pids limit", TestPidsLimit)
}

func killedWithin(t *testing.T, begin func(*testing.T) *process, manifest string, args ...string) {
	random := dice(t)
	began := time.Now()
	first := begin(t)
	span := time.Since(began) * 5 / 4
	first.kill(t)
	killed := []*process{first}
	times := []time.Duration{first.goneIn(t)}
	for range soak(4, 30) {
		p := start(t, manifest, args...)
		moment := time.Duration(random.Int64N(int64(span)))
		<-time.After(moment)
		p.kill(t)
		took := p.goneIn(t)
		t.Logf("killed after %v: empty in %v", moment, took)
		killed, times = append(killed, p), append(times, took)
	}
	for _, p := range killed {
		p.unguarded(t)
		p.leavesNothing(t)
	}
	slices.Sort(times)
	t.Logf("empty in %v (median), %v (longest) of %d", times[len(times)/2], times[len(times)-1], len(times))
}

// TestGuardianLetsGo: ktask that ends by itself takes its guardian with it, and whoever reads its output is not
// kept waiting by one; a guardian is there while it runs, in a session and a directory of its own.
func TestGuardianLetsGo(t *testing.T) {
	p := begin(t)
	guardians := p.guardians(t)
	if len(guardians) != 1 {
		t.Fatalf("%d guardians", len(guardians))
	}
	proc := fmt.Sprintf("/proc/%d/", guardians[0])
	if dir, err := os.Readlink(proc + "cwd"); err != nil || dir != "/" {
		t.Errorf("the guardian is in %q, %v", dir, err)
	}
	for _, fd := range []string{"1", "2"} {
		if to, err := os.Readlink(proc + "fd/" + fd); err != nil || to != os.DevNull {
			t.Errorf("the guardian holds %q as %s, %v", to, fd, err)
		}
	}
	if session, err := os.ReadFile(proc + "stat"); err != nil || strings.Fields(string(session))[5] != strconv.Itoa(guardians[0]) {
		t.Errorf("the guardian is in the session of somebody else: %s, %v", session, err)
	}
	if line := readFile(t, proc+"cmdline"); strings.Contains(line, "docker") {
		t.Errorf("the guardian's command line tells of the engine: %q", line)
	}
	p.signal(t, syscall.SIGINT)
	p.wait(t).expect(t, 130)
	if left := p.guardians(t); len(left) > 0 {
		t.Errorf("guardians %v outlive ktask", left)
	}
}

// nextOnes are the commands that remove what a dead run has left.
var nextOnes = map[string]func(t *testing.T, dead *process, run string){
	"run": func(t *testing.T, dead *process, _ string) {
		// A run that is over gives the removal a few seconds. A busy engine may need more: the next run goes on with it.
		for began := time.Now(); len(dead.left(t)) > 0 && time.Since(began) < engines.Patience; {
			ktask(t, python("print(1)"), "run", "-").expect(t, 0)
		}
	},
	"clean": func(t *testing.T, _ *process, run string) { ktask(t, "", "clean", run).expect(t, 0) },
}

// TestKilledWhilePrepared kills ktask and its guardian while a container waits for the next attempt.
func TestKilledWhilePrepared(t *testing.T) {
	endsAlone(t, beginRetried, func(l engine.Leftover) bool { return l.Labels.Attempt == 2 })
}

// TestSoakKilledWhileTasksWait kills both while a container waits for the next task.
func TestSoakKilledWhileTasksWait(t *testing.T) {
	isNext := func(l engine.Leftover) bool { return l.Labels.Task == "next" }
	endsAlone(t, func(t *testing.T) *process {
		if !soaking() {
			t.Skip("ktask prepares no task on a busy machine: `make soak` runs it")
		}
		next := strings.NewReplacer("name: hi", "name: next", "ready", "second").Replace(lasting)
		p := start(t, lasting+"---\n"+next, "run", "--image", anyBusybox, "-j", "1", "-o", "json", "-")
		p.atWork(t)
		if !engines.Awaited(func() bool { return p.waits(t, isNext) }) {
			t.Skip("the machine has been busy for so long that ktask has prepared no task")
		}
		return p
	}, isNext)
}

// endsAlone kills ktask and its guardian after begin. Nobody is left who could end the container that waits, so it ends by itself.
func endsAlone(t *testing.T, begin func(*testing.T) *process, is func(engine.Leftover) bool) {
	for next, remove := range nextOnes {
		t.Run(next, func(t *testing.T) {
			p := begin(t)
			p.killAll(t)
			engines.Await(t, "the prepared container ends", func() bool { return !p.waits(t, is) })
			left := p.left(t)
			if len(left) == 0 {
				t.Fatal("nothing is left, so there is nothing to show")
			}
			if wrote := p.stdout.String(); strings.Contains(wrote, "second") || strings.Count(wrote, "ready") != 1 {
				t.Errorf("the tasks have written %q", wrote)
			}
			remove(t, p, left[0].Labels.Run)
			p.leavesNothing(t)
		})
	}
}

// TestKilledWithItsGuardian kills ktask and its guardian, as a CI runner that kills all processes of a job, or a power cut: the next run, or `ktask clean`, removes what is left.
func TestKilledWithItsGuardian(t *testing.T) {
	for name, next := range nextOnes {
		t.Run(name, func(t *testing.T) {
			p := begin(t)
			p.killAll(t)
			left := p.left(t)
			if len(left) == 0 {
				t.Fatal("nothing is left, so there is nothing to show")
			}
			next(t, p, left[0].Labels.Run)
			p.leavesNothing(t)
		})
	}
}

// TestTheLivingAreLeftAlone: nothing that removes leftovers removes those of a parallel run.
func TestTheLivingAreLeftAlone(t *testing.T) {
	p := begin(t)
	run := p.left(t)[0].Labels.Run
	o := ktask(t, "", "clean", run).expect(t, 0)
	if want := fmt.Sprintf("run %s is at work (pid %d)", run, p.Process.Pid); !strings.Contains(o.stdout, want) {
		t.Errorf("clean says %q, want %q", o.stdout, want)
	}
	ktask(t, "", "clean", "--all", "--force", run).expect(t, 0)
	ktask(t, python("print(1)"), "run", "-").expect(t, 0)
	if left := p.left(t); len(left) != 1 || !left[0].Running {
		t.Errorf("the run has %+v", left)
	}
	p.signal(t, syscall.SIGINT)
	p.wait(t).expect(t, 130)
}

// TestKeptStaysUntilClean: what the user asked to keep is no leftover of a crash.
func TestKeptStaysUntilClean(t *testing.T) {
	p := start(t, python("print(1)"), "run", "--keep", "always", "-")
	kept := p.end(t).expect(t, 0)
	ktask(t, python("print(1)"), "run", "-").expect(t, 0)
	left := p.left(t)
	if len(left) != 2 || !left[0].Kept || !left[1].Kept {
		t.Fatalf("kept: %+v; want the container and the volume of its message", left)
	}
	for _, says := range []string{"docker logs " + left[0].Name, "`ktask clean " + left[0].Labels.Run + "`"} {
		if !strings.Contains(kept.stderr, says) {
			t.Errorf("the run does not say %q:\n%s", says, kept.stderr)
		}
	}
	if o := ktask(t, "", "clean", left[0].Labels.Run).expect(t, 0); !strings.Contains(o.stdout, "kept it") {
		t.Errorf("clean says %q", o.stdout)
	}
	p.leavesNothing(t)
}
