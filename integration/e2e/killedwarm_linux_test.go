package e2e

import (
	"crypto/sha256"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/docker"
	"github.com/ktask/ktask/integration/engines"
)

// TestSoakKilledWithPrepared kills the processes of runs that have prepared containers, at moments of the whole life of a run.
func TestSoakKilledWithPrepared(t *testing.T) { killedWithPrepared(t, soak(3, 30)) }

// killedWithPrepared kills each process, and several at once, at a number of moments.
func killedWithPrepared(t *testing.T, moments int) {
	ktask := func(r *warmRun, _ int) { strike(r.p.Process.Pid) }
	pool := func(r *warmRun, _ int) { strike(r.pool) }
	guardian := func(r *warmRun, _ int) { strike(r.guardian(t)...) }
	both := func(r *warmRun, i int) {
		guardian(r, i)
		ktask(r, i)
		if i%2 == 0 {
			pool(r, i)
		}
	}
	for name, kind := range map[string]struct {
		// claims is true if a pool has containers for the run.
		claims bool
		kill   func(r *warmRun, i int)
		// survives is true if the run is not killed.
		survives bool
	}{
		"ktask":                  {false, ktask, false},
		"its guardian":           {false, guardian, true},
		"the pool":               {true, pool, true},
		"ktask that has claimed": {true, ktask, false},
		"both, and the pool":     {true, both, false},
	} {
		t.Run(name, func(t *testing.T) {
			if !soaking() {
				t.Parallel()
			}
			l := newLife(t)
			l.once(t, 0, kind.claims, true, func(*warmRun) {})
			random, prepared := dice(t), 0
			for i := range moments {
				moment := l.span * time.Duration(1000*i+random.IntN(1000)) / time.Duration(1000*moments)
				r := l.once(t, moment, kind.claims, kind.survives, func(r *warmRun) { kind.kill(r, i) })
				t.Logf("killed after %v of %v, with %d prepared: empty in %v", moment, l.span, r.prepared, r.emptied)
				if r.prepared > 0 {
					prepared++
				}
			}
			l.isOver(t)
			t.Logf("killed at %d moments, at %d of them with prepared containers", moments, prepared)
		})
	}
}

// life is what ktasks share that have one directory for their pools and runs, which no other ktask has.
type life struct {
	dir   string
	began time.Time
	// span is how long a run takes from its start until its pool is filled.
	span time.Duration
	all  []*process
	// pids are the processes that may own something on the engine.
	pids []int
	// runs are those that were at work when a process was killed.
	runs []string

	server  *httptest.Server
	mu      sync.Mutex
	effects map[string]int
}

func newLife(t *testing.T) *life {
	t.Helper()
	l := &life{dir: filepath.Dir(engines.Socket(t)), began: time.Now(), effects: map[string]int{}}
	l.server = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.effects[r.URL.Path]++
	}))
	t.Cleanup(l.server.Close)
	t.Cleanup(func() { l.start(t, "", "clean").end(t) })
	return l
}

// start starts a ktask.
func (l *life) start(t *testing.T, stdin string, args ...string) *process {
	t.Helper()
	p := startIn(t, filepath.Join("..", ".."), stdin, append([]string{"env", "XDG_RUNTIME_DIR=" + l.dir, "CI=", binary}, args...)...)
	l.all, l.pids = append(l.all, p), append(l.pids, p.Process.Pid)
	return p
}

// left returns what is on the engine of these ktasks.
func (l *life) left(t *testing.T) []engine.Leftover {
	t.Helper()
	all, err := theEngine(t).Leftovers(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(all, func(left engine.Leftover) bool {
		owner, began, _ := strings.Cut(left.Labels.Owner, " ")
		pid, _ := strconv.Atoi(owner)
		at, err := time.Parse(time.RFC3339Nano, began)
		return err != nil || at.Before(l.began) || !slices.Contains(l.pids, pid)
	})
}

// warmRun is a run that is killed, or one of whose processes is.
type warmRun struct {
	p *process
	// pool is the pool before the run, or 0.
	pool int
	// prepared is how many containers there are at the kill that are prepared, or have been.
	prepared int
	emptied  time.Duration
}

// strike kills processes that may have ended.
func strike(pids ...int) {
	for _, pid := range pids {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
}

// guardian waits for the guardian of the run, unless that is over.
func (r *warmRun) guardian(t *testing.T) (pids []int) {
	t.Helper()
	engines.Await(t, "the run has a guardian", func() bool {
		pids = r.p.guardians(t)
		select {
		case <-r.p.ended:
			return true
		default:
			return len(pids) > 0
		}
	})
	return pids
}

// tasksOfLife are the tasks of a run, of which one is retried. With two at a time, two wait.
func (l *life) tasks(number int) (all string) {
	for _, name := range []string{"a", "b", "c", "d"} {
		script, extra := fmt.Sprintf("wget -q -O /dev/null %s/%d/%s; sleep 0.2", l.server.URL, number, name), []string(nil)
		if name == "a" {
			script, extra = script+"; exit 1", []string{"retries: 1"}
		}
		task := manifest("container", "    name: c\n    image: "+busyboxImage+"\n    imagePullPolicy: IfNotPresent\n    command: [sh, -c, '"+script+"']", extra)
		all += strings.Replace(task, "name: hi", "name: "+name, 1) + "---\n"
	}
	return all
}

var lifeArgs = []string{"run", "--warm", "2", "-j", "2", "--network", "host", "--allow", "host-network", "-"}

// once runs the tasks, calls kill at a moment, and checks that nothing is left on the engine.
func (l *life) once(t *testing.T, moment time.Duration, claims, survives bool, kill func(*warmRun)) *warmRun {
	t.Helper()
	number := len(l.all)
	r := &warmRun{}
	if claims {
		r.pool = l.fill(t)
	}
	r.p = l.start(t, l.tasks(number), lifeArgs...)
	if moment == 0 && l.span == 0 {
		r.p.end(t).expect(t, 1)
		l.pids = append(l.pids, r.p.guardians(t)...)
		l.filled(t)
		l.span = time.Since(r.p.started)
	}
	<-time.After(time.Until(r.p.started.Add(moment)))
	l.pids = append(l.pids, r.p.guardians(t)...)
	for _, left := range l.left(t) {
		if left.Kind == "container" && (left.Labels.Task == docker.WarmTask || left.Labels.Attempt > 1) {
			r.prepared++
		}
	}
	l.note(t)
	kill(r)
	o := r.p.end(t)
	l.pids = append(l.pids, r.p.guardians(t)...)
	l.checkEffects(t, number, survives, o)
	if survives && o.code != 1 {
		t.Errorf("exit code %d\n%s", o.code, o.stderr)
	}
	began := time.Now()
	if number%2 == 0 {
		engines.Await(t, "runs remove all but what waits", func() bool {
			l.start(t, which("true"), "run", "-").end(t).expect(t, 0)
			return len(l.left(t)) == 0 || !slices.ContainsFunc(l.left(t), func(left engine.Leftover) bool { return left.Labels.Task != docker.WarmTask })
		})
	}
	engines.Await(t, "clean removes all", func() bool {
		l.start(t, "", "clean").end(t)
		return len(l.left(t)) == 0
	})
	r.emptied = time.Since(began)
	return r
}

// fill makes a pool with two containers for the tasks, and returns its process.
func (l *life) fill(t *testing.T) (pool int) {
	t.Helper()
	p := l.start(t, which("true"), lifeArgs...)
	p.end(t).expect(t, 0)
	guardians := p.guardians(t)
	if len(guardians) != 1 {
		t.Fatalf("the run has left the processes %v", guardians)
	}
	l.pids = append(l.pids, guardians...)
	l.filled(t)
	return guardians[0]
}

// filled waits until two containers wait.
func (l *life) filled(t *testing.T) {
	t.Helper()
	engines.Await(t, "two containers wait", func() bool {
		running := 0
		for _, left := range l.left(t) {
			if left.Running {
				running++
			}
		}
		return running == 2
	})
}

// checkEffects checks that no attempt had its effect twice.
func (l *life) checkEffects(t *testing.T, number int, survives bool, o outcome) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	for name, most := range map[string]int{"a": 1 + strings.Count(o.stderr, "a: attempt 1 of 2 failed"), "b": 1, "c": 1, "d": 1} {
		if n := l.effects[fmt.Sprintf("/%d/%s", number, name)]; n > most || survives && n != most {
			t.Errorf("task %s had %d effects in %d attempts\n%s", name, n, most, o.stderr)
		}
	}
}

// isOver checks that these ktasks have left no process and no file.
func (l *life) isOver(t *testing.T) {
	t.Helper()
	for _, p := range l.all {
		p.unguarded(t)
	}
	var left []string
	gone := engines.Awaited(func() bool {
		if !soaking() {
			isLater(t, left)
		}
		l.start(t, "", "clean").end(t)
		left = filesIn(t, l.dir)
		return len(left) == 0
	})
	if !gone {
		t.Errorf("left: %q", left)
	}
	engines.Await(t, "files for messages are removed", func() bool {
		return !slices.ContainsFunc(l.runs, func(run string) bool {
			found, _ := filepath.Glob(fmt.Sprintf("/dev/shm/ktask-%x-*", sha256.Sum256([]byte(run)))) // errors are those of the pattern
			return len(found) > 0
		})
	})
}

// note records the runs that are at work. The file of each has the name of the run after that of the engine.
func (l *life) note(t *testing.T) {
	t.Helper()
	for _, file := range filesIn(t, l.dir) {
		content, _ := os.ReadFile(file) // a socket, or a file of a run that has just ended
		if _, run, ok := strings.Cut(string(content), "\n"); ok {
			l.runs = append(l.runs, run)
		}
	}
}

// isLater makes files as old as a minute later.
func isLater(t *testing.T, files []string) {
	t.Helper()
	for _, file := range files {
		if err := os.Chtimes(file, time.Time{}, time.Now().Add(-time.Minute)); err != nil {
			t.Error(err)
		}
	}
}

// filesIn returns the files below a directory.
func filesIn(t *testing.T, dir string) (all []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			all = append(all, path)
		}
		return nil // it may have been removed
	})
	if err != nil {
		t.Error(err)
	}
	return all
}
