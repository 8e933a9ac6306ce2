package attack

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

const (
	// manifest is a task that needs nothing of the engine but an image.
	manifest = "apiVersion: lifecycle.keptn.sh/v1\nkind: KeptnTaskDefinition\nmetadata: {name: hello}\n" +
		"spec: {container: {name: c, image: " + busyboxImage + ", command: [echo, hello]}}\n"
	// secretTask prints the length of a secret.
	secretTask = "apiVersion: lifecycle.keptn.sh/v1\nkind: KeptnTaskDefinition\nmetadata: {name: reader}\n" +
		"spec: {container: {name: c, image: " + busyboxImage + ", command: [sh, -c, 'echo \"got ${#SECURE_DATA}\"'], env: [{name: SECURE_DATA, valueFrom: {secretKeyRef: {name: x, key: SECURE_DATA}}}]}}\n"
)

// atOnce is how long a command may take that has nothing to wait for.
const atOnce = 30 * time.Second

// bounded runs ktask within atOnce and 4 GiB of address space: a test that fails must not take the machine along.
func bounded(t *testing.T, dir string, args ...string) outcome {
	t.Helper()
	script := `ulimit -v "$1"; shift; exec timeout -k 1 "$@"`
	cmd := command(t, dir, nil)
	cmd.Path = "/bin/sh"
	cmd.Args = append([]string{"sh", "-c", script, "sh", "4194304", atOnce.String(), binary}, args...)
	return finish(t, cmd)
}

// pipe makes a named pipe.
func pipe(t *testing.T, dir, name string) {
	t.Helper()
	if err := syscall.Mkfifo(filepath.Join(dir, name), 0o600); err != nil {
		t.Fatal(err)
	}
}

func link(t *testing.T, dir, target, name string) {
	t.Helper()
	if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
		t.Fatal(err)
	}
}

// TestFilesWithoutEnd: every command ends at once with a line that names the pipe or device that it was given as a file.
func TestFilesWithoutEnd(t *testing.T) {
	all := []string{"validate", "list", "plan", "run"}
	tests := map[string]struct {
		make     func(t *testing.T, dir string)
		commands []string
		args     []string
		says     string
	}{
		".ktask.yaml is a pipe":           {func(t *testing.T, dir string) { pipe(t, dir, ".ktask.yaml") }, append(all, "clean"), nil, ".ktask.yaml: not a regular file but a named pipe"},
		".ktask.yaml is a link to a pipe": {func(t *testing.T, dir string) { pipe(t, dir, "p"); link(t, dir, "p", ".ktask.yaml") }, all, nil, ".ktask.yaml: not a regular file but a named pipe"},
		".ktask.yaml is a link to zeroes": {func(t *testing.T, dir string) { link(t, dir, "/dev/zero", ".ktask.yaml") }, all, nil, ".ktask.yaml: a link that leads out of its directory is not followed"},
		".ktask.yaml is a link to hashes": {func(t *testing.T, dir string) { link(t, dir, "/etc/shadow", ".ktask.yaml") }, all, nil, ".ktask.yaml: a link that leads out of its directory is not followed"},
		"a manifest of the kernel's":      {nothing, []string{"validate", "plan", "run", "list"}, []string{"/proc/kmsg"}, "/proc/kmsg: not a regular file but one that a reader waits for"},
		"a secret of the kernel's":        {nothing, []string{"plan", "run"}, []string{"ok.yaml", "--secret", "x=@/proc/kmsg"}, "not a regular file but one that a reader waits for"},
		".ktask.yaml is a directory":      {func(t *testing.T, dir string) { write(t, dir, ".ktask.yaml/x", "") }, all, nil, ".ktask.yaml: not a regular file but a directory"},
		".ktask.yaml is huge":             {huge(".ktask.yaml"), all, nil, ".ktask.yaml: over 16 MiB"},
		"a manifest is a pipe":            {func(t *testing.T, dir string) { pipe(t, dir, "p.yaml") }, all, []string{"p.yaml"}, "p.yaml: not a regular file but a named pipe (pipe the manifests in"},
		"a manifest is a link to a pipe":  {func(t *testing.T, dir string) { pipe(t, dir, "p"); link(t, dir, "p", "p.yaml") }, all, []string{"p.yaml"}, "p.yaml: not a regular file but a named pipe"},
		"a manifest is a link to zeroes":  {func(t *testing.T, dir string) { link(t, dir, "/dev/zero", "z.yaml") }, all, []string{"z.yaml"}, "z.yaml: not a regular file but a device"},
		"a secret of zeroes":              {nothing, []string{"plan", "run"}, []string{"ok.yaml", "--secret", "x=@/dev/zero"}, "not a regular file but a device"},
		"a secret of a pipe":              {func(t *testing.T, dir string) { pipe(t, dir, "p") }, []string{"plan", "run"}, []string{"ok.yaml", "--secret", "x=@p"}, "not a regular file but a named pipe"},
		"a secret that is huge":           {huge("s"), []string{"plan", "run"}, []string{"ok.yaml", "--secret", "x=@s"}, "over 1 MiB"},
		"secrets of a pipe":               {func(t *testing.T, dir string) { pipe(t, dir, "p") }, []string{"plan", "run"}, []string{"ok.yaml", "--secret-file", "p"}, "p: not a regular file but a named pipe"},
		"parameters of zeroes":            {nothing, []string{"plan", "run"}, []string{"ok.yaml", "--params-file", "/dev/zero"}, "/dev/zero: not a regular file but a device"},
		"a secret in the file of zeroes":  {settingsFile("secret: {x: '@/dev/zero'}"), []string{"plan", "run"}, []string{"ok.yaml"}, ".ktask.yaml:1:"},
		"a secret in the file of a pipe":  {func(t *testing.T, dir string) { pipe(t, dir, "p"); write(t, dir, ".ktask.yaml", "secret: {x: '@p'}\n") }, []string{"plan", "run"}, []string{"ok.yaml"}, "not a regular file but a named pipe"},
		"a report that is a pipe":         {func(t *testing.T, dir string) { pipe(t, dir, "p"); write(t, dir, ".ktask.yaml", "report: p\n") }, []string{"run"}, []string{"ok.yaml"}, "write report"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			write(t, dir, "ok.yaml", manifest)
			test.make(t, dir)
			for _, command := range test.commands {
				args := append([]string{command}, test.args...)
				if test.args == nil && command != "clean" {
					args = append(args, "ok.yaml")
				}
				bounded(t, dir, args...).expect(t, 2).says(t, test.says)
			}
		})
	}
}

func nothing(*testing.T, string) {}

// huge makes a file that takes no room on the disk.
func huge(name string) func(t *testing.T, dir string) {
	return func(t *testing.T, dir string) {
		write(t, dir, name, "")
		if err := os.Truncate(filepath.Join(dir, name), 8<<30); err != nil {
			t.Fatal(err)
		}
	}
}

func settingsFile(text string) func(t *testing.T, dir string) {
	return func(t *testing.T, dir string) { write(t, dir, ".ktask.yaml", text+"\n") }
}

// TestDirectoryOfOddFiles: what is no manifest is a line, and the others of the directory are read.
func TestDirectoryOfOddFiles(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "home/secret.yaml", "apiVersion: v1\nkind: Secret\nmetadata: {name: x}\nstringData: {SECURE_DATA: of-another-project}\n")
	write(t, dir, "home/clone/ok.yaml", manifest)
	write(t, dir, "home/clone/sub/other.yaml", strings.Replace(manifest, "hello}", "other}", 1))
	clone := filepath.Join(dir, "home", "clone")
	pipe(t, clone, "pipe.yaml")
	link(t, clone, "nowhere", "broken.yaml")
	link(t, clone, "loop.yaml", "loop.yaml")
	link(t, clone, "sub", "directory.yaml")
	link(t, clone, "pipe.yaml", "linked.yaml")
	link(t, clone, "/dev/zero", "zeroes.yaml")
	link(t, clone, "../secret.yaml", "secret.yaml")
	link(t, clone, "sub/other.yaml", "again.yaml")
	for _, from := range []struct{ cwd, path string }{{clone, "."}, {filepath.Dir(clone), "clone"}} {
		for _, command := range []string{"validate", "list", "plan"} {
			bounded(t, from.cwd, command, from.path).expect(t, 0).says(t,
				"pipe.yaml: warning: a named pipe is not read", "broken.yaml: warning: a link that leads nowhere", "loop.yaml: warning: a link that leads nowhere",
				"directory.yaml: warning: a link to a directory is not followed", "linked.yaml: warning: a link to a named pipe is not followed",
				"zeroes.yaml: warning: a link that leads out of the directory is not followed",
				"secret.yaml: warning: a link that leads out of the directory is not followed (name it as an argument to read it) [not-read]")
		}
	}
	if o := bounded(t, clone, "list", "."); !strings.Contains(o.stdout, "hello") || !strings.Contains(o.stdout, "other") {
		t.Errorf("the manifests are not all listed:\n%s", o.stdout)
	}
	bounded(t, clone, "run", "-t", "hello", ".").expect(t, 0)
	write(t, clone, "reader.yaml", secretTask)
	if o := bounded(t, clone, "plan", "-t", "reader", ".").expect(t, 2); strings.Contains(o.stderr, "of-another-project") {
		t.Errorf("the secret is shown:\n%s", o.stderr)
	}
	bounded(t, clone, "plan", "-t", "reader", ".", "secret.yaml").expect(t, 0)
}

// TestFilesTooLargeTogether: a tree of files that take no room on the disk does not take all memory.
func TestFilesTooLargeTogether(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"a", "b", "c", "d", "e", "f", "g", "h"} {
		write(t, dir, name+".yaml", "")
		if err := os.Truncate(filepath.Join(dir, name+".yaml"), 250<<20); err != nil {
			t.Fatal(err)
		}
	}
	bounded(t, dir, "validate", ".").expect(t, 2).says(t, "e.yaml: with this file the manifests are over 1024 MiB")
}
