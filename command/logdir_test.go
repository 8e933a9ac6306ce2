package command_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/enginetest"
	"github.com/ktask/ktask/engine/plan"
)

// TestLogDir checks the files of all attempts: their names, modes and content, without secrets, and never through a link.
func TestLogDir(t *testing.T) {
	s := newShell(t, map[string]string{"a.yaml": secret, "b.yaml": hello + "---\n" + strings.Replace(hello, "labels: {team: a}", "namespace: other", 1), "precious": "mine", "logs/default_hello-1.log": "old"})
	if err := os.Chmod("logs/default_hello-1.log", 0o644); err != nil {
		t.Fatal(err)
	}
	for _, link := range []string{"logs/secret-1.log", "logs/secret-2.log"} {
		if err := os.Symlink("../precious", link); err != nil {
			t.Fatal(err)
		}
	}
	out := func(lines ...enginetest.Line) enginetest.Attempt { return enginetest.Attempt{Output: lines} }
	failing := out(enginetest.Line{Stream: engine.Stdout, Text: "a s3cr3t-value\x1b[1m"}, enginetest.Line{Stream: engine.Stderr, Text: "b"})
	failing.Exit.Code = 1
	s.engine = &enginetest.Fake{Tasks: map[string][]enginetest.Attempt{
		"secret": {failing, out(enginetest.Line{Stream: engine.Stdout, Text: "two"})}, "default/hello": {out()}, "other/hello": {out(enginetest.Line{Stream: engine.Stdout, Text: "x"})},
	}}
	s.ktask("run", "a.yaml", "b.yaml", "--secret", "token=s3cr3t-value", "--retries", "1", "--backoff-scale", "0", "--log-dir", "logs").exits(0)
	for name, want := range map[string]string{"secret-1.log": "a •••\x1b[1m\nb\n", "secret-2.log": "two\n", "default_hello-1.log": "", "other_hello-1.log": "x\n"} {
		name = filepath.Join("logs", name)
		info, err := os.Lstat(name)
		if err != nil || info.Mode() != 0o600 {
			t.Errorf("%s: %v, %v", name, err, info)
		}
		if text, err := os.ReadFile(name); err != nil || string(text) != want {
			t.Errorf("%s: %v %q, want %q", name, err, text, want)
		}
	}
	if text, err := os.ReadFile("precious"); err != nil || string(text) != "mine" {
		t.Errorf("written through a link: %v %q", err, text)
	}
	s.ktask("run", "a.yaml", "--secret", "token=s3cr3t-value", "--log-dir", "new/deep").exits(1)
	if _, err := os.Lstat("new/deep/secret-1.log"); err != nil {
		t.Error(err)
	}
	if o := s.ktask("run", "b.yaml", "--log-dir", "precious").exits(2).says("precious"); o.out != "" {
		t.Errorf("something ran: %s", o.out)
	}
}

// TestLogDirThatFails checks that a log that cannot be written is an error after the run.
func TestLogDirThatFails(t *testing.T) {
	s := newShell(t, map[string]string{"a.yaml": hello, "logs/hello-1.log/x": ""})
	s.engine = &enginetest.Fake{Tasks: map[string][]enginetest.Attempt{"hello": {{}}}}
	s.ktask("run", "a.yaml", "--log-dir", "logs").exits(3).says("write logs", "hello-1.log", "passed")
}

// TestLogNames checks that long names of tasks differ, and fit into a file system.
func TestLogNames(t *testing.T) {
	long := strings.Repeat("a", 250)
	s := newShell(t, map[string]string{"a.yaml": strings.Replace(hello, "name: hello", "name: "+long+"b", 1) + "---\n" + strings.Replace(hello, "name: hello", "name: "+long+"c", 1)})
	s.engine = &enginetest.Fake{Play: func(plan.Container, engine.Labels) enginetest.Attempt { return enginetest.Attempt{} }}
	s.ktask("run", "a.yaml", "--log-dir", "logs").exits(0)
	if files, err := os.ReadDir("logs"); err != nil || len(files) != 2 {
		t.Errorf("%v %v", files, err)
	}
}
