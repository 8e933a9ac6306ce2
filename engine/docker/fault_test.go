package docker_test

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/docker/docker/api/types/events"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/docker"
	"github.com/ktask/ktask/engine/enginetest"
	"github.com/ktask/ktask/engine/plan"
	"github.com/ktask/ktask/integration/engines"
)

// scenario is a task and its result if no request fails.
type scenario struct {
	name   string
	task   plan.Task
	status engine.Status
	// stdout and stderr are the lines of one attempt.
	stdout, stderr []string
	// effects counts what the task does outside of the engine if each attempt is prepared. It is nil if none is.
	effects *effects
	// waits is true if the task waits for another one, and is prepared meanwhile by the scheduler.
	waits bool
}

func scenarios() []scenario {
	task := func(script string, change func(*plan.Task)) plan.Task {
		c := shell(script)
		c.Network, c.Grace = "none", 200*time.Millisecond
		t := plan.Task{Name: "task", Container: c, Timeout: 5 * time.Minute, Semantics: plan.Local}
		change(&t)
		return t
	}
	return []scenario{
		{"passes", task("echo one; echo err >&2; echo two; sleep 0.1; echo three", func(*plan.Task) {}), engine.Passed,
			[]string{"one", "two", "three"}, []string{"err"}, nil, false},
		{"fails", task("echo one; exit 3", func(*plan.Task) {}), engine.Failed, []string{"one"}, nil, nil, false},
		{"files and a volume", task("cat /etc/a; echo x >/cache/x; cat /logs/x; cp /etc/a /reason", func(t *plan.Task) {
			t.Container.Files = []plan.File{{Path: "/etc/a", Mode: 0o444, Content: []byte("content\n")}}
			t.Container.Tmpfs = []plan.Tmpfs{{Name: "v", Path: "/cache"}, {Name: "v", Path: "/logs"}}
			t.Container.TerminationMessage.Path = "/reason"
		}), engine.Passed, []string{"content", "x"}, nil, nil, false},
		{"is retried", task("echo one; exit 1", func(t *plan.Task) {
			t.Retry = plan.Retry{Limit: 1, Backoff: plan.Backoff{Initial: time.Millisecond, Max: time.Millisecond}}
		}), engine.Failed, []string{"one"}, nil, nil, false},
		{"is interrupted and killed", task("trap '' TERM; echo one; sleep 100000", func(*plan.Task) {}), engine.Canceled, []string{"one"}, nil, nil, false},
	}
}

// faultCase is a scenario in which one request fails in one way.
type faultCase struct {
	scenario
	target target
	// early is true if the request is made before the container becomes the task, so its failure must not be seen.
	early bool
}

// hangs reports whether ktask waits for something that never comes: an answer, or the end of a removal by somebody else.
func (f *faultCase) hangs() bool {
	return f.target.how == hang || f.target.how == hangAfter || f.target.how == fail409 && f.target.call == "DELETE /containers/"
}

// TestFaults makes requests fail, one in each run: every request of the first scenario in every way, and those of the other
// scenarios that the first does not have.
func TestFaults(t *testing.T) { testFaults(t, "", scenarios(), false) }

// TestFaultsOfPrepared makes the requests fail by which a container is prepared.
func TestFaultsOfPrepared(t *testing.T) { testFaults(t, "", preparedScenarios(t), false) }

// TestSoakFaults makes every request of every scenario fail in every way.
func TestSoakFaults(t *testing.T) {
	soakOnly(t)
	testFaults(t, "", append(scenarios(), preparedScenarios(t)...), true)
}

// testFaults makes requests fail on the engine at host, all or some of them. If host is "", it is the machine's engine.
func testFaults(t *testing.T, host string, scenarios []scenario, all bool) {
	direct := connect(t, docker.Options{Host: host})
	_ = direct.Close()
	before := runtime.NumGoroutine()
	log := listen(t, host)
	socket := cmp.Or(strings.TrimPrefix(host, "unix://"), machineSocket)
	var cases []faultCase
	known := map[string]bool{}
	for i, s := range scenarios {
		first := i == 0 || (s.effects == nil) != (scenarios[i-1].effects == nil) || s.waits != scenarios[i-1].waits
		if first {
			clear(known)
		}
		plain := (&faultRun{faultCase: faultCase{scenario: s}, socket: socket, direct: direct}).do(t)
		t.Logf("%s: %q", s.name, plain.calls)
		count := map[string]int{}
		for n, call := range plain.calls {
			count[call]++
			if !all && (!first && known[call] || s.effects != nil && n >= plain.readyCalls) {
				continue
			}
			known[call] = true
			for _, how := range s.faults(call, all) {
				atEnd := how == cutWithin && strings.HasSuffix(call, "/wait") // the answer comes at the end of the container
				early := n < plain.readyCalls && strings.Contains(call, "/containers/") && !atEnd
				cases = append(cases, faultCase{s, target{call: call, nth: count[call], how: how}, early})
			}
		}
	}
	var together sync.WaitGroup
	queue := make(chan faultCase)
	for range 6 {
		together.Go(func() {
			for c := range queue {
				name := fmt.Sprintf("%s/%s %d/%s", c.name, strings.ReplaceAll(c.target.call, "/", "_"), c.target.nth, c.target.how)
				t.Run(name, func(t *testing.T) {
					(&faultRun{faultCase: c, socket: socket, direct: direct}).do(t)
				})
			}
		})
	}
	for _, c := range cases {
		queue <- c
	}
	close(queue)
	together.Wait()
	startedOnce(t, log, scenarios)
	log.close()
	_ = direct.Close()
	noMoreGoroutines(t, before)
}

// faults returns the ways in which a request of the scenario fails.
func (s scenario) faults(call string, all bool) []fault {
	if s.waits && !all {
		return []fault{dropReply, fail500}
	}
	faults := slices.Clone(allFaults)
	if s.effects != nil && strings.HasSuffix(call, "/attach") {
		faults = append(faults, inputFaults...)
	}
	return slices.DeleteFunc(faults, func(how fault) bool {
		return how == cutBetween && !endless.MatchString(call) || s.effects != nil && !all && (how == hang || how == hangAfter)
	})
}

// faultRun runs a faultCase.
type faultRun struct {
	faultCase
	socket string
	direct *docker.Engine
}

// do runs the case, checks what must hold after any fault, and returns the result. If no answer comes, the time
// limit of requests is short; if the engine takes nearly as long for other answers, do starts over with twice the limit. It also
// starts over if the request was not made: podman may report the end of a container first through one request or another.
func (f *faultRun) do(t *testing.T) *faultDone {
	t.Helper()
	within := time.Minute
	if f.hangs() {
		within = 3 * time.Second
	}
	for missed := 0; ; {
		done := f.once(t, within)
		switch {
		case f.target.how != noFault && done.proxy.struck == 0 && missed < 10:
			missed++
			continue
		case within >= time.Minute || done.proxy.slowest < within/2:
			f.check(t, done)
			return done
		}
		t.Logf("an answer took %v: again, with a limit above %v", done.proxy.slowest, within)
		for _, left := range f.left(t, done.id) {
			if err := f.direct.Remove(t.Context(), left); err != nil {
				t.Error(err)
			}
		}
		within *= 2
	}
}

// faultDone is the result of one run.
type faultDone struct {
	proxy  *faultProxy
	within time.Duration
	id     string
	// calls are the requests, readyCalls the number of those until the first attempt was prepared.
	calls      []string
	readyCalls int
	took       time.Duration
	heard      enginetest.Recorder
	result     engine.Result
}

func (f *faultRun) once(t *testing.T, within time.Duration) *faultDone {
	t.Helper()
	done := &faultDone{proxy: newFaultProxy(t, f.socket, f.target), within: within}
	done.id = fmt.Sprintf("%s%d", faultRuns(), time.Now().UnixNano())
	if f.effects != nil {
		done.id += preparedRuns
	}
	e, err := docker.New(docker.Options{Host: done.proxy.host(), AnswerWithin: within})
	if err != nil {
		t.Fatal(err)
	}
	if f.task.Container.TerminationMessage.Path != "" {
		e.MessagesInCompanions() // which has the most requests
	}
	// Without its optional interfaces, so that the requests have one order.
	var as engine.Engine = struct{ engine.Engine }{e}
	tasks := []plan.Task{f.task}
	if f.effects != nil {
		ready := readyEngine{e, t, func() { done.readyCalls = cmp.Or(done.readyCalls, len(done.proxy.recorded())) }}
		as = struct{ engine.Engine }{ready}
		f.task.Container.Env = variables("EFFECT=" + f.effects.url(done.id))
		tasks[0] = f.task
		if f.waits {
			next := newNextEngine(ready)
			as = struct {
				engine.Engine
				engine.Readier
			}{next, next}
			tasks = []plan.Task{{Name: firstTask, Container: f.task.Container, Timeout: f.task.Timeout, Semantics: f.task.Semantics}, f.task}
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	began := time.Now()
	done.result, err = engine.Runner{
		Engine: as, Parallel: 1, RunID: done.id, Owner: "test", Version: "test",
		Sink: engine.SinkFunc(func(event engine.Event) {
			done.heard.Emit(event)
			if _, ok := event.(engine.OutputLine); ok && f.status == engine.Canceled {
				cancel()
			}
		}),
	}.Run(ctx, plan.Plan{Tasks: tasks})
	done.took = time.Since(began)
	_ = e.Close()
	done.proxy.close()
	done.calls = done.proxy.recorded()
	if err != nil {
		t.Fatalf("run: %v", err)
	}
	return done
}

// left returns what is on the engine of a run.
func (f *faultRun) left(t *testing.T, run string) []engine.Leftover {
	t.Helper()
	left, err := f.direct.Leftovers(context.WithoutCancel(t.Context()), run)
	if err != nil {
		t.Errorf("list what is left: %v", err)
	}
	return left
}

func (f *faultRun) check(t *testing.T, done *faultDone) {
	t.Helper()
	if err := done.heard.Check(); err != nil {
		t.Error(err)
	}
	if n := len(done.result.Tasks); n == 0 {
		t.Fatal("no result")
	}
	got := done.result.Tasks[len(done.result.Tasks)-1]
	if testing.Verbose() {
		t.Logf("%s %s in %v: %s", got.Status, got.Reason, done.took.Round(time.Millisecond), got.Message)
	}
	f.checkOutcome(t, got, &done.heard)
	f.checkEffects(t, got, done.id)
	if left := f.left(t, done.id); len(left) > 0 {
		t.Errorf("left on the engine: %+v", left)
	}
	if f.target.how != noFault && done.proxy.struck != 1 {
		t.Errorf("%d requests failed, of %q", done.proxy.struck, done.calls)
	}
	// ktask waits for an answer that never comes once while the task runs, twice when it removes the container, and when it
	// asks for the state after each. The minute is for a busy machine.
	if limit := time.Minute + 6*done.within; f.hangs() && done.took > limit {
		t.Errorf("it took %v, more than %v", done.took, limit)
	}
}

func (f *faultRun) checkOutcome(t *testing.T, got engine.TaskResult, heard *enginetest.Recorder) {
	t.Helper()
	how := f.target.how
	engineFailed := slices.Contains([]engine.Reason{
		engine.EngineDidNotAnswer, engine.EngineLost, engine.EngineRefused, engine.EngineUnavailable,
	}, got.Reason)
	switch {
	case got.Status == f.status:
	case how == noFault || how == late:
		t.Fatalf("%s %s: %s", got.Status, got.Reason, got.Message)
	case f.target.call == "GET /containers//archive" && (how == fail500 || how == fail409):
		t.Errorf("%s %s for a message that could be read again: %s", got.Status, got.Reason, got.Message)
	case got.Status != engine.Errored:
		t.Errorf("%s %s: %s", got.Status, got.Reason, got.Message)
	case !engineFailed || !got.Remedy.Known() || got.Message == "":
		t.Errorf("errored with reason %q, message %q, remedy %q", got.Reason, got.Message, got.Remedy)
	}
	if got.Status == engine.Errored {
		return
	}
	// Each line of the output came once in each attempt.
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

// faultRuns returns the prefix of the run ids of this process.
func faultRuns() string { return fmt.Sprintf("fault-%d-", os.Getpid()) }

// startedOnce checks in the events of the engine that no attempt was started twice, except in a container that was prepared:
// of those the effects are counted.
func startedOnce(t *testing.T, log *eventLog, scenarios []scenario) {
	t.Helper()
	count := map[string]int{}
	for _, event := range log.all(t) {
		a := event.Actor.Attributes
		if event.Action == events.ActionStart && strings.HasPrefix(a["dev.ktask.run"], faultRuns()) {
			count[a["dev.ktask.run"]+" "+a["dev.ktask.attempt"]+" "+a["dev.ktask.part"]]++
		}
	}
	for attempt, n := range count {
		if limit := 1 + strings.Count(attempt, preparedRuns); n > limit {
			t.Errorf("attempt %s was started %d times", attempt, n)
		}
	}
	if len(count) < len(scenarios) {
		t.Errorf("the engine has reported %d starts", len(count))
	}
}

// noMoreGoroutines waits until there are no more goroutines than before: a transport ends its own some time after Close.
func noMoreGoroutines(t *testing.T, before int) {
	t.Helper()
	if !engines.Awaited(func() bool { return runtime.NumGoroutine() <= before }) {
		stacks := make([]byte, 1<<20)
		t.Fatalf("%d goroutines, %d before:\n%s", runtime.NumGoroutine(), before, stacks[:runtime.Stack(stacks, true)])
	}
}
