package attack

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ktask/ktask/engine/docker"
	"github.com/ktask/ktask/integration/engines"
)

// warmEnv returns variables that give ktasks a pool that no others have. The pool is gone at the end of the test.
func warmEnv(t *testing.T) (env []string) {
	t.Helper()
	env = []string{"XDG_RUNTIME_DIR=" + filepath.Dir(engines.Socket(t)), "HOME=" + t.TempDir(), "CI="} // a pool is for one configuration of docker
	t.Cleanup(func() { finish(t, command(t, t.TempDir(), env, "clean")) })
	return env
}

// runs runs a task with a pool, and returns its outcome.
func runs(t *testing.T, env []string, manifest string, args ...string) outcome {
	t.Helper()
	cmd := command(t, t.TempDir(), env, append([]string{"run", "--warm", "1", "-"}, args...)...)
	cmd.Stdin = strings.NewReader(manifest)
	return finish(t, cmd)
}

// isWaiting waits until a container in a working directory waits, and returns its id.
func isWaiting(t *testing.T, dir string) (id string) {
	t.Helper()
	engines.Await(t, "a container waits", func() bool {
		for _, one := range strings.Fields(dockerSays(t, "ps", "--quiet", "--no-trunc", "--filter", "label=dev.ktask.task="+docker.WarmTask)) {
			found, _ := exec.Command("docker", "container", "inspect", "--format", "{{.Config.WorkingDir}}", one).Output() // it may be gone
			if strings.TrimSpace(string(found)) == dir {
				id = one
			}
		}
		return id != ""
	})
	return id
}

// taking runs a task until a container that waited becomes it: a busy machine may be too slow for that.
func taking(t *testing.T, env []string, dir, manifest string, args ...string) (o outcome) {
	t.Helper()
	engines.Await(t, "a task runs in a container that waited", func() bool {
		id := isWaiting(t, dir)
		o = runs(t, env, manifest, args...).expect(t, 0)
		return strings.Contains(o.stdout, id[:12])
	})
	return o
}

// TestPreparedWithMoreRights has a container that waits with the rights that one task was allowed: a task that was not does not
// get it. A task that was sees nothing of the one before.
func TestPreparedWithMoreRights(t *testing.T) {
	env, dir := warmEnv(t), "/"+unique()
	const look = "hostname; grep CapEff /proc/self/status; env; ls -a /; cat /proc/*/environ /proc/*/cmdline"
	less := container(0, look, "workingDir: "+dir)
	more := strings.Replace(less, "{drop: [ALL]}, allowPrivilegeEscalation: false", "{add: [SYS_ADMIN]}", 1)
	secret := strings.Replace(more, "args:", "env: [{name: OWN, value: of-the-first}]\n    args:", 1)
	if o := runs(t, env, secret, "--allow", "capabilities").expect(t, 0); !strings.Contains(o.stdout, "of-the-first") {
		t.Fatalf("the attack does not begin:\n%s", o.stdout)
	}
	if o := taking(t, env, dir, more, "--allow", "capabilities"); strings.Contains(o.stdout, "of-the-first") || strings.Contains(o.stdout, ".ktask-") {
		t.Errorf("a task sees something of the one before:\n%s", o.stdout)
	}
	id := isWaiting(t, dir)
	if o := runs(t, env, less).expect(t, 0); !strings.Contains(o.stdout, "CapEff:\t0000000000000000") || strings.Contains(o.stdout, id[:12]) {
		t.Errorf("a task has the rights of another one:\n%s", o.stdout)
	}
}

// TestPoolOfAnother has a container that waits for another user of the engine: nobody else's run or clean touches it.
func TestPoolOfAnother(t *testing.T) {
	theirs, ours, dir := warmEnv(t), warmEnv(t), "/"+unique()
	task := container(0, "hostname", "workingDir: "+dir)
	runs(t, theirs, task).expect(t, 0)
	id := isWaiting(t, dir)
	cmd := command(t, t.TempDir(), ours, "run", "-")
	cmd.Stdin = strings.NewReader(task)
	o := finish(t, cmd).expect(t, 0)
	finish(t, command(t, t.TempDir(), ours, "clean")) // it may fail with what others have left
	if strings.Contains(o.stdout, id[:12]) || !there(id) {
		t.Errorf("the container %s was taken or removed by another user:\n%s", id, o.stdout)
	}
	taking(t, theirs, dir, task)
}
