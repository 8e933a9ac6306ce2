package e2e

import (
	"os"
	"path/filepath"
	"testing"
)

// TestRunFailedTasksAgain fails a task, and runs it alone until it passes, with the output of each attempt in a file.
func TestRunFailedTasksAgain(t *testing.T) {
	dir := t.TempDir()
	task := func(name, command string) string {
		return "apiVersion: lifecycle.keptn.sh/v1\nkind: KeptnTaskDefinition\nmetadata: {name: " + name + "}\nspec: {container: {name: c, image: '" + busyboxImage + "', command: [sh, -c, '" + command + "']}}\n---\n"
	}
	if err := os.WriteFile(filepath.Join(dir, "tasks.yaml"), []byte(task("good", "echo fine")+task("bad", "echo $CODE >&2; exit $CODE")), 0o644); err != nil {
		t.Fatal(err)
	}
	in := func(args ...string) outcome { return startIn(t, dir, "", append([]string{binary}, args...)...).wait(t) }
	in("run", "--failed", "tasks.yaml").expect(t, 2)
	in("run", "tasks.yaml", "-e", "CODE=3", "--log-dir", "logs", "--retries", "1", "--backoff-scale", "0").expect(t, 1)
	for name, want := range map[string]string{"good-1.log": "fine\n", "bad-1.log": "3\n", "bad-2.log": "3\n"} {
		if got := readFile(t, filepath.Join(dir, "logs", name)); got != want {
			t.Errorf("%s has %q, want %q", name, got, want)
		}
	}
	if o := in("run", "--failed", "tasks.yaml", "-e", "CODE=0").expect(t, 0); o.stdout != "" {
		t.Errorf("another task ran: %q", o.stdout)
	}
	in("run", "--failed", "tasks.yaml").expect(t, 0)
}
