package attack

import (
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/ktask/ktask/engine/docker"
)

// inPrepared reports whether tasks are to run in prepared containers, as in a part of `make soak`.
func inPrepared() bool { return os.Getenv("KTASK_PREPARED") != "" }

// preparedWithin is how long a container may take until it waits. Many tasks have none: see docs/speed.md.
const preparedWithin = 3 * time.Second

// twice runs a task with a pool, and once more when a container waits for it. It returns the outcome of the second run.
func twice(t *testing.T, dir, stdin string, args ...string) outcome {
	t.Helper()
	env := []string{"HOME=" + t.TempDir(), "CI="}
	t.Cleanup(func() { finish(t, command(t, dir, env, "clean")) })
	run := func() outcome {
		cmd := command(t, dir, env, append([]string{args[0], "--warm", "2"}, args[1:]...)...)
		cmd.Stdin = strings.NewReader(stdin)
		return finish(t, cmd)
	}
	waiting := func() string {
		ids, _ := exec.Command("docker", "ps", "--quiet", "--filter", "label=dev.ktask.task="+docker.WarmTask).Output()
		return string(ids)
	}
	before := waiting()
	first := run()
	for end := time.Now().Add(preparedWithin); waiting() == before; <-time.After(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Log("no container is prepared")
			return first
		}
	}
	t.Log("in a prepared container")
	return run()
}
