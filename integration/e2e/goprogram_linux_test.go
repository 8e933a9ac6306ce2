package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/integration/engines"
	"github.com/ktask/ktask/local"
)

// TestGoProgram runs the example of a Go program.
func TestGoProgram(t *testing.T) {
	cmd := exec.Command("go", "run", "./examples/go-program")
	cmd.Dir = filepath.Join("..", "..")
	out, err := cmd.CombinedOutput()
	if want := "Hello from Go, •••\ngreet passed\n"; err != nil || string(out) != want {
		t.Errorf("it prints %q, error %v; want %q", out, err, want)
	}
}

// TestSoakRunsInOneProcess makes many runs from one process, each with a guardian: after them it has no more goroutines and
// descriptors.
func TestSoakRunsInOneProcess(t *testing.T) {
	run := func() {
		o := local.FromEnv()
		o.Paths, o.Secrets, o.Guardian = []string{"../../examples/go-program"}, map[string]string{"token": "correct horse"}, binary
		result, err := local.Run(t.Context(), o)
		if err != nil || result.Status != engine.Passed || len(result.Warnings) > 0 {
			t.Fatalf("result %+v, error %v", result, err)
		}
	}
	run()
	settled := func() (goroutines, files int) {
		open, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Fatal(err)
		}
		return runtime.NumGoroutine(), len(open)
	}
	goroutines, files := settled()
	for range soak(10, 200) {
		run()
	}
	if g, f := 0, 0; !engines.Awaited(func() bool {
		g, f = settled()
		return g <= goroutines && f <= files
	}) {
		t.Fatalf("%d goroutines and %d descriptors, %d and %d before", g, f, goroutines, files)
	}
}
