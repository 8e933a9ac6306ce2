package engine

import (
	"time"

	"github.com/ktask/ktask/engine/plan"
)

// What Kubernetes fixes and a manifest cannot change.
const (
	// quiet is how long a start has to run to be forgiven: the kubelet forgets a container's backoff after
	// twice its longest one (hasExpired in k8s.io/client-go/util/flowcontrol). It is compared with how long a
	// process ran, so --backoff-scale, which shortens waits, leaves it alone.
	quiet = 10 * time.Minute
	// noticed is how long a start that is one too many runs before it is killed: the Job controller looks at a
	// Job at most once a second (syncJobBatchPeriod in pkg/controller/job).
	noticed = time.Second
)

// starts is the number of times that a task's container starts at most.
//
// Local: the retries that the manifest asks for, and the first attempt. Cluster (rule 87 of the Job controller,
// pastBackoffLimitOnFailure): a Job fails when its restart count reaches the limit, or exceeds 0 where the
// limit is 0. So limits 0 and 1 both see a second start, and the last start is condemned, see condemned.
func starts(t plan.Task) int {
	if t.Semantics == plan.Cluster {
		return max(t.Retry.Limit, 1) + 1
	}
	return max(t.Retry.Limit, 0) + 1
}

// condemned is true for the start whose mere existence makes the Job fail. It is killed once the Job controller
// has noticed it; in a cluster that is a race, here it is the time noticed: a start that succeeds within it passes.
func condemned(t plan.Task, number int) bool {
	return t.Semantics == plan.Cluster && number == starts(t)
}

// next is the wait after failed starts that ran for the given times, and false where no further start follows.
func next(t plan.Task, ran []time.Duration) (time.Duration, bool) {
	if len(ran) >= starts(t) {
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

// clusterWait follows the kubelet (rule 86): the first restart is not delayed, the next ones by Initial, doubling up
// to Max. A start that ran for longer than quiet begins the row anew, with a restart without delay.
func clusterWait(b plan.Backoff, ran []time.Duration) time.Duration {
	var wait time.Duration
	following := min(b.Initial, b.Max)
	for i, d := range ran {
		if i == 0 || d > quiet {
			wait, following = 0, min(b.Initial, b.Max)
			continue
		}
		wait, following = following, double(following, b.Max)
	}
	return wait
}

// double doubles up to a maximum, without overflow.
func double(d, limit time.Duration) time.Duration {
	if d > limit/2 {
		return limit
	}
	return 2 * d
}
