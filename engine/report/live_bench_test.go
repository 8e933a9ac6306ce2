package report_test

import (
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/report"
)

// BenchmarkLive writes lines of 100 bytes of 60 running tasks, each followed by a flush, as if a task wrote slowly enough for the
// sink to wait for each line. It reports the share of a processor that 1 MB/s of that takes.
func BenchmarkLive(b *testing.B) {
	var names []string
	for i := range 60 {
		names = append(names, fmt.Sprintf("task-%02d", i))
	}
	live := report.NewLive(io.Discard, io.Discard, report.Options{
		Tasks: names, OutColor: true, DiagColor: true, OutTerminal: true, Size: func() (columns, rows int) { return 120, 40 },
	})
	live.Start()
	defer func() { _ = live.Close() }()
	start := time.Now()
	for _, name := range names {
		live.Emit(engine.TaskStarted{Header: engine.Header{Time: start, Task: name}})
	}
	line := strings.Repeat("0123456789", 10)
	at := start.Add(time.Second)
	lines := 0
	for b.Loop() {
		at = at.Add(100 * time.Microsecond)
		live.Emit(engine.OutputLine{Header: engine.Header{Time: at, Task: names[lines%len(names)]}, Stream: engine.Stdout, Line: line})
		live.Flush()
		lines++
	}
	const perSecond = 1e6 / 100
	b.ReportMetric(b.Elapsed().Seconds()/float64(lines)*perSecond*100, "%core")
}
