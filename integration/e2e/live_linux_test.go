package e2e

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ktask/ktask/integration/engines"
)

// window is a terminal of tmux in which a command runs.
type window struct {
	t      *testing.T
	socket string
}

// openWindow runs ktask in a terminal of this size. The window stays open after it.
func openWindow(t *testing.T, columns, rows int, args ...string) *window {
	t.Helper()
	return openWindowOf(t, columns, rows, shellQuoted(append([]string{binary}, args...)))
}

// openWindowOf runs a command of a shell in a terminal of this size. The window stays open after it.
func openWindowOf(t *testing.T, columns, rows int, line string) *window {
	t.Helper()
	w := &window{t, filepath.Join(filepath.Dir(engines.Socket(t)), "tmux")}
	line += "; code=$?; stty sane; echo; echo code $code; exec cat" // a program that is killed may leave the terminal raw
	w.tmux("-f", "/dev/null", "new-session", "-d", "-x", fmt.Sprint(columns), "-y", fmt.Sprint(rows), line)
	t.Cleanup(func() { w.tmux("kill-server") })
	return w
}

func (w *window) tmux(args ...string) string {
	w.t.Helper()
	cmd := exec.Command("tmux", append([]string{"-S", w.socket}, args...)...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		w.t.Fatalf("%v: %v: %s", cmd, err, out)
	}
	return string(out)
}

// shows waits until the visible part of the window has a text, and returns it.
func (w *window) shows(text string) (all string) {
	w.t.Helper()
	if !engines.Awaited(func() bool { all = w.tmux("capture-pane", "-p"); return strings.Contains(all, text) }) {
		w.t.Fatalf("%q is not in\n%s", text, all)
	}
	return all
}

func shellQuoted(words []string) string {
	for i, word := range words {
		words[i] = "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
	}
	return strings.Join(words, " ")
}

// waitingTasks returns tasks that print a line and wait until a file is there, and that fails.
func waitingTasks(n int) string {
	var all []string
	for i := range n {
		all = append(all, strings.Replace(manifest("container", "    name: c\n    image: "+busyboxImage+"\n    imagePullPolicy: IfNotPresent\n"+
			"    command: [sh, -c, 'echo begun; until [ -e /go/on ]; do sleep 0.1; done; echo why >&2; exit 4']", nil), "name: ", fmt.Sprintf("name: %d-", i), 1))
	}
	return strings.Join(all, "\n---\n")
}

// TestLive looks at a run on a terminal, whose size changes, and at what remains of it.
func TestLive(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "tasks.yaml")
	write(t, file, waitingTasks(3))
	w := openWindow(t, 80, 24, "run", "-j", "2", "--mount", dir+":/go", file)
	w.shows("1-hi | begun")
	w.shows("0-hi | begun")
	all := w.shows("0/3 done · 2 running · ")
	for _, want := range []string{"  0-", "  1-", "begun"} {
		if !strings.Contains(all[strings.Index(all, "0/3 done"):], want) {
			t.Errorf("%q is not in\n%s", want, all)
		}
	}
	for _, size := range []struct{ columns, rows int }{{50, 24}, {120, 40}, {50, 20}} {
		before := w.tmux("capture-pane", "-p")
		w.tmux("resize-window", "-x", fmt.Sprint(size.columns), "-y", fmt.Sprint(size.rows))
		second := func(text string) string {
			_, after, _ := strings.Cut(text, " running · ")
			second, _, _ := strings.Cut(after, "\n")
			return second
		}
		engines.Await(t, "time goes on", func() bool { all = w.tmux("capture-pane", "-p"); return second(all) != second(before) })
		if strings.Count(all, "/3 done") != 1 || strings.Count(all, "  0-") != 1 {
			t.Errorf("%d×%d: something of the former size is left:\n%s", size.columns, size.rows, all)
		}
	}
	write(t, filepath.Join(dir, "on"), "")
	all = w.shows("code 1")
	if strings.Contains(all, "running") || !strings.Contains(all, "3 tasks: 3 failed in ") || !strings.Contains(all, "exit code 4: why") {
		t.Errorf("at the end it shows\n%s", all)
	}
}

// TestLiveLeavesNothing: no state of the time while a run was silent remains, neither on the screen nor above it, from the first row on.
func TestLiveLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "tasks.yaml")
	write(t, file, strings.Replace(waitingTasks(2), "echo begun; ", "", -1))
	w := openWindow(t, 80, 24, "run", "--mount", dir+":/go", file)
	w.shows("2 running · 1s")
	w.shows("2 running · 2s")
	write(t, filepath.Join(dir, "on"), "")
	w.shows("code 1")
	if all := w.tmux("capture-pane", "-p", "-S", "-"); strings.Contains(all, "running") || !strings.HasPrefix(all, "0-hi | why\n") && !strings.HasPrefix(all, "1-hi | why\n") {
		t.Errorf("at the end there is\n%s", all)
	}
}

// TestPipedOnTerminal lets tee write to the terminal at the same time: lines that are drawn anew would remain between its lines.
func TestPipedOnTerminal(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "tasks.yaml")
	write(t, file, waitingTasks(3))
	w := openWindowOf(t, 80, 24, shellQuoted([]string{binary, "run", "-j", "2", "--mount", dir + ":/go", file})+" | tee "+dir+"/out")
	w.shows("1-hi | begun")
	w.shows("0-hi | begun")
	write(t, filepath.Join(dir, "on"), "")
	if all := w.shows("\ncode 0"); strings.Contains(all, "running") || !strings.Contains(all, "3 tasks: 3 failed in ") {
		t.Errorf("at the end it shows\n%s", all)
	}
}

// TestLiveInterrupted presses ^C: what ktask then says does not stand among what it draws.
func TestLiveInterrupted(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "tasks.yaml")
	write(t, file, waitingTasks(8))
	w := openWindow(t, 80, 30, "run", "-j", "2", file)
	w.shows("0/8 done · 2 running")
	w.tmux("send-keys", "C-c")
	all := w.shows("code 130")
	for _, want := range []string{"\nInterrupted: stopping 2 tasks", "8 tasks: 8 canceled in ", "2 tasks: interrupted"} {
		if !strings.Contains(all, want) {
			t.Errorf("%q is not in\n%s", want, all)
		}
	}
}
