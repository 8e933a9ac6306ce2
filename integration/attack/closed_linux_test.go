package attack

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	cli "github.com/ktask/ktask/command"
	"github.com/ktask/ktask/local"
)

// TestCommandsCloseTheirEngines calls ktask many times within one process, which a program that is no command would starve.
func TestCommandsCloseTheirEngines(t *testing.T) {
	task := filepath.Join(t.TempDir(), "task.yaml")
	write(t, filepath.Dir(task), "task.yaml", `
apiVersion: lifecycle.keptn.sh/v1
kind: KeptnTaskDefinition
metadata: {name: t}
spec: {container: {name: c, image: `+busyboxImage+`, command: ["true"]}}
`)
	call := func(args ...string) {
		var stderr bytes.Buffer
		code := cli.Main(context.Background(), cli.App{
			In: &bytes.Buffer{}, Out: &bytes.Buffer{}, Err: &stderr,
			NewEngine: local.NewEngine,
		}, args)
		if code != 0 {
			t.Fatalf("ktask %q: exit code %d\n%s", args, code, stderr.String())
		}
	}
	used := func() (goroutines, files int) {
		open, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Fatal(err)
		}
		return runtime.NumGoroutine(), len(open)
	}
	call("clean", "--dry-run") // what is made once in a process is there now
	goroutines, files := used()
	for range 10 {
		call("clean", "--dry-run")
		call("run", task)
	}
	moreGoroutines, moreFiles := 0, 0
	for tick, limit := time.NewTicker(10*time.Millisecond), time.After(10*time.Second); ; {
		if moreGoroutines, moreFiles = used(); moreGoroutines <= goroutines && moreFiles <= files {
			return
		}
		select {
		case <-tick.C: // what is closed ends in its own time
		case <-limit:
			t.Fatalf("%d goroutines and %d descriptors, %d and %d before", moreGoroutines, moreFiles, goroutines, files)
		}
	}
}
