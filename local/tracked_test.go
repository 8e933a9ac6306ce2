package local

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestReadTracked has a repository with a submodule, odd names, and a setting that makes git run a program.
func TestReadTracked(t *testing.T) {
	dir := t.TempDir()
	git := func(dir string, args ...string) {
		t.Helper()
		cmd := exec.Command("git", append([]string{"-C", dir, "-c", "protocol.file.allow=always", "-c", "user.name=a", "-c", "user.email=a@b"}, args...)...)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v: %s", args, err, out)
		}
	}
	for _, name := range []string{"module/m.yaml", "own/a b.yaml", "own/sub/é\n.yaml", "own/new.yaml", "own/k/kustomization.yaml"} {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte("{}"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	own, module := filepath.Join(dir, "own"), filepath.Join(dir, "module")
	for _, d := range []string{own, module} {
		git(d, "init", "-q")
	}
	git(module, "add", ".")
	git(module, "commit", "-qm", "x")
	git(own, "add", "a b.yaml", "sub")
	git(own, "submodule", "add", "-q", module, "mod")
	ran := filepath.Join(dir, "ran")
	git(own, "config", "core.fsmonitor", "touch "+ran+"; false")
	t.Chdir(dir)
	files, err := Reading{Tracked: true}.Files([]string{"own", "own/new.yaml"})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range files.Files {
		names = append(names, f.Name)
	}
	if got, want := strings.Join(names, "|"), "own/a b.yaml|own/mod/m.yaml|own/sub/é\n.yaml|own/new.yaml"; got != want {
		t.Errorf("read %q, want %q", got, want)
	}
	if got := strings.Join(files.Untracked, "|"); got != "own/k/kustomization.yaml|own/new.yaml" {
		t.Errorf("untracked: %q", got)
	}
	if _, err := os.Stat(ran); err == nil {
		t.Error("git has run a program of the repository")
	}
	if _, err := (Reading{Tracked: true}).Files([]string{t.TempDir()}); err == nil || !strings.Contains(err.Error(), "not a git repository") {
		t.Errorf("outside of a repository: %v", err)
	}
}
