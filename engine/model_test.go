package engine_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/enginetest"
	"github.com/ktask/ktask/engine/plan"
)

// outcome is what the model predicts and the Runner does. Times are from the start of the run.
type outcome struct {
	Status engine.Status
	Reason engine.Reason
	Starts []time.Duration
	End    time.Duration
}

// model is an independent implementation of how a Job retries and times out: a clock and what happens next.
type model struct {
	task     plan.Task
	scripts  attempts
	clock    time.Duration
	deadline time.Duration
	// The entry of the container in the kubelet, as in client-go's flowcontrol.Backoff.
	entry      bool
	backoff    time.Duration
	lastUpdate time.Duration
	got        outcome
}

func foretell(t plan.Task, pull time.Duration, scripts attempts) outcome {
	m := &model{task: t, scripts: scripts}
	if t.Semantics == plan.Cluster {
		m.deadline = t.Timeout / second * second
		if pull >= m.deadline {
			return m.ends(engine.TimedOut, engine.DeadlineExceeded, m.deadline)
		}
		m.clock = pull
	} else {
		m.clock = pull
		m.deadline = pull + t.Timeout
	}
	for restarts := 0; ; restarts++ {
		if m.start(restarts) {
			return m.got
		}
	}
}

func (m *model) ends(s engine.Status, r engine.Reason, at time.Duration) outcome {
	m.got.Status, m.got.Reason, m.got.End = s, r, at
	return m.got
}

// start plays one start of the container and the wait after it, and reports whether the task has ended.
func (m *model) start(restarts int) bool {
	m.got.Starts = append(m.got.Starts, m.clock)
	began, script := m.clock, m.scripts[restarts]
	killed := m.deadline
	if m.task.Semantics == plan.Cluster && m.jobFails(restarts) {
		killed = min(killed, began+second)
	}
	ended := began + script.Takes
	if script.Takes > killed-began {
		ended = killed + m.stops(script)
		if killed == m.deadline {
			m.ends(engine.TimedOut, engine.DeadlineExceeded, ended)
		} else {
			m.ends(engine.Failed, engine.BackoffLimitExceeded, ended)
		}
		return true
	}
	condemned := m.task.Semantics == plan.Cluster && m.jobFails(restarts)
	if script.Exit.Code == 0 && !condemned {
		m.ends(engine.Passed, "", ended)
		return true
	}
	if condemned || m.task.Semantics == plan.Local && restarts == m.task.Retry.Limit {
		m.ends(engine.Failed, engine.BackoffLimitExceeded, ended)
		return true
	}
	m.clock = ended + m.wait(restarts, ended)
	if m.clock >= m.deadline {
		m.ends(engine.TimedOut, engine.DeadlineExceeded, ended)
		return true
	}
	m.lastUpdate = m.clock
	return false
}

// jobFails reports whether the Job controller finds that the restart count fails the Job.
func (m *model) jobFails(restarts int) bool {
	if m.task.Retry.Limit == 0 {
		return restarts > 0
	}
	return restarts >= m.task.Retry.Limit
}

func (m *model) stops(a enginetest.Attempt) time.Duration {
	if a.IgnoresStop {
		return m.task.Container.Grace
	}
	return min(a.StopTakes, m.task.Container.Grace)
}

func (m *model) wait(restarts int, finished time.Duration) time.Duration {
	b := m.task.Retry.Backoff
	if m.task.Semantics == plan.Local {
		wait := b.Initial
		for range restarts {
			wait *= 2
		}
		return min(wait, b.Max)
	}
	expired := finished-m.lastUpdate > 10*time.Minute
	if !m.entry || expired {
		m.entry, m.backoff = true, b.Initial
		return 0
	}
	wait := m.backoff
	m.backoff = min(2*m.backoff, b.Max)
	return wait
}

// TestModel plays random tasks in fake time and compares the Runner with the model. Durations are random to the
// nanosecond, so that no two events are simultaneous.
func TestModel(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	reached := map[engine.Status]int{}
	for round := range 2000 {
		task, pull, scripts := randomTask(random)
		want := foretell(task, pull, scripts)
		reached[want.Status]++
		synctest.Test(t, func(t *testing.T) {
			fake := &enginetest.Fake{
				Tasks:  map[string][]enginetest.Attempt{"t": scripts},
				Images: map[string]enginetest.Pull{"t:dev": {Takes: pull}},
			}
			began := time.Now()
			result, _ := play(t, t.Context(), engine.Runner{Engine: fake}, task)
			got := outcome{result.Tasks[0].Status, result.Tasks[0].Reason, since(began, fake.Starts("t")), time.Since(began)}
			if got.Status != want.Status || got.Reason != want.Reason || got.End != want.End || !slices.Equal(got.Starts, want.Starts) {
				t.Errorf("seed %d, round %d: %s\n got %+v\nwant %+v", seed, round, describe(task, pull, scripts), got, want)
			}
		})
		if t.Failed() {
			return
		}
	}
	for _, s := range []engine.Status{engine.Passed, engine.Failed, engine.TimedOut} {
		if reached[s] < 50 {
			t.Errorf("only %d rounds ended %s: the random tasks are too much alike", reached[s], s)
		}
	}
}

func randomTask(r *rand.Rand) (plan.Task, time.Duration, attempts) {
	upTo := func(d time.Duration) time.Duration { return 1 + time.Duration(r.Int64N(int64(d))) }
	retries := r.IntN(9)
	t := with(task("t"), retries, upTo(time.Hour))
	if r.IntN(2) == 0 {
		t = inCluster(t)
		t.Timeout = upTo(3 * time.Hour)
	}
	if r.IntN(20) == 0 {
		t.Timeout = upTo(2 * second)
	}
	t.Container.Grace = upTo(10 * second)
	scripts := make(attempts, retries+2)
	for i := range scripts {
		longest := []time.Duration{second, 10 * second, 20 * time.Minute}[r.IntN(3)]
		scripts[i] = enginetest.Exits(r.IntN(8), upTo(longest))
		scripts[i].StopTakes = upTo(15 * second)
		scripts[i].IgnoresStop = r.IntN(4) == 0
	}
	return t, upTo(3 * second), scripts
}

func describe(t plan.Task, pull time.Duration, scripts attempts) string {
	text := fmt.Sprintf("%s, retries %d, timeout %v, grace %v, pull %v", t.Semantics, t.Retry.Limit, t.Timeout, t.Container.Grace, pull)
	for i, s := range scripts {
		text += fmt.Sprintf("\n  start %d: exit %d after %v, stops in %v, ignores %v", i+1, s.Exit.Code, s.Takes, s.StopTakes, s.IgnoresStop)
	}
	return text
}
