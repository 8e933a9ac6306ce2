package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/ktask/ktask/integration/engines"
)

// watched returns two tasks, each with a script of its own.
func watched(one, two string) string {
	task := func(name, script string) string {
		return strings.Replace(manifest("container", "    name: c\n    image: "+busyboxImage+"\n    imagePullPolicy: IfNotPresent\n    command: [sh, -c, '"+script+"']", nil), "name: hi", "name: "+name, 1)
	}
	return task("one", one) + "---\n" + task("two", two)
}

// TestWatch changes manifests, a parameter file and a mounted source, and looks at what runs again.
func TestWatch(t *testing.T) {
	t.Setenv("XDG_RUNTIME_DIR", filepath.Dir(engines.Socket(t)))
	t.Setenv("CI", "true")
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	for _, d := range []string{"tasks", "source"} {
		if err := os.Mkdir(in(d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	write(t, in("tasks/a.yaml"), watched("echo first", "echo other"))
	write(t, in("source/data"), "x")
	p := start(t, "", "run", "--watch", "-j", "1", "--report", in("report.json"), "--mount", in("source")+":/source", in("tasks"))
	waits := 0
	idle := func(want string) (said string) {
		t.Helper()
		waits++
		if !p.stderr.awaitCount("waiting for a change", waits) {
			t.Fatalf("it does not wait for a change:\n%s", p.stderr)
		}
		said = p.stderr.String()
		said = said[strings.LastIndex(said[:strings.LastIndex(said, "ktask: waiting")-1], "waiting for a change")+1:]
		if !strings.Contains(said, want) {
			t.Errorf("%q is not in\n%s", want, said)
		}
		return said
	}
	idle("2 tasks: 2 passed")
	write(t, in("tasks/a.yaml"), "# moved\n"+watched("echo first; exit 3", "echo other"))
	if said := idle("one   failed"); strings.Contains(said, "two  ") || !strings.Contains(said, "ktask: changed: a.yaml (last run: 2 passed)") {
		t.Errorf("after a change of one task:\n%s", said)
	}
	write(t, in("tasks/a.yaml"), "# moved again\n# and again\n"+watched("echo first; exit 3", "echo other"))
	idle("ktask: the change affects no task")
	write(t, in("tasks/a.yaml"), "kind: [")
	idle("nothing to run")
	write(t, in("tasks/a.yaml"), watched("echo begun; sleep 100000", "echo other"))
	if !p.stdout.await("begun") {
		t.Fatalf("the task did not start:\n%s", p.stderr)
	}
	write(t, in("tasks/a.yaml"), watched("echo last", "echo other"))
	idle("one   passed")
	write(t, in("source/data"), "y")
	idle("2 tasks: 2 passed")
	p.signal(t, syscall.SIGINT)
	p.wait(t).expect(t, 130)
	if left := p.left(t); len(left) > 0 {
		t.Errorf("left on the engine: %+v", left)
	}

	o := ktask(t, watched("true", "true"), "run", "--watch", "-").expect(t, 2)
	if !strings.Contains(o.stderr, "--watch needs files") {
		t.Errorf("stderr:\n%s", o.stderr)
	}
}

// TestWatchOnATerminal: a rerun begins on an empty screen, with the last result on top.
func TestWatchOnATerminal(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "a.yaml")
	write(t, file, watched("echo first", "exit 4"))
	w := openWindow(t, 80, 24, "run", "--watch", file)
	w.shows("waiting for a change")
	for i := range 2 {
		write(t, file, watched(fmt.Sprint("echo again", i), "exit 4"))
		all := w.shows(fmt.Sprint("again", i, "\n\nTASK"))
		if want := []string{"ktask: changed: a.yaml (last run: 1 passed, 1 failed)\n", "ktask: changed: a.yaml (last run: 1 passed)\n"}[i]; !strings.HasPrefix(all, want) {
			t.Errorf("it shows\n%s", all)
		}
		w.shows("waiting for a change")
	}
	w.tmux("send-keys", "C-c")
	w.shows("code 130")
}
