package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// BenchmarkRun measures a `ktask run` of a trivial busybox task against `docker run --rm` of the same container, in
// turn, so that a noisy machine disturbs both alike. It reports the medians and their ratio: what ktask adds,
// or saves.
func BenchmarkRun(b *testing.B) {
	dir := b.TempDir()
	ktask := filepath.Join(dir, "ktask")
	build := exec.Command("go", "build", "-trimpath", "-o", ktask, "github.com/ktask/ktask")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		b.Fatalf("build ktask: %v\n%s", err, out)
	}
	task := filepath.Join(dir, "task.yaml")
	text := manifest("container", "    name: c\n    image: "+busyboxImage+"\n    imagePullPolicy: IfNotPresent\n    command: [echo, hello]", nil)
	if err := os.WriteFile(task, []byte(text), 0o600); err != nil {
		b.Fatal(err)
	}
	var ours, theirs []time.Duration
	for b.Loop() {
		ours = append(ours, measure(b, ktask, "run", task))
		theirs = append(theirs, measure(b, "docker", "run", "--rm", "--entrypoint", "echo", busyboxImage, "hello"))
	}
	a, d := median(ours), median(theirs)
	b.ReportMetric(float64(a.Microseconds())/1000, "ktask-ms")
	b.ReportMetric(float64(d.Microseconds())/1000, "docker-ms")
	b.ReportMetric(float64(a)/float64(d), "ktask/docker")
	b.ReportMetric(0, "ns/op")
}

func measure(b *testing.B, name string, args ...string) time.Duration {
	b.Helper()
	start := time.Now()
	out, err := exec.Command(name, args...).Output()
	took := time.Since(start)
	if err != nil || string(out) != "hello\n" {
		b.Fatalf("%s %v: %q, %v", name, args, out, err)
	}
	return took
}

func median(all []time.Duration) time.Duration {
	slices.Sort(all)
	return all[len(all)/2]
}
