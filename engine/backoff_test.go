package engine

import (
	"slices"
	"testing"
	"time"

	"github.com/ktask/ktask/engine/plan"
)

const (
	second = time.Second
	minute = time.Minute
)

var (
	localBackoff   = plan.Backoff{Initial: second, Max: 30 * second}
	clusterBackoff = plan.Backoff{Initial: 10 * second, Max: 5 * minute}
)

// TestBackoff compares waits and numbers of starts with those of the kubelet and the Job controller.
func TestBackoff(t *testing.T) {
	long := resetAfter + 1
	for name, tc := range map[string]struct {
		semantics plan.Semantics
		limit     int
		backoff   plan.Backoff
		// ran is how long the starts take; 0 if it is too short.
		ran  []time.Duration
		want []time.Duration
	}{
		"local, no retries":           {plan.Local, 0, localBackoff, nil, nil},
		"local, one retry":            {plan.Local, 1, localBackoff, nil, []time.Duration{second}},
		"local, doubling":             {plan.Local, 3, localBackoff, nil, seconds(1, 2, 4)},
		"local, up to the maximum":    {plan.Local, 7, localBackoff, nil, seconds(1, 2, 4, 8, 16, 30, 30)},
		"local, no waits":             {plan.Local, 2, plan.Backoff{}, nil, seconds(0, 0)},
		"local, maximum below":        {plan.Local, 2, plan.Backoff{Initial: 9 * second, Max: 2 * second}, nil, seconds(2, 2)},
		"local, long runs":            {plan.Local, 3, localBackoff, []time.Duration{long, long, long}, seconds(1, 2, 4)},
		"local, negative":             {plan.Local, -1, localBackoff, nil, nil},
		"cluster, 0 is like 1":        {plan.Cluster, 0, clusterBackoff, nil, seconds(0)},
		"cluster, 1":                  {plan.Cluster, 1, clusterBackoff, nil, seconds(0)},
		"cluster, 2":                  {plan.Cluster, 2, clusterBackoff, nil, seconds(0, 10)},
		"cluster, the default":        {plan.Cluster, 10, clusterBackoff, nil, seconds(0, 10, 20, 40, 80, 160, 300, 300, 300, 300)},
		"cluster, exactly 10 minutes": {plan.Cluster, 3, clusterBackoff, []time.Duration{0, resetAfter, 0}, seconds(0, 10, 20)},
		"cluster, begun anew":         {plan.Cluster, 5, clusterBackoff, []time.Duration{0, 0, long, 0, 0}, seconds(0, 10, 0, 10, 20)},
		"cluster, scaled":             {plan.Cluster, 4, plan.Backoff{Initial: second, Max: 3 * second}, nil, seconds(0, 1, 2, 3)},
	} {
		t.Run(name, func(t *testing.T) {
			task := plan.Task{Semantics: tc.semantics, Retry: plan.Retry{Limit: tc.limit, Backoff: tc.backoff}}
			var ran, got []time.Duration
			for {
				d := time.Duration(0)
				if len(ran) < len(tc.ran) {
					d = tc.ran[len(ran)]
				}
				ran = append(ran, d)
				wait, ok := nextWait(task, ran)
				if !ok {
					break
				}
				got = append(got, wait)
			}
			if !slices.Equal(got, tc.want) {
				t.Errorf("waits are %v, want %v", got, tc.want)
			}
			if n := maxStarts(task); n != len(ran) {
				t.Errorf("maxStarts is %d, but %d start", n, len(ran))
			}
			if failsJob(task, len(ran)) != (tc.semantics == plan.Cluster) || failsJob(task, len(ran)-1) {
				t.Error("in a cluster the last start, and only that, makes the Job fail")
			}
		})
	}
}

func TestDoubleDoesNotOverflow(t *testing.T) {
	const most = time.Duration(1<<63 - 1)
	if got := double(most/2+1, most); got != most {
		t.Errorf("double is %v, want the limit %v", got, most)
	}
}

func seconds(n ...int) []time.Duration {
	var all []time.Duration
	for _, s := range n {
		all = append(all, time.Duration(s)*second)
	}
	return all
}
