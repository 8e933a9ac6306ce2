// Package e2e runs the real ktask, as a process, on a real engine with real deno, python and busybox.
//
// Some tests leave on the engine what a dead ktask left, to see who removes it. Every `ktask run` that ends on the same
// engine does, rightly: two runs of these tests at a time on one engine disturb each other.
package e2e

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/docker"
	"github.com/ktask/ktask/integration/engines"
)

// What `make images` builds in place of the published images.
const (
	denoImage    = "ktask.local/deno-runtime:dev"
	pythonImage  = "ktask.local/python-runtime:dev"
	busyboxImage = "ktask.local/busybox:dev"
	anyBusybox   = "busybox:1.36.1=" + busyboxImage
)

// lifetime is how long a test waits for the end of a ktask before it fails, however busy the machine is.
const lifetime = 5 * time.Minute

// binary is ktask, built with the race detector.
var binary string

// marks counts the processes that tests have started.
var marks atomic.Int64

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "ktask-e2e")
	if err != nil {
		panic(err)
	}
	binary = filepath.Join(dir, "ktask")
	if out, err := exec.Command("go", "build", "-race", "-o", binary, "github.com/ktask/ktask").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build ktask: %v\n%s", err, out)
		os.Exit(1)
	}
	// At its end a process with the race detector sleeps a second, which is as long as ktask waits for its guardian.
	if err := os.Setenv("GORACE", "atexit_sleep_ms=0 "+os.Getenv("GORACE")); err != nil {
		panic(err)
	}
	if err := os.Setenv("XDG_STATE_HOME", filepath.Join(dir, "state")); err != nil { // what runs record is not the user's
		panic(err)
	}
	code := m.Run()
	if err := os.RemoveAll(dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	os.Exit(code)
}

// soaking reports whether this is `make soak`.
func soaking() bool { return os.Getenv("KTASK_SOAK") != "" }

// soak is how often a test repeats itself: in `make soak` more often than in `make test`.
func soak(short, long int) int {
	if soaking() {
		return long
	}
	return short
}

// outcome is the exit code and the output of a ktask.
type outcome struct {
	code           int
	stdout, stderr string
	took           time.Duration
}

// process is a ktask that runs.
type process struct {
	*exec.Cmd
	stdout, stderr *buffer
	started        time.Time
	// mark is a variable in the environment of this ktask and of what it starts.
	mark string
	// ended is closed when ktask has ended and its output is complete; failed and took are set by then.
	ended  chan struct{}
	failed error
	took   time.Duration
}

// start starts ktask in the root of the project.
func start(t *testing.T, stdin string, args ...string) *process {
	t.Helper()
	return startIn(t, filepath.Join("..", ".."), stdin, append([]string{binary}, args...)...)
}

// startIn starts ktask in a directory. The command may be that of another program, which becomes ktask.
func startIn(t *testing.T, dir, stdin string, command ...string) *process {
	t.Helper()
	return startWith(t, dir, stdin, nil, command...)
}

// startTo starts ktask, whose output goes to a file, which it closes.
func startTo(t *testing.T, stdout *os.File, stdin string, args ...string) *process {
	t.Helper()
	defer func() { _ = stdout.Close() }()
	return startWith(t, filepath.Join("..", ".."), stdin, stdout, append([]string{binary}, args...)...)
}

func startWith(t *testing.T, dir, stdin string, stdout *os.File, command ...string) *process {
	t.Helper()
	p := &process{Cmd: exec.Command(command[0], command[1:]...), stdout: newBuffer(), stderr: newBuffer(), started: time.Now(), ended: make(chan struct{})}
	p.mark = fmt.Sprintf("KTASK_E2E=%d-%d", os.Getpid(), marks.Add(1))
	p.Dir = dir
	p.Env = append(os.Environ(), "FUNCTION_RUNNER_IMAGE="+denoImage, "PYTHON_RUNNER_IMAGE="+pythonImage, "GITHUB_ACTIONS=", "GITHUB_STEP_SUMMARY=", "GITHUB_WORKSPACE=", p.mark)
	p.Stdin, p.Stdout, p.Stderr = strings.NewReader(stdin), p.stdout, p.stderr
	if stdout != nil {
		p.Stdout = stdout
	}
	if err := p.Start(); err != nil {
		t.Fatalf("start ktask: %v", err)
	}
	go func() { // so that who waits for a text hears of the end
		defer close(p.ended)
		p.failed = p.Wait()
		p.took = time.Since(p.started)
		p.stdout.end()
		p.stderr.end()
	}()
	t.Cleanup(func() { // a test that has failed leaves no process, whose guardian then sees to the engine
		select {
		case <-p.ended:
		default:
			_ = p.Process.Kill()
			<-p.ended
		}
	})
	return p
}

// atWork waits until the task says that it is ready and the engine knows that it runs: output comes before.
func (p *process) atWork(t *testing.T) {
	t.Helper()
	if !p.stdout.await("ready") {
		t.Fatalf("the task did not start:\n%s", p.stderr)
	}
	engines.Await(t, "the engine reports that the task runs", func() bool { return slices.ContainsFunc(p.left(t), isRunning) })
}

func isRunning(l engine.Leftover) bool { return l.Running }

// wait waits for the end, and counts what the process left on the engine.
func (p *process) wait(t *testing.T) outcome {
	t.Helper()
	o := p.end(t)
	p.leavesNothing(t)
	return o
}

// end waits for the end.
func (p *process) end(t *testing.T) outcome {
	t.Helper()
	select {
	case <-p.ended:
	case <-time.After(lifetime):
		_ = p.Process.Signal(syscall.SIGQUIT) // it then tells what its goroutines wait for
		engines.Receive(t, p.ended, "the end of a ktask that is to tell of its goroutines")
		t.Fatalf("ktask %v does not end within %v\nstdout:\n%s\nstderr:\n%s", p.Args[1:], lifetime, p.stdout, p.stderr)
	}
	if _, exited := p.failed.(*exec.ExitError); p.failed != nil && !exited {
		t.Fatalf("wait for ktask: %v", p.failed)
	}
	o := outcome{p.ProcessState.ExitCode(), p.stdout.String(), p.stderr.String(), p.took}
	if strings.Contains(o.stderr, "DATA RACE") || strings.Contains(o.stderr, "goroutine ") {
		t.Errorf("ktask %v has a race or a panic:\n%s", p.Args[1:], o.stderr)
	}
	return o
}

// leavesNothing asks the engine for containers, volumes and networks with the labels of this process.
func (p *process) leavesNothing(t *testing.T) {
	t.Helper()
	for _, l := range p.left(t) {
		t.Errorf("ktask %v left %s %q on the engine", p.Args[1:], l.Kind, l.Name)
	}
}

// left returns what the run of this process has on the engine.
func (p *process) left(t *testing.T) []engine.Leftover {
	t.Helper()
	all, err := theEngine(t).Leftovers(context.Background(), "")
	if err != nil {
		t.Fatalf("engine (make engine images): %v", err)
	}
	return slices.DeleteFunc(all, func(l engine.Leftover) bool {
		pid, began, _ := strings.Cut(l.Labels.Owner, " ")
		at, err := time.Parse(time.RFC3339Nano, began)
		// Ids are given anew: a kept container of another ktask may have had this one's.
		return err != nil || pid != strconv.Itoa(p.Process.Pid) || at.Before(p.started)
	})
}

// theEngine is the one on which ktask runs.
func theEngine(t *testing.T) *docker.Engine {
	t.Helper()
	e, err := docker.New(docker.Options{DefaultHost: os.Getenv("DOCKER_HOST")})
	if err != nil {
		t.Fatalf("engine (make engine images): %v", err)
	}
	t.Cleanup(func() { _ = e.Close() })
	return e
}

// ktask runs ktask to its end.
func ktask(t *testing.T, stdin string, args ...string) outcome {
	t.Helper()
	return start(t, stdin, args...).wait(t)
}

// expect fails the test if the exit code is another one.
func (o outcome) expect(t *testing.T, code int) outcome {
	t.Helper()
	if o.code != code {
		t.Fatalf("exit code %d, want %d\nstdout:\n%s\nstderr:\n%s", o.code, code, o.stdout, o.stderr)
	}
	return o
}

// python is the manifest of a python task; extra lines go into its spec.
func python(code string, extra ...string) string {
	return manifest("python", "    inline:\n      code: |\n        "+strings.ReplaceAll(code, "\n", "\n        "), extra)
}

func manifest(kind, runner string, extra []string) string {
	text := "apiVersion: lifecycle.keptn.sh/v1\nkind: KeptnTaskDefinition\nmetadata: {name: hi}\nspec:\n  " + kind + ":\n" + runner + "\n"
	for _, line := range extra {
		text += "  " + line + "\n"
	}
	return text
}

func (p *process) signal(t *testing.T, s syscall.Signal) {
	t.Helper()
	if err := p.Process.Signal(s); err != nil {
		t.Fatalf("signal ktask: %v", err)
	}
}
