package bench

import (
	"bytes"
	"flag"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestInterval compares with a table of the sign test: the ranks k for n values and 95 %.
func TestInterval(t *testing.T) {
	for n, k := range map[int]int{1: 0, 5: 0, 6: 1, 8: 1, 9: 2, 12: 3, 20: 6, 30: 10, 100: 40} {
		if got := rank(n); got != k {
			t.Errorf("rank(%d) = %d, want %d", n, got, k)
		}
	}
	var twenty []float64
	for i := range 20 {
		twenty = append(twenty, float64((i*7)%20+1)) // 1 to 20, mixed
	}
	for _, c := range []struct {
		values []float64
		want   Interval
	}{
		{nil, Interval{}},
		{[]float64{3}, Interval{3, 3, 3}},
		{[]float64{4, 1, 2, 30}, Interval{3, 1, 30}},
		{twenty, Interval{10.5, 6, 15}},
	} {
		if got := newInterval(c.values); got != c.want {
			t.Errorf("newInterval(%v) = %v, want %v", c.values, got, c.want)
		}
	}
}

func TestFormat(t *testing.T) {
	for _, c := range []struct {
		unit  Unit
		value float64
		want  string
	}{
		{Seconds, 0.0003541, "354 µs"}, {Seconds, 0.0051, "5.10 ms"}, {Seconds, 0.743, "743 ms"}, {Seconds, 12.34, "12.3 s"}, {Bytes, 21.6 * (1 << 20), "21.6 MiB"},
		{Bytes, 3900, "3.81 KiB"}, {BytesPerSecond, 4.6e6, "4.60 MB/s"},
	} {
		if got := c.unit.Format(c.value); got != c.want {
			t.Errorf("%v of unit %d is %q, want %q", c.value, c.unit, got, c.want)
		}
	}
}

// TestReached rounds as the page does: what it shows as 1.00 has reached 1.00.
func TestReached(t *testing.T) {
	for _, c := range []struct {
		median float64
		target Target
		want   bool
	}{
		{1.004, Target{Limit: 1}, true}, {1.006, Target{Limit: 1}, false}, {0.996, Target{Limit: 1, AtLeast: true}, true}, {0.99, Target{Limit: 1, AtLeast: true}, false},
	} {
		if got := (Row{Against: "x", Ratio: Interval{Median: c.median}, Target: c.target}).Reached(); got != c.want {
			t.Errorf("%v with %+v: %v, want %v", c.median, c.target, got, c.want)
		}
	}
}

// TestPageAndPlot renders rows of each kind.
func TestPageAndPlot(t *testing.T) {
	const engine = "Docker 20.10.24, API 1.41"
	fixed := func(v float64) Interval { return Interval{v, v * 0.9, v * 1.1} }
	r := Report{Date: "2024-05-01", Version: "v1.2.3", Client: "28.2.2", System: "linux/amd64", Cores: 2, Load: "9.10, 0.20, 0.30", Busy: true, LeftOut: []string{"podman: podman is not installed"}, Rows: []Row{
		{Engine: engine, Title: "echo: exit", Rounds: 20, Ours: fixed(0.8), Against: "`docker run <x>`", Theirs: fixed(0.75), Ratio: fixed(1.07), Target: Target{Limit: 1, Obstacle: "It starts a guardian."}},
		{Engine: engine, Title: "rate", Rounds: 5, Unit: BytesPerSecond, Ours: fixed(3e8), Against: "`docker run`", Theirs: fixed(2e8), Ratio: fixed(1.5), Target: Target{Limit: 1, AtLeast: true, Obstacle: "not printed"}},
		{Title: "validate 10,000", Rounds: 20, Ours: fixed(0.9), Target: Target{Limit: 1, Obstacle: "not printed"}},
		{Title: "fan-out", Rounds: 1, Ours: fixed(20), Against: "xargs", Theirs: fixed(40), Ratio: fixed(0.5), Target: Target{Limit: 0.6}},
		{Title: "size", Rounds: 1, Unit: Bytes, Ours: fixed(21.6 * (1 << 20))},
	}}
	for name, render := range map[string]func() ([]byte, error){"performance.md": r.Page, "performance.svg": r.Plot} {
		got, err := render()
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(got), "not printed") {
			t.Errorf("%s has the obstacle of a target that is reached", name)
		}
		golden := filepath.Join("testdata", name)
		if *update {
			if err := os.WriteFile(golden, got, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s differs from its golden file (make golden writes it anew):\n%s", name, got)
		}
	}
}

// TestPlotFits: the largest number and the largest interval are within the plot.
func TestPlotFits(t *testing.T) {
	p := newPlot([]Row{{Ratio: Interval{2, 1, 40}}, {Ratio: Interval{Median: 0.1, Low: 0.1, High: 0.1}, Target: Target{Limit: 50}}})
	for _, b := range p.Bars {
		for _, x := range []float64{b.Low, b.High, b.Target, b.Text + 40} {
			if x > float64(p.Width) || math.IsNaN(x) {
				t.Errorf("a bar of %+v ends at %v, beyond %d", b, x, p.Width)
			}
		}
	}
}
