package attack

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/ktask/ktask/integration/engines"
)

// dockerSays runs the docker command and returns what it prints.
func dockerSays(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.CommandContext(context.WithoutCancel(t.Context()), "docker", args...).CombinedOutput()
	if err != nil {
		t.Fatalf("docker %v: %v: %s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

// there reports whether the engine has a container.
func there(container string) bool {
	return exec.Command("docker", "container", "inspect", container).Run() == nil
}

// passing is a task that passes at once: its run removes what is left of dead runs.
var passing = container(0, "true")

// kept runs a task that fails, and returns the name of its container and the id of its run. Nothing of it is left after the test.
func kept(t *testing.T) (name, run string) {
	t.Helper()
	o := ktask(t, t.TempDir(), container(0, "echo $$$$ >/found; test -e /again && sleep 600; touch /again; exit 1"), "run", "--keep", "failed", "-").expect(t, 1)
	_, after, _ := strings.Cut(o.stderr, "docker logs ")
	name, _, _ = strings.Cut(after, "\n")
	if !there(name) {
		t.Fatalf("no container is kept:\n%s", o.stderr)
	}
	run = dockerSays(t, "container", "inspect", "--format", `{{index .Config.Labels "dev.ktask.run"}}`, name)
	t.Cleanup(func() { _ = exec.Command("docker", "rm", "--force", name).Run() })
	return name, run
}

// TestKeptContainerIsItsUsers has a user who starts a container of --keep again to look into it: only
// `ktask clean` removes it, in any state.
func TestKeptContainerIsItsUsers(t *testing.T) {
	name, run := kept(t)
	for _, state := range []string{"exited", "running", "paused"} {
		switch state {
		case "running":
			dockerSays(t, "start", name)
		case "paused":
			dockerSays(t, "pause", name)
		}
		ktask(t, t.TempDir(), passing, "run", "-").expect(t, 0)
		if !there(name) {
			t.Fatalf("a run has removed a kept container that is %s", state)
		}
	}
	dockerSays(t, "unpause", name)
	if o := ktask(t, t.TempDir(), "", "clean", run).expect(t, 0); !strings.Contains(o.stdout, "removed container "+name) {
		t.Errorf("clean says:\n%s", o.stdout)
	}
	if there(name) {
		t.Error("clean has not removed what was kept")
	}
}

// TestInheritedLabelsProveNothing has a container of an image that was committed from a kept one, and containers that
// bear our labels in other ways: neither a run nor clean touches them.
func TestInheritedLabelsProveNothing(t *testing.T) {
	name, run := kept(t)
	image := fmt.Sprintf("ktask.local/committed-%d:dev", os.Getpid())
	dockerSays(t, "commit", name, image)
	t.Cleanup(func() { _ = exec.Command("docker", "rmi", "--force", image).Run() })
	var labels map[string]string
	if err := json.Unmarshal([]byte(dockerSays(t, "container", "inspect", "--format", "{{json .Config.Labels}}", name)), &labels); err != nil {
		t.Fatal(err)
	}
	foreign := map[string][]string{
		"of a committed image": {image},
		"with copied labels":   {busyboxImage},
		"with a similar name":  {"--name", strings.TrimSuffix(name, "-kept") + "-mine", busyboxImage},
	}
	var ids []string
	for what, args := range foreign {
		all := []string{"run", "--detach", "--network", "none", "--entrypoint", "sleep"}
		if what != "of a committed image" {
			for key, value := range labels {
				all = append(all, "--label", key+"="+value)
			}
		}
		id := dockerSays(t, append(append(all, args...), "600")...)
		t.Cleanup(func() { _ = exec.Command("docker", "rm", "--force", id).Run() })
		ids = append(ids, id)
	}
	dockerSays(t, "rm", "--force", name)
	ktask(t, t.TempDir(), passing, "run", "-").expect(t, 0)
	ktask(t, t.TempDir(), "", "clean", "--all", "--force", run).expect(t, 0)
	for _, id := range ids {
		if !there(id) {
			t.Errorf("container %.12s has been removed", id)
		}
	}
}

// atWork starts a ktask whose task lasts, through another program if one is given, and returns the container when it runs.
func atWork(t *testing.T, env []string, through ...string) (cmd *exec.Cmd, name string) {
	t.Helper()
	task := unique()
	cmd = command(t, t.TempDir(), env, "run", "--network", "none", "-")
	cmd.Stdin = strings.NewReader(named(task, container(0, "trap 'exit 0' TERM; sleep 600 & wait")))
	if len(through) > 0 {
		cmd.Path, cmd.Args = through[0], append(slices.Clone(through), cmd.Args...)
		cmd.Args[len(through)] = binary
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) // unshare itself takes no notice
		_ = cmd.Wait()
	})
	return cmd, running(t, task)
}

// tasks counts the tasks that have a name of their own.
var tasks atomic.Int64

// unique is a name that no other task on the engine has.
func unique() string { return fmt.Sprintf("task-%d-%d", os.Getpid(), tasks.Add(1)) }

// named is a manifest of container under another name.
func named(task, manifest string) string {
	return strings.Replace(manifest, "{name: task}", "{name: "+task+"}", 1)
}

// running waits until a task runs, and returns the name of its container.
func running(t *testing.T, task string) (name string) {
	t.Helper()
	engines.Await(t, "the task runs", func() bool {
		name = dockerSays(t, "ps", "--filter", "label=dev.ktask.task="+task, "--format", "{{.Names}}")
		return name != ""
	})
	return name
}

// TestCopiesOfOneMachine has two machines that are copies of each other, with one engine: they share the machine's id
// and its name, and have booted at different times, or count the time from different moments. What one of them runs is
// no leftover to the other.
func TestCopiesOfOneMachine(t *testing.T) {
	boot := filepath.Join(t.TempDir(), "boot_id")
	write(t, filepath.Dir(boot), "boot_id", "00000000-0000-4000-8000-000000000000\n")
	for name, through := range map[string][]string{
		"another boot":            {"/usr/bin/unshare", "--mount", "sh", "-c", "mount --bind " + boot + ` /proc/sys/kernel/random/boot_id; exec "$@"`, "sh"},
		"another time":            {"/usr/bin/unshare", "--time", "--boottime", "100000", "--fork"},
		"another process space":   {"/usr/bin/unshare", "--pid", "--fork", "--mount-proc"},
		"another name of machine": {"/usr/bin/unshare", "--uts", "sh", "-c", `hostname other; exec "$@"`, "sh"},
	} {
		t.Run(name, func(t *testing.T) {
			elsewhere := []string{"XDG_RUNTIME_DIR=" + t.TempDir(), "TMPDIR=" + t.TempDir()} // files of one machine are not the other's
			_, mine := atWork(t, nil)
			_, theirs := atWork(t, elsewhere, through...)
			for _, env := range [][]string{nil, elsewhere} {
				cmd := command(t, t.TempDir(), env, "run", "-")
				cmd.Stdin = strings.NewReader(passing)
				if env != nil {
					cmd.Path, cmd.Args = through[0], append(slices.Clone(through), append([]string{binary}, cmd.Args[1:]...)...)
				}
				finish(t, cmd).expect(t, 0)
			}
			finish(t, command(t, t.TempDir(), nil, "clean")) // also of what others have left here: it may fail with that
			for _, container := range []string{mine, theirs} {
				if !there(container) {
					t.Errorf("the container of a living run, %s, has been removed", container)
				}
			}
		})
	}
}

// inContainer starts a ktask in a container that has the engine's socket, as a CI job has it, and returns the outer
// container and the task's.
func inContainer(t *testing.T, flags ...string) (outer, inner string) {
	t.Helper()
	static := filepath.Join(t.TempDir(), "ktask")
	build := exec.Command("go", "build", "-o", static, "github.com/ktask/ktask")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build ktask: %v: %s", err, out)
	}
	dir := t.TempDir()
	task := unique()
	write(t, dir, "task.yaml", named(task, container(0, "trap '' TERM; sleep 600 & wait; wait")))
	outer = dockerSays(t, append([]string{"run", "--detach", "--network", "none", "--volume", "/var/run/docker.sock:/var/run/docker.sock",
		"--volume", static + ":/ktask:ro", "--volume", dir + ":/tasks:ro", "--entrypoint", "/ktask", busyboxImage, "run", "/tasks"}, flags...)...)
	t.Cleanup(func() { _ = exec.Command("docker", "rm", "--force", outer).Run() })
	inner = running(t, task)
	t.Cleanup(func() { _ = exec.Command("docker", "rm", "--force", "--volumes", inner).Run() })
	return outer, inner
}

// TestStoppedInAContainer has a CI job that is canceled: `docker stop` leaves ktask ten seconds, also with a task that
// takes no notice.
func TestStoppedInAContainer(t *testing.T) {
	outer, inner := inContainer(t)
	dockerSays(t, "stop", "--time", "10", outer)
	if code := dockerSays(t, "wait", outer); code != "143" {
		t.Errorf("ktask has ended with %s: %s", code, dockerSays(t, "logs", outer))
	}
	if there(inner) {
		t.Error("the task is still there")
	}
}

// TestKilledInAContainer kills a CI job with everything in it. No process of another container can prove that
// it is dead, so its age decides: the task's timeout and what is added to it.
func TestKilledInAContainer(t *testing.T) {
	outer, inner := inContainer(t, "--timeout", "17s", "--grace", "1s")
	// The guardian first: it may be quicker than the kernel, which ends it together with ktask.
	dockerSays(t, "exec", outer, "sh", "-c", "for p in $(pidof ktask); do test $p = 1 || kill -9 $p; done")
	dockerSays(t, "kill", outer)
	ktask(t, t.TempDir(), passing, "run", "-").expect(t, 0)
	if !there(inner) {
		t.Fatal("a task of which nobody can know that it is dead has been removed")
	}
	label := dockerSays(t, "container", "inspect", "--format", `{{index .Config.Labels "dev.ktask.lifetime"}}`, inner)
	if label != "318" { // 17 s, 1 s and five minutes
		t.Errorf("it may live for %q seconds", label)
	}
}
