package docker_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/docker/docker/api/types/events"
	"github.com/docker/docker/api/types/filters"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/docker"
	"github.com/ktask/ktask/engine/enginetest"
	"github.com/ktask/ktask/engine/plan"
)

// scenario is a task and what becomes of it where nothing goes wrong.
type scenario struct {
	name   string
	task   plan.Task
	status engine.Status
	// stdout and stderr are those of one attempt.
	stdout, stderr []string
}

func scenarios() []scenario {
	task := func(script string, change func(*plan.Task)) plan.Task {
		c := shell(script)
		c.Network, c.Grace = "none", 200*time.Millisecond
		t := plan.Task{Name: "task", Container: c, Timeout: time.Minute, Semantics: plan.Local}
		change(&t)
		return t
	}
	return []scenario{
		{"passes", task("echo one; echo err >&2; echo two; sleep 0.1; echo three", func(*plan.Task) {}), engine.Passed,
			[]string{"one", "two", "three"}, []string{"err"}},
		{"fails", task("echo one; exit 3", func(*plan.Task) {}), engine.Failed, []string{"one"}, nil},
		{"files and a volume", task("cat /etc/a; echo x >/cache/x; cat /logs/x; cp /etc/a /reason", func(t *plan.Task) {
			t.Container.Files = []plan.File{{Path: "/etc/a", Mode: 0o444, Content: []byte("content\n")}}
			t.Container.Tmpfs = []plan.Tmpfs{{Name: "v", Path: "/cache"}, {Name: "v", Path: "/logs"}}
			t.Container.TerminationMessage.Path = "/reason"
		}), engine.Passed, []string{"content", "x"}, nil},
		{"is retried", task("echo one; exit 1", func(t *plan.Task) {
			t.Retry = plan.Retry{Limit: 1, Backoff: plan.Backoff{Initial: time.Millisecond, Max: time.Millisecond}}
		}), engine.Failed, []string{"one"}, nil},
		{"times out and is killed", task("trap '' TERM; echo one; sleep 100000", func(t *plan.Task) { t.Timeout = 2 * time.Second }),
			engine.TimedOut, []string{"one"}, nil},
	}
}

// faultCase is one request of a scenario that goes wrong in one way.
type faultCase struct {
	scenario
	at   int
	call string
	how  fault
}

// answerWithin of these tests is short, and still longer than what a busy engine takes.
const answerWithin = 3 * time.Second

// TestFaults lets requests go wrong, one at a time: in the short version every request of the first scenario in every way,
// and of the others those that the first does not have.
func TestFaults(t *testing.T) { testFaults(t, "", false) }

// TestSoakFaults lets every request of every scenario go wrong in every way.
func TestSoakFaults(t *testing.T) {
	if !soak() {
		return
	}
	testFaults(t, "", true)
}

// testFaults does so on the engine at host, the machine's where that is "".
func testFaults(t *testing.T, host string, all bool) {
	direct := connect(t, docker.Options{Host: host})
	_ = direct.Close()
	before := runtime.NumGoroutine()
	starts, stop := countStarts(t, host)
	socket := cmp.Or(strings.TrimPrefix(host, "unix://"), machineSocket)
	var cases []faultCase
	known := map[string]bool{}
	for i, s := range scenarios() {
		calls := (&faultRun{faultCase: faultCase{scenario: s}, socket: socket, direct: direct, starts: starts}).do(t)
		t.Logf("%s: %q", s.name, calls)
		for at, call := range calls {
			if !all && i > 0 && known[call] {
				continue
			}
			known[call] = true
			for _, how := range allFaults {
				if how != cutBetween || endless.MatchString(call) {
					cases = append(cases, faultCase{s, at + 1, call, how})
				}
			}
		}
	}
	var together sync.WaitGroup
	queue := make(chan faultCase)
	for range 6 {
		together.Go(func() {
			for c := range queue {
				t.Run(fmt.Sprintf("%s/%d %s/%s", c.name, c.at, strings.ReplaceAll(c.call, "/", "_"), c.how), func(t *testing.T) {
					(&faultRun{faultCase: c, socket: socket, direct: direct, starts: starts}).do(t)
				})
			}
		})
	}
	for _, c := range cases {
		queue <- c
	}
	close(queue)
	together.Wait()
	stop()
	_ = direct.Close()
	noMoreGoroutines(t, before)
}

// faultRun is a scenario under a fault.
type faultRun struct {
	faultCase
	socket string
	direct *docker.Engine
	starts *startCount
}

// do runs it, checks what holds whatever goes wrong, and gives the requests that it made.
func (f *faultRun) do(t *testing.T) []string {
	proxy := newFaultProxy(t, f.socket, f.at, f.how)
	e, err := docker.New(docker.Options{Host: proxy.host(), AnswerWithin: answerWithin})
	if err != nil {
		t.Fatal(err)
	}
	var heard enginetest.Recorder
	id := fmt.Sprintf("fault-%d", time.Now().UnixNano())
	began := time.Now()
	result, err := engine.Runner{
		// Without its other powers, so that its requests have one order.
		Engine: struct{ engine.Engine }{e}, Sink: &heard, RunID: id, Owner: "test", Version: "test",
	}.Run(t.Context(), plan.Plan{Tasks: []plan.Task{f.task}})
	took := time.Since(began)
	_ = e.Close()
	proxy.close()
	if err != nil {
		t.Fatalf("run: %v", err)
	}
	if err := heard.Check(); err != nil {
		t.Error(err)
	}
	if len(result.Tasks) != 1 {
		t.Fatalf("%d results", len(result.Tasks))
	}
	got := result.Tasks[0]
	if testing.Verbose() {
		t.Logf("%s %s in %v: %s", got.Status, got.Reason, took.Round(time.Millisecond), got.Message)
	}
	f.checkOutcome(t, got, &heard)
	f.starts.check(t, id)
	if left, err := f.direct.Leftovers(context.WithoutCancel(t.Context()), id); err != nil || len(left) > 0 {
		t.Errorf("left on the engine: %+v, error %v", left, err)
	}
	// The timeout, the grace, and the fault met by an answer that never comes: once in the course of the task, twice in
	// its removal, and the looks at what came of it.
	if limit := f.task.Container.Grace + 2*time.Second + 6*answerWithin; took > limit {
		t.Errorf("it took %v, more than %v", took, limit)
	}
	return proxy.recorded()
}

func (f *faultRun) checkOutcome(t *testing.T, got engine.TaskResult, heard *enginetest.Recorder) {
	t.Helper()
	engineFailed := slices.Contains([]engine.Reason{
		engine.EngineDidNotAnswer, engine.EngineLost, engine.EngineRefused, engine.EngineUnavailable,
	}, got.Reason)
	switch {
	case got.Status == f.status:
	case f.how == noFault || f.how == late:
		t.Fatalf("%s %s: %s", got.Status, got.Reason, got.Message)
	case f.call == "GET /containers//archive" && (f.how == fail500 || f.how == fail409):
		t.Errorf("%s %s for a message that could be read again: %s", got.Status, got.Reason, got.Message)
	case got.Status == engine.Errored && (!engineFailed || got.Remedy == "" || got.Message == ""):
		t.Errorf("errored with reason %q, message %q, remedy %q", got.Reason, got.Message, got.Remedy)
	case got.Status == engine.Canceled || got.Status == engine.Passed || got.Status == engine.Failed:
		t.Errorf("%s %s: %s", got.Status, got.Reason, got.Message)
	}
	unstarted := got.Status == engine.TimedOut && (f.how == hang || f.how == hangAfter) && got.ExitCode < 0
	if got.Status == engine.Errored || unstarted {
		return
	}
	// Its output is known, and each line came once an attempt.
	for stream, lines := range map[engine.Stream][]string{engine.Stdout: f.stdout, engine.Stderr: f.stderr} {
		var want []string
		for range got.Attempts {
			want = append(want, lines...)
		}
		if lines := heard.Lines("", stream); !slices.Equal(lines, want) {
			t.Errorf("%s with %s %q, want %q", got.Status, stream, lines, want)
		}
	}
}

// startCount counts, by what the engine tells, how often each attempt was started.
type startCount struct {
	mu    sync.Mutex
	count map[string]int
}

func (s *startCount) check(t *testing.T, run string) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	for attempt, n := range s.count {
		if strings.HasPrefix(attempt, run+" ") && n > 1 {
			t.Errorf("attempt %s was started %d times", attempt, n)
		}
	}
}

func countStarts(t *testing.T, host string) (*startCount, func()) {
	t.Helper()
	c := apiAt(t, host)
	ctx, cancel := context.WithCancel(t.Context())
	told, failed := c.Events(ctx, events.ListOptions{Filters: filters.NewArgs(
		filters.Arg("type", "container"), filters.Arg("event", "start"), filters.Arg("label", "dev.ktask.run"))})
	s := &startCount{count: map[string]int{}}
	var listening sync.WaitGroup
	listening.Go(func() {
		for {
			select {
			case e := <-told:
				s.mu.Lock()
				a := e.Actor.Attributes
				s.count[a["dev.ktask.run"]+" "+a["dev.ktask.attempt"]+" "+a["dev.ktask.part"]]++
				s.mu.Unlock()
			case err := <-failed:
				if !errors.Is(err, context.Canceled) {
					t.Errorf("listen to the engine: %v", err)
				}
				return
			}
		}
	})
	return s, func() {
		cancel()
		listening.Wait()
		_ = c.Close()
	}
}

// noMoreGoroutines waits until there are no more goroutines than before: a transport ends its own in its own time.
func noMoreGoroutines(t *testing.T, before int) {
	t.Helper()
	for range 1_000_000 {
		if runtime.NumGoroutine() <= before {
			return
		}
		runtime.Gosched()
	}
	stacks := make([]byte, 1<<20)
	t.Errorf("%d goroutines, %d before:\n%s", runtime.NumGoroutine(), before, stacks[:runtime.Stack(stacks, true)])
}
