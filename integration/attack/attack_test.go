// Package attack runs the real ktask against those who mean it harm: tasks, manifests, files of a repository, and
// engines. Each test is an attack that succeeded once, or a relative of one; SECURITY.md has the promise that it is about.
package attack

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// What `make images` builds in place of the published images.
const (
	denoImage    = "ktask.local/deno-runtime:dev"
	pythonImage  = "ktask.local/python-runtime:dev"
	busyboxImage = "ktask.local/busybox:dev"
)

// patience is how long a ktask may take before the test fails. Nothing takes this long, however busy the machine is.
const patience = 3 * time.Minute

// binary is ktask.
var binary string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "ktask-attack")
	if err != nil {
		panic(err)
	}
	binary = filepath.Join(dir, "ktask")
	if out, err := exec.Command("go", "build", "-o", binary, "github.com/ktask/ktask").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build ktask: %v\n%s", err, out)
		os.Exit(1)
	}
	if err := os.Setenv("XDG_STATE_HOME", filepath.Join(dir, "state")); err != nil { // what runs record is not the user's
		panic(err)
	}
	if inPrepared() {
		pools := filepath.Join(dir, "run")
		if err := errors.Join(os.Mkdir(pools, 0o700), os.Setenv("XDG_RUNTIME_DIR", pools)); err != nil {
			panic(err)
		}
	}
	code := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// outcome is the exit code and the output of a ktask.
type outcome struct {
	code           int
	stdout, stderr string
}

// command is a ktask in a directory, with a home of its own and with variables on top of the test's.
func command(t *testing.T, dir string, env []string, args ...string) *exec.Cmd {
	t.Helper()
	home := t.TempDir()
	cmd := exec.Command(binary, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "HOME="+home, "XDG_CONFIG_HOME="+filepath.Join(home, ".config"), "GITHUB_ACTIONS=",
		"FUNCTION_RUNNER_IMAGE="+denoImage, "PYTHON_RUNNER_IMAGE="+pythonImage)
	cmd.Env = append(cmd.Env, env...)
	return cmd
}

// ktask runs ktask to its end.
func ktask(t *testing.T, dir, stdin string, args ...string) outcome {
	t.Helper()
	if inPrepared() && args[0] == "run" {
		return twice(t, dir, stdin, args...)
	}
	cmd := command(t, dir, nil, args...)
	cmd.Stdin = strings.NewReader(stdin)
	return finish(t, cmd)
}

// finish runs a command to its end, which has to come.
func finish(t *testing.T, cmd *exec.Cmd) outcome {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Start(); err != nil {
		t.Fatalf("start ktask: %v", err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case err := <-ended:
		if _, exited := errors.AsType[*exec.ExitError](err); err != nil && !exited {
			t.Fatalf("wait for ktask: %v", err)
		}
	case <-time.After(patience):
		_ = cmd.Process.Kill()
		<-ended
		t.Fatalf("ktask %v does not end within %v\nstdout:\n%s\nstderr:\n%s", cmd.Args[1:], patience, stdout.String(), stderr.String())
	}
	return outcome{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}

// expect fails the test if the exit code is another one.
func (o outcome) expect(t *testing.T, code int) outcome {
	t.Helper()
	if o.code != code {
		t.Fatalf("exit code %d, want %d\nstdout:\n%s\nstderr:\n%s", o.code, code, o.stdout, o.stderr)
	}
	return o
}

// says fails the test if stderr lacks one of the texts.
func (o outcome) says(t *testing.T, texts ...string) outcome {
	t.Helper()
	for _, text := range texts {
		if !strings.Contains(o.stderr, text) {
			t.Errorf("stderr lacks %q:\n%s", text, o.stderr)
		}
	}
	return o
}

// write makes a file of a test's directory.
func write(t *testing.T, dir, name, content string) {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}
