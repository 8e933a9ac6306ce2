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

// never is the time of a start that does not happen.
const never = enginetest.Forever

// predictStages is an independent implementation of how Keptn goes through stages, with room for all tasks. It returns
// when each task starts, or never, and the status of the run. fails are the statuses of tasks by name.
func predictStages(p plan.Plan, takes map[string]time.Duration, fails map[string]engine.Status) (map[string]time.Duration, engine.Status) {
	opens := map[string]time.Duration{"": 0} // when the stages after a stage may start
	starts := map[string]time.Duration{}
	status := engine.Passed
	for _, s := range p.Stages {
		var at time.Duration
		for _, need := range s.Needs {
			at = max(at, opens[need])
		}
		opens[s.ID] = at
		warned, failed := never, false
		for _, t := range p.Tasks {
			if t.Stage != s.ID {
				continue
			}
			starts[t.Name] = at
			if at == never {
				continue
			}
			end := at + takes[t.Name]
			opens[s.ID] = max(opens[s.ID], end)
			if fails[t.Name] == engine.Failed && p.NonBlocking {
				warned = min(warned, end)
			} else if fails[t.Name] != "" {
				failed = true
				if status != engine.Errored {
					status = fails[t.Name]
				}
			}
		}
		if warned < never {
			opens[s.ID] = warned
		}
		if failed {
			opens[s.ID] = never
		}
	}
	return starts, status
}

// TestStagesModel plays random plans in fake time and compares the Runner with the model.
func TestStagesModel(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	ran, stopped := 0, 0
	for round := range 1000 {
		p, takes, fails := randomStages(random)
		starts, status := predictStages(p, takes, fails)
		synctest.Test(t, func(t *testing.T) {
			fake := &enginetest.Fake{Play: func(_ plan.Container, l engine.Labels) enginetest.Attempt {
				attempt := enginetest.Exits(0, takes[l.Task])
				switch fails[l.Task] {
				case engine.Failed:
					attempt.Exit.Code = 1
				case engine.Errored:
					attempt.Err = &engine.Error{Reason: engine.EngineLost, Err: fmt.Errorf("lost")}
				}
				return attempt
			}}
			began := time.Now()
			result, _ := playPlan(t, t.Context(), engine.Runner{Engine: fake, Parallel: 1 << 62}, p)
			if result.Status != status {
				t.Errorf("the run is %s, want %s", result.Status, status)
			}
			for _, task := range p.Tasks {
				var want []time.Duration
				if at := starts[task.Name]; at < never {
					want = []time.Duration{at}
					ran++
				} else {
					stopped++
				}
				if got := since(began, fake.Starts(task.Name)); !slices.Equal(got, want) {
					t.Errorf("task %s starts at %v, want %v", task.Name, got, want)
				}
			}
		})
		if t.Failed() {
			t.Fatalf("seed %d, round %d: stages %+v, non-blocking %v, takes %v, fails %v", seed, round, p.Stages, p.NonBlocking, takes, fails)
		}
	}
	if ran < 1000 || stopped < 200 {
		t.Errorf("%d tasks ran and %d were stopped: the random plans are too much alike", ran, stopped)
	}
}

// randomStages returns a plan of up to seven stages with up to three tasks each. No stage has both a task that errors
// and one whose failure is a warning: their order would decide.
func randomStages(r *rand.Rand) (plan.Plan, map[string]time.Duration, map[string]engine.Status) {
	p := plan.Plan{NonBlocking: r.IntN(3) == 0}
	takes, fails := map[string]time.Duration{}, map[string]engine.Status{}
	for i := range 1 + r.IntN(7) {
		s := plan.Stage{ID: fmt.Sprint("s", i), Name: plan.WorkloadPre}
		for j := range i {
			if r.IntN(3) == 0 {
				s.Needs = append(s.Needs, p.Stages[j].ID)
			}
		}
		p.Stages = append(p.Stages, s)
		failure := []engine.Status{engine.Failed, engine.Failed, engine.Errored}[r.IntN(3)]
		for j := range r.IntN(4) {
			t := task(fmt.Sprint(s.ID, ".", j))
			t.Stage = s.ID
			p.Tasks = append(p.Tasks, t)
			takes[t.Name] = 1 + time.Duration(r.Int64N(int64(time.Minute)))
			if r.IntN(6) == 0 {
				fails[t.Name] = failure
			}
		}
	}
	r.Shuffle(len(p.Tasks), func(i, j int) { p.Tasks[i], p.Tasks[j] = p.Tasks[j], p.Tasks[i] })
	return p, takes, fails
}
