package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/integration/engines"
)

// shellTask is the name of a task and a file with it, whose name no other test has.
func shellTask(t *testing.T) (name, file string) {
	t.Helper()
	name, file = fmt.Sprintf("shell-%d-%d", os.Getpid(), marks.Add(1)), filepath.Join(t.TempDir(), "task.yaml")
	text := manifest("container", "    name: c\n    image: "+busyboxImage+"\n    imagePullPolicy: IfNotPresent\n"+
		"    command: [sh, -c, 'echo begun; : $(TOKEN); echo left > /state; exit 4']\n    env:\n      - {name: GREETING, value: hi there}\n"+
		"      - {name: TOKEN, valueFrom: {secretKeyRef: {name: token, key: SECURE_DATA}}}\n    resources: {limits: {memory: 64Mi}}", nil)
	write(t, file, strings.Replace(text, "name: hi", "name: "+name, 1))
	return name, file
}

// openShell opens a shell in a window.
func openShell(t *testing.T, args ...string) (w *window, task string) {
	t.Helper()
	task, file := shellTask(t)
	return openWindow(t, 90, 25, append([]string{"shell", file, "--secret", "token=sesame-street"}, args...)...), task
}

// keys types a line.
func (w *window) keys(line string) {
	w.t.Helper()
	w.tmux("send-keys", "-l", "--", line)
	w.tmux("send-keys", "Enter")
}

// ofTask returns what the engine has of a task.
func ofTask(t *testing.T, task string) []engine.Leftover {
	t.Helper()
	all, err := theEngine(t).Leftovers(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(all, func(l engine.Leftover) bool { return l.Labels.Task != task })
}

// TestShell uses the terminal in a task's container.
func TestShell(t *testing.T) { usesShell(t) }

// TestShellOnPodman is the same on another engine.
func TestShellOnPodman(t *testing.T) {
	t.Setenv("DOCKER_HOST", engines.Podman(t, busyboxImage))
	usesShell(t)
}

func usesShell(t *testing.T) {
	w, task := openShell(t, "--mount", t.TempDir()+":/mounted")
	w.shows("the task's command: sh -c 'echo begun; : •••; echo left > /state; exit 4'")
	w.shows("/ #")
	w.keys(`ls -d /mounted; echo "$GREETING" $(($(cat /sys/fs/cgroup/memory/memory.limit_in_bytes || cat /sys/fs/cgroup/memory.max) >> 20))`)
	w.shows("/mounted\nhi there 64\n")
	w.keys("printf ses; sleep 1; echo ame-street; echo $TOKEN | base64")
	if all := w.shows("ses•••\n•••\n"); strings.Contains(all, "ses•••ame") {
		t.Errorf("it shows\n%s", all)
	}
	w.keys("stty size")
	w.shows("25 90\n")
	w.tmux("resize-window", "-x", "70", "-y", "20")
	engines.Await(t, "the shell has the new size", func() bool {
		w.keys("clear; stty size")
		return strings.Contains(w.tmux("capture-pane", "-p"), "20 70\n")
	})
	w.keys("clear; echo sle''eps; sleep 600")
	w.shows("sleeps\n") // before that, the line editor takes the next key
	w.tmux("send-keys", "C-c")
	w.keys("echo goes on")
	w.shows("\ngoes on\n")
	w.tmux("send-keys", "C-p") // the line before, at once: Docker does not wait for the next key
	w.shows("# echo goes on\n\n")
	w.tmux("send-keys", "C-u")
	w.keys("exit 7")
	w.shows("code 7")
	if left := ofTask(t, task); len(left) > 0 {
		t.Errorf("it left %v", left)
	}
}

// TestShellEnds ends the terminal in other ways than exit.
func TestShellEnds(t *testing.T) {
	for _, c := range []struct {
		name string
		code string
		end  func(w *window, ktask int)
	}{
		{"^D", "code 0", func(w *window, _ int) { w.tmux("send-keys", "C-d") }},
		{"SIGTERM", "code 143", func(_ *window, ktask int) { _ = syscall.Kill(ktask, syscall.SIGTERM) }},
		{"kill -9", "code 137", func(_ *window, ktask int) { _ = syscall.Kill(ktask, syscall.SIGKILL) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			w, task := openShell(t)
			w.shows("/ #")
			var left []engine.Leftover
			engines.Await(t, "the engine has the container", func() bool { left = ofTask(t, task); return len(left) > 0 })
			id, _, _ := strings.Cut(left[0].Labels.Owner, " ")
			ktask, err := strconv.Atoi(id)
			if err != nil {
				t.Fatal(err)
			}
			c.end(w, ktask)
			w.shows(c.code)
			if c.name != "kill -9" { // which leaves the terminal raw, like any program that it ends
				w.tmux("send-keys", "-l", "echoed")
				w.shows("echoed")
			}
			engines.Await(t, "nothing is left", func() bool { return len(ofTask(t, task)) == 0 })
		})
	}
}

// TestShellAfterFailure opens the terminal in the container in which the task has failed, and none if it passes.
func TestShellAfterFailure(t *testing.T) {
	w, _ := openShell(t, "--after-failure")
	w.shows("begun\n\nktask: the task failed with exit code 4; this is its container (exit ends it)\n")
	w.shows("/ #")
	w.keys("cat /state; exit 3")
	w.shows("\nleft\n")
	w.shows("code 3")

	_, file := shellTask(t)
	write(t, file, strings.ReplaceAll(readFile(t, file), "exit 4", "exit 0"))
	w = openWindow(t, 90, 25, "shell", file, "--secret", "token=sesame-street", "--after-failure")
	w.shows("begun\nktask: the task passed\n\ncode 0")
}

// TestShellIsMissing: an image without a shell is no riddle.
func TestShellIsMissing(t *testing.T) {
	image := "ktask.local/shell-" + strconv.Itoa(os.Getpid()) + ":empty"
	layer := filepath.Join(t.TempDir(), "layer.tar")
	write(t, layer, string(make([]byte, 1024)))
	dockerCommand(t, "import", layer, image)
	t.Cleanup(func() { dockerCommand(t, "rmi", image) })
	w, task := openShell(t, "--image", busyboxImage+"="+image)
	w.shows("ktask: image \"" + image + "\" has no shell (/bin/sh)\nfix: ")
	w.shows("code 3")
	if left := ofTask(t, task); len(left) > 0 {
		t.Errorf("it left %v", left)
	}
}
