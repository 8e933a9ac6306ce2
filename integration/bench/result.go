package bench

import (
	"fmt"
	"math"
)

// Report is what the page and the plot show.
type Report struct {
	Date    string
	Version string // of ktask
	Client  string // version of the docker command
	System  string // GOOS/GOARCH
	Cores   int
	Load    string // load averages before the run
	Busy    bool   // the machine had other work
	Rows    []Row
	// LeftOut are experiments that this machine cannot do, with the reason.
	LeftOut []string
}

// Row is one measured quantity.
type Row struct {
	Engine string // the engine that gave the number; "" if none has
	Title  string
	Rounds int
	Unit   Unit
	Ours   Interval
	// Against is what ktask is compared with; if it is "", Theirs and Ratio are empty.
	Against string
	Theirs  Interval
	Ratio   Interval // of the pairs, ours to theirs
	Target  Target
}

// Target is what Ratio, or Ours if there is nothing to compare with, must not exceed. The zero Target is none.
type Target struct {
	Limit float64
	// AtLeast turns the target around: the value must not be smaller.
	AtLeast bool
	// Obstacle says what stands in the way of a target that is not reached.
	Obstacle string
}

// Unit is that of a row's values.
type Unit int

// The units and what a value of 1 means.
const (
	Seconds Unit = iota
	Bytes
	BytesPerSecond
)

// Format returns a value with three significant digits.
func (u Unit) Format(v float64) string {
	switch {
	case u == Bytes && v < 1<<20:
		return digits(v/(1<<10)) + " KiB"
	case u == Bytes:
		return digits(v/(1<<20)) + " MiB"
	case u == BytesPerSecond:
		return digits(v/1e6) + " MB/s"
	case v < 1e-3:
		return digits(v*1e6) + " µs"
	case v < 1:
		return digits(v*1e3) + " ms"
	}
	return digits(v) + " s"
}

func digits(v float64) string {
	switch {
	case v >= 100:
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.2f", v)
}

// Judged returns the interval that the target is about.
func (r Row) Judged() Interval {
	if r.Against == "" {
		return r.Ours
	}
	return r.Ratio
}

// Reached reports whether the row's median, rounded to two digits as it is printed, meets the target.
func (r Row) Reached() bool {
	got := math.Round(r.Judged().Median*100) / 100
	if r.Target.AtLeast {
		return got >= r.Target.Limit
	}
	return got <= r.Target.Limit
}

// Goal returns the target as text.
func (r Row) Goal() string {
	sign, value := "≤ ", fmt.Sprintf("%.2f", r.Target.Limit)
	if r.Target.AtLeast {
		sign = "≥ "
	}
	if r.Against == "" {
		value = r.Unit.Format(r.Target.Limit)
	}
	return sign + value
}

// Group is the rows of one engine.
type Group struct {
	Engine string
	Rows   []Row
}

// Groups returns the rows by engine, in the order in which the engines appear.
func (r Report) Groups() []Group {
	var groups []Group
	index := map[string]int{}
	for _, row := range r.Rows {
		i, ok := index[row.Engine]
		if !ok {
			i = len(groups)
			index[row.Engine] = i
			groups = append(groups, Group{Engine: row.Engine})
		}
		groups[i].Rows = append(groups[i].Rows, row)
	}
	return groups
}

// Targeted returns the rows that have a target.
func (r Report) Targeted() []Row {
	var rows []Row
	for _, row := range r.Rows {
		if row.Target.Limit != 0 {
			rows = append(rows, row)
		}
	}
	return rows
}

// Compared returns the rows that have a ratio.
func (r Report) Compared() []Row {
	var rows []Row
	for _, row := range r.Rows {
		if row.Against != "" {
			rows = append(rows, row)
		}
	}
	return rows
}
