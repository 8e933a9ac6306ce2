package bench

import "slices"

// Interval is a median and the interval in which the true median lies with a probability of at least 95 %.
type Interval struct{ Median, Low, High float64 }

// newInterval returns the median of values and its interval, whatever their distribution: from the k-th smallest to the k-th
// largest value, with the largest k for which it holds the true median with 95 %. Fewer than 6 values are too few for that: the
// interval is then their whole range.
func newInterval(values []float64) Interval {
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	if n == 0 {
		return Interval{}
	}
	k := max(rank(n), 1)
	return Interval{Median: (sorted[(n-1)/2] + sorted[n/2]) / 2, Low: sorted[k-1], High: sorted[n-k]}
}

// rank returns the largest k with P(fewer than k of n values are below the true median) ≤ 2.5 %, or 0 if there is none. The
// number of values below the median has a binomial distribution with p = ½.
func rank(n int) int {
	share := 1.0 // P(exactly i values are below)
	for range n {
		share /= 2
	}
	below := 0.0
	for i := range n {
		if below += share; below > 0.025 {
			return i
		}
		share *= float64(n-i) / float64(i+1)
	}
	return 0
}
