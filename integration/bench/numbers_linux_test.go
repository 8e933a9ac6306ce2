package bench

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

var rounds = flag.Int("rounds", 20, "how often each command runs; those that take long run less often")

// experiments are what BenchmarkNumbers does, in the order of the page.
var experiments = []struct {
	name string
	make func(*testing.B, *lab) experiment
}{
	{"cold", cold}, {"warm", warm}, {"deno", deno}, {"python", python}, {"again", again}, {"fan-true", fanTrue}, {"fan-sleep", fanSleep}, {"fan-warm", fanWarm},
	{"output-64", output64}, {"output-1024", output1024}, {"today", today}, {"podman", podman},
	{"start-up", startUp}, {"validate", validate}, {"plan", plan}, {"masker", masker}, {"size", size},
}

// BenchmarkNumbers does all experiments and writes docs/performance.md and its plot. If only some are chosen, or one fails, it
// prints their rows and writes nothing. It is started by `make bench`.
func BenchmarkNumbers(b *testing.B) {
	ctx, stop := signal.NotifyContext(b.Context(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	report := Report{Date: time.Now().Format(time.DateOnly), System: runtime.GOOS + "/" + runtime.GOARCH, Cores: runtime.NumCPU(), Load: load(b)}
	var lastMinute float64
	if _, err := fmt.Sscanf(report.Load, "%g,", &lastMinute); err != nil {
		b.Fatal(err)
	}
	report.Busy = lastMinute > 1.5
	l := newLab(ctx, b, *rounds)
	report.Version, report.Client = l.version, l.output(b, "docker", "version", "--format", "{{.Client.Version}}")
	ran := 0
	for _, e := range experiments {
		if reason := missing(e.name); reason != "" {
			report.LeftOut = append(report.LeftOut, e.name+": "+reason)
			continue
		}
		b.Run(e.name, func(b *testing.B) {
			rows, err := e.make(b, l).measure(ctx, l.meter, *rounds)
			if err != nil {
				b.Fatal(err)
			}
			for _, row := range rows {
				fmt.Fprintf(os.Stderr, "%s: %s\n", e.name, row)
			}
			report.Rows = append(report.Rows, rows...)
			b.ReportMetric(0, "ns/op")
			ran++
		})
	}
	if ran == 0 && !b.Failed() {
		b.Fatal("no experiment has the name in ONLY: see the table experiments in numbers_linux_test.go")
	}
	if ran+len(report.LeftOut) == len(experiments) {
		write(b, "performance.md", report.Page)
		write(b, "performance.svg", report.Plot)
	}
}

// missing returns why an experiment cannot be done on this machine, or "".
func missing(experiment string) string {
	if experiment != "podman" && experiment != "today" {
		return ""
	}
	if os.Geteuid() != 0 {
		return "an engine of its own needs root"
	}
	if experiment == "podman" {
		if _, err := exec.LookPath("podman"); err != nil {
			return "podman is not installed"
		}
	}
	return ""
}

func load(b *testing.B) string {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		b.Fatal(err)
	}
	return strings.Join(strings.Fields(string(text))[:3], ", ")
}

func write(b *testing.B, name string, render func() ([]byte, error)) {
	text, err := render()
	if err == nil {
		err = os.WriteFile(filepath.Join("..", "..", "docs", name), text, 0o644)
	}
	if err != nil {
		b.Fatal(err)
	}
}
