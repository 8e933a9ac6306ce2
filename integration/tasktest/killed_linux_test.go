package tasktest_test

import (
	"bufio"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/testcontainers/testcontainers-go"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/integration/engines"
	"github.com/ktask/ktask/integration/tasktest"
	"github.com/ktask/ktask/local"
)

// suiteRun is the variable that makes a test the suite that the test has started. Its value is the id of a run.
const suiteRun = "KTASK_TEST_SUITE_RUN"

// suitePanics is the variable that makes the suite panic when its task is ready, and keep nothing, which is the default.
const suitePanics = "KTASK_TEST_SUITE_PANICS"

const withoutRyuk = "TESTCONTAINERS_RYUK_DISABLED=true"

// TestKilled kills a suite in the middle of a task. Ryuk removes what is left; without Ryuk, the next run does.
func TestKilled(t *testing.T) {
	if run := os.Getenv(suiteRun); run != "" {
		keep := local.Keep("")
		if os.Getenv(suitePanics) != "" {
			keep = "never"
		}
		tasktest.Run(t, "testdata/wait.yaml", tasktest.Configure(func(o *local.Options) { o.EngineOptions.Keep = keep }), onReady(run, func() {
			if keep == "never" {
				panic("a test panics in another goroutine")
			}
		}))
		return
	}
	t.Setenv("XDG_RUNTIME_DIR", t.TempDir()) // other runs of this machine must not remove what is left
	t.Run("with Ryuk", func(t *testing.T) {
		run := kill(t)
		engines.Await(t, "Ryuk removes everything", func() bool { return left(t, run) == 0 })
	})
	t.Run("panic", func(t *testing.T) {
		run := kill(t, suitePanics+"=yes")
		engines.Await(t, "Ryuk removes everything", func() bool { return left(t, run) == 0 })
	})
	t.Run("without Ryuk", func(t *testing.T) {
		run := kill(t, withoutRyuk)
		before := left(t, run)
		next := local.FromEnv() // this process has Ryuk
		next.Paths = []string{"testdata/exit.yaml"}
		r, err := local.Run(t.Context(), next)
		if r.Removed != before || before == 0 || err != nil {
			t.Errorf("the next run removes %d of %d, error %v", r.Removed, before, err)
		}
		if n := left(t, run); n > 0 {
			t.Errorf("%d are left", n)
		}
	})
}

// TestRyukWaits starts and ends another container of the suite while a task runs: Ryuk must not remove what the task uses.
func TestRyukWaits(t *testing.T) {
	if os.Getenv(suiteRun) == "" {
		t.Parallel()
		if out, err := suite(engine.NewRunID(), "TestRyukWaits").CombinedOutput(); err != nil {
			t.Errorf("%v: %s", err, out)
		}
		return
	}
	start := func() {
		c, err := testcontainers.Run(t.Context(), "ktask.local/busybox:dev", testcontainers.WithCmd("sleep", "100000"))
		if err == nil {
			err = testcontainers.TerminateContainer(c, testcontainers.StopTimeout(0))
		}
		if err != nil {
			t.Error(err)
		}
	}
	tasktest.Run(t, "testdata/wait.yaml", onReady(os.Getenv(suiteRun), start), tasktest.Timeout(5*time.Second), tasktest.Expect(tasktest.TimedOut))
	engines.Await(t, "the connection to Ryuk ends", func() bool {
		stacks := make([]byte, 1<<20)
		return !strings.Contains(string(stacks[:runtime.Stack(stacks, true)]), "(*Reaper)")
	})
}

// TestSetUp runs suites without an engine, without the image of Ryuk, and without both Ryuk and a limit of time.
func TestSetUp(t *testing.T) {
	if os.Getenv(suiteRun) != "" {
		t.Setenv("TESTCONTAINERS_HUB_IMAGE_NAME_PREFIX", "127.0.0.1:1") // no registry is there
		tasktest.Run(t, "testdata/exit.yaml")
		return
	}
	t.Parallel()
	noEngine := suite(engine.NewRunID(), "TestSetUp", withoutRyuk)
	noEngine.Args = append([]string{"unshare", "--mount", "sh", "-c", `mount -t tmpfs none /run && "$@"`, "sh"}, noEngine.Args...)
	noEngine.Path = "/usr/bin/unshare"
	for _, test := range []struct {
		suite *exec.Cmd
		want  string
	}{
		{noEngine, "testdata/exit.yaml: find a container engine: "},
		{suite(engine.NewRunID(), "TestSetUp"), "testdata/exit.yaml: connect to Ryuk, which removes what a killed suite leaves (do without it: " + withoutRyuk + "): "},
		{suite(engine.NewRunID(), "TestSetUp", withoutRyuk), "--- PASS: TestSetUp"},
	} {
		out, err := test.suite.CombinedOutput()
		if passes := strings.Contains(test.want, "PASS"); passes != (err == nil) || !strings.Contains(string(out), test.want) {
			t.Errorf("error %v, want %q:\n%s", err, test.want, out)
		}
	}
}

// suite returns processes that run a test as a suite with a Ryuk that waits for a second only. The session of a suite is that
// of its parent process, so each suite has a shell as its parent: its session must not begin when that of another one ends.
func suite(run, test string, environment ...string) *exec.Cmd {
	s := exec.Command("sh", "-c", `"$@"; exit "$?"`, "suite", os.Args[0], "-test.run=^"+test+"$", "-test.v")
	s.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	s.Env = append(append(os.Environ(), suiteRun+"="+run, "RYUK_RECONNECTION_TIMEOUT=1s"), environment...)
	return s
}

// kill starts a suite, kills it when its task is ready, and returns the id of its run.
func kill(t *testing.T, environment ...string) (run string) {
	t.Helper()
	run = engine.NewRunID()
	suite := suite(run, "TestKilled", environment...)
	out, err := suite.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := suite.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = syscall.Kill(-suite.Process.Pid, syscall.SIGKILL)
		_ = suite.Wait()
	}()
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if strings.HasSuffix(lines.Text(), "wait | ready") {
			n := left(t, run) // Ryuk waits for a second at least
			t.Logf("killed with %d containers and volumes", n)
			if n == 0 {
				t.Error("the suite has nothing on the engine")
			}
			return run
		}
	}
	t.Fatal("the suite ends before its task is ready")
	return ""
}
