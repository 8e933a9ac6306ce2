package tasktest_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/testcontainers/testcontainers-go"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/local"
)

// registry is where the images of the tests come from, or would come from.
const registry = "ktask.local"

// TestMain names the image of Ryuk that `make images` builds, so that testcontainers-go finds it without a registry.
func TestMain(m *testing.M) {
	if os.Getenv("TESTCONTAINERS_RYUK_DISABLED") != "true" {
		//lint:ignore SA1019 only this variable has the name
		ryuk := registry + "/" + testcontainers.ReaperDefaultImage
		if out, err := exec.Command("docker", "image", "tag", registry+"/reaper:dev", ryuk).CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "name the image of Ryuk (make images): %v: %s", err, out)
			os.Exit(1)
		}
		_ = os.Setenv("TESTCONTAINERS_HUB_IMAGE_NAME_PREFIX", registry)
	}
	os.Exit(m.Run())
}

// fakeTest records what a test logs and how it fails.
type fakeTest struct {
	testing.TB
	ctx      context.Context
	mu       sync.Mutex
	log      []string
	failure  string
	cleanups []func()
}

func (f *fakeTest) Helper()                  {}
func (f *fakeTest) Context() context.Context { return f.ctx }
func (f *fakeTest) Cleanup(do func())        { f.cleanups = append(f.cleanups, do) }

func (f *fakeTest) Logf(format string, args ...any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.log = append(f.log, fmt.Sprintf(format, args...))
}

func (f *fakeTest) Fatalf(format string, args ...any) {
	f.failure = fmt.Sprintf(format, args...)
	runtime.Goexit()
}

// logged reports whether a line was logged.
func (f *fakeTest) logged(line string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return strings.Contains(strings.Join(f.log, "\n"), line)
}

// try runs a test in a fakeTest whose context is ctx.
func try(t *testing.T, ctx context.Context, test func(testing.TB)) *fakeTest {
	t.Helper()
	f := &fakeTest{TB: t, ctx: ctx}
	over := make(chan struct{})
	go func() {
		defer close(over)
		test(f)
	}()
	<-over
	for _, do := range f.cleanups {
		do()
	}
	return f
}

// left returns how many containers and volumes a run has on the engine.
func left(t testing.TB, run string) (n int) {
	t.Helper()
	onEngine(t, func(c engine.Cleaner) error {
		all, err := c.Leftovers(context.WithoutCancel(t.Context()), run)
		n = len(all)
		return err
	})
	return n
}

// remove removes what a run has kept.
func remove(t testing.TB, kept []engine.Leftover) {
	t.Helper()
	for _, k := range kept {
		onEngine(t, func(c engine.Cleaner) error { return c.Remove(context.WithoutCancel(t.Context()), k) })
	}
}

func onEngine(t testing.TB, do func(engine.Cleaner) error) {
	t.Helper()
	e, err := local.NewEngine(local.FromEnv().EngineOptions)
	if err != nil {
		t.Fatal(err)
	}
	defer local.CloseEngine(e)
	if err := do(e.(engine.Cleaner)); err != nil {
		t.Fatal(err)
	}
}
