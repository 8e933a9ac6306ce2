package inplace

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// waiting is a program that runs.
type waiting struct {
	*exec.Cmd
	path string
	in   io.WriteCloser
	out  *bytes.Buffer
}

// start runs the program of this machine's architecture with an environment. It ends with the test.
func start(t *testing.T, limit time.Duration, env ...string) *waiting {
	t.Helper()
	program, ok := Program(runtime.GOARCH, limit)
	if !ok {
		t.Fatalf("there is no program for %s", runtime.GOARCH)
	}
	path := filepath.Join(t.TempDir(), "program")
	if err := os.WriteFile(path, program, 0o700); err != nil {
		t.Fatal(err)
	}
	w := &waiting{Cmd: exec.Command(path), path: path, out: &bytes.Buffer{}}
	w.Env, w.Stdout, w.Stderr = env, w.out, w.out
	var err error
	if w.in, err = w.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := w.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.Process.Kill() })
	return w
}

// become sends the block and returns the output after the mark, and how the process ended.
func (w *waiting) become(t *testing.T, e Exec) (output string, err error) {
	t.Helper()
	block, err := e.Block()
	if err != nil {
		t.Fatal(err)
	}
	go func() { // in pieces, since a pipe takes 64 KiB at once
		for len(block) > 0 {
			n, err := w.in.Write(block[:min(len(block), 1000)])
			if err != nil {
				return
			}
			block = block[n:]
		}
	}()
	err = w.Wait()
	mark := w.mark()
	output, ok := strings.CutPrefix(w.out.String(), mark+nonce)
	if !ok {
		t.Fatalf("got %q, want the mark %q and the nonce", w.out, mark)
	}
	return output, err
}

func (w *waiting) mark() string { return strings.Join(append(w.Env, w.path), "\x00") + "\x00" }

var nonce = strings.Repeat("n", NonceBytes)

func TestProgramBecomesTheTask(t *testing.T) {
	w := start(t, time.Minute, "A=1", "PATH=/nowhere")
	dir := filepath.Join(t.TempDir(), "new")
	large := bytes.Repeat([]byte("0123456789abcdef"), 1<<16)
	script := `printf '%s|' "$0" "$@"; echo "$GREETING"; cat "$1/f"; wc -c <"$1/sub/large"; stat -c '%a %Y' "$1/f"
readlink /proc/self/fd/0; ls "$2" 2>&1; pwd`
	output, err := w.become(t, Exec{
		Args: []string{"sh", "-c", script, "name", dir, w.path}, Env: []string{"GREETING=good day", "PATH=/usr/bin:/bin"},
		Paths: []string{"/nowhere/sh", "/etc", "/etc/passwd", "/bin/sh"},
		Files: []File{
			{Path: dir, Mode: 0o755}, {Path: dir + "/f", Mode: 0o646, Content: []byte("content\n")}, {Path: dir + "/f", Mode: 0o606, Content: []byte("again\n")},
			{Path: dir + "/sub", Mode: 0o755}, {Path: dir + "/sub/large", Mode: 0o600, Content: large}, {Path: dir + "/empty", Mode: 0o600, Content: []byte{}},
		},
		Nonce: nonce,
	})
	if err != nil {
		t.Errorf("it ended with %v", err)
	}
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf("name|%s|%s|good day\nagain\n%d\n606 0\n/dev/null\nls: cannot access '%s': No such file or directory\n%s\n",
		dir, w.path, len(large), w.path, here)
	if output != want {
		t.Errorf("got  %q\nwant %q", output, want)
	}
}

// TestProgramBecomesTheUser needs root.
func TestProgramBecomesTheUser(t *testing.T) {
	w := start(t, time.Minute, "A=1")
	output, err := w.become(t, Exec{
		Args: []string{"sh", "-c", "id -u; id -g; id -G; stat -Lc %u:%g /proc/self/fd/1"}, Env: []string{"PATH=/usr/bin:/bin"}, Paths: []string{"/bin/sh"},
		User: &User{UID: 1234, GID: 2345, Groups: []uint32{2345, 7, 4000000000}}, Nonce: nonce,
	})
	if want := "1234\n2345\n2345 7 4000000000\n1234:0\n"; err != nil || output != want {
		t.Errorf("got %q, %v; want %q", output, err, want)
	}
}

func TestProgramTellsThatTheTaskHasNotRun(t *testing.T) {
	for name, change := range map[string]func(*Exec){
		"no path":             func(e *Exec) { e.Paths = nil },
		"a path of no file":   func(e *Exec) { e.Paths = []string{"/nowhere", "/etc/passwd/x"} },
		"a directory":         func(e *Exec) { e.Paths = []string{"/etc"} },
		"no program":          func(e *Exec) { e.Files[0].Mode = 0o700; e.Paths = []string{e.Files[0].Path} },
		"a file that fails":   func(e *Exec) { e.Files[0].Path = "/proc/no" },
		"too long for execve": func(e *Exec) { e.Args = append(e.Args, strings.Repeat("a", 3<<20)) },
	} {
		t.Run(name, func(t *testing.T) {
			e := Exec{
				Args: []string{"echo", "no"}, Env: []string{"A=1"}, Paths: []string{"/bin/echo"}, Nonce: nonce,
				Files: []File{{Path: filepath.Join(t.TempDir(), "f"), Mode: 0o600, Content: []byte("text\n")}},
			}
			change(&e)
			w := start(t, time.Minute, "A=1")
			output, _ := w.become(t, e)
			if output != nonce || w.ProcessState.ExitCode() != 127 { // it comes a second time
				t.Errorf("got %q and %v", output, w.ProcessState)
			}
		})
	}
}

func TestProgramEndsIfNobodyNeedsIt(t *testing.T) {
	for name, end := range map[string]func(*waiting){
		"the limit":             func(*waiting) {},
		"the end of the input":  func(w *waiting) { _ = w.in.Close() },
		"half a block":          func(w *waiting) { _, _ = w.in.Write([]byte{100, 0, 0, 0, 0, 0, 0, 0, 1}); _ = w.in.Close() },
		"a block of many bytes": func(w *waiting) { _, _ = w.in.Write(bytes.Repeat([]byte{255}, mostBlock)) },
	} {
		t.Run(name, func(t *testing.T) {
			limit := time.Minute
			if name == "the limit" {
				limit = time.Millisecond
			}
			w := start(t, limit, "A=1")
			end(w)
			_ = w.Wait()
			if w.out.String() != w.mark() || w.ProcessState.ExitCode() != 127 {
				t.Errorf("got %q and %v", w.out, w.ProcessState)
			}
		})
	}
}
