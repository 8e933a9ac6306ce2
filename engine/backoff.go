package engine

import (
	"context"
	"math"
	"sync"
	"time"

	"github.com/ktask/ktask/engine/plan"
)

// What Kubernetes fixes and a manifest cannot change.
const (
	// resetAfter is how long a start has to run until the waits begin anew: the kubelet forgets the backoff of a container
	// after twice its longest one (hasExpired in k8s.io/client-go/util/flowcontrol). It is compared with how long a
	// process ran, so --backoff-scale, which shortens waits, does not apply.
	resetAfter = 10 * time.Minute
	// noticedAfter is how long a start that makes the Job fail runs before it is killed: the Job controller looks at a
	// Job at most once a second (syncJobBatchPeriod in pkg/controller/job).
	noticedAfter = time.Second
)

// maxStarts returns how often the container of a task starts at most.
//
// Local semantics: once, and the retries of the manifest. Cluster semantics: a Job fails when its restart count reaches
// the limit, or exceeds 0 if the limit is 0 (pastBackoffLimitOnFailure in pkg/controller/job). So both 0 and 1 allow a
// second start, and the last start makes the Job fail, see failsJob. See "Restart count of a Job" in docs/fidelity.md.
func maxStarts(t plan.Task) int {
	if t.Semantics == plan.Cluster {
		return max(t.Retry.Limit, 1) + 1
	}
	return max(t.Retry.Limit, 0) + 1
}

// failsJob reports whether the Job fails because this start exists, even if its process succeeds. The start is killed when the Job
// controller notices it, here noticedAfter its process has started.
func failsJob(t plan.Task, number int) bool {
	return t.Semantics == plan.Cluster && number == maxStarts(t)
}

// condemn returns a context for a start, which ends noticedAfter its process has started if that makes the Job fail.
func (x *taskRun) condemn(ctx context.Context, number int) (under context.Context, started, release func()) {
	if !failsJob(x.task, number) {
		return ctx, func() {}, func() {}
	}
	under, cancel := context.WithCancelCause(ctx)
	kill := func() { cancel(&restartError{limit: x.task.Retry.Limit}) }
	notice := time.AfterFunc(math.MaxInt64, kill)
	started = sync.OnceFunc(func() { notice.Reset(noticedAfter) })
	return under, started, func() {
		notice.Stop()
		cancel(nil)
	}
}

// nextWait returns the wait after failed starts that ran for the given times, and false if no start follows.
func nextWait(t plan.Task, ran []time.Duration) (time.Duration, bool) {
	if len(ran) >= maxStarts(t) {
		return 0, false
	}
	if t.Semantics == plan.Cluster {
		return clusterWait(t.Retry.Backoff, ran), true
	}
	wait := min(t.Retry.Backoff.Initial, t.Retry.Backoff.Max)
	for range len(ran) - 1 {
		wait = double(wait, t.Retry.Backoff.Max)
	}
	return wait, true
}

// clusterWait returns the wait of the kubelet: none before the first restart, then Initial, doubled up to Max. After a
// start that ran longer than resetAfter the waits begin anew, with a restart without delay.
func clusterWait(b plan.Backoff, ran []time.Duration) time.Duration {
	var wait time.Duration
	following := min(b.Initial, b.Max)
	for i, d := range ran {
		if i == 0 || d > resetAfter {
			wait, following = 0, min(b.Initial, b.Max)
			continue
		}
		wait, following = following, double(following, b.Max)
	}
	return wait
}

// double returns 2*d, at most limit, without overflow.
func double(d, limit time.Duration) time.Duration {
	if d > limit/2 {
		return limit
	}
	return 2 * d
}
