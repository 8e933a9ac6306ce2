package local

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestIgnoredFiles reads a repository that ignores files and has dependencies, with settings that make git run programs.
func TestIgnoredFiles(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(dir)
	for _, name := range []string{
		"a.yaml", "build/out.yaml", "build/deep/out.yaml", "sub/b.yaml", "sub/b.gen.yaml", "sub/kept.gen.yaml", "node_modules/m.yaml", "sub/vendor/v.yaml",
		"vendor/own/x.yaml", "only/c.gen.yaml",
	} {
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte("{}"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	read := func(o Reading, paths ...string) string {
		t.Helper()
		files, err := o.Files(paths)
		if err != nil {
			return err.Error()
		}
		var names []string
		for _, f := range files.Files {
			names = append(names, f.Name)
		}
		return strings.Join(names, " ")
	}
	want := func(got, want string) {
		t.Helper()
		if got != want {
			t.Errorf("read %q, want %q", got, want)
		}
	}
	if err := os.WriteFile(".gitignore", []byte("build/\n*.gen.yaml\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	want(read(Reading{}, "."), "a.yaml build/deep/out.yaml build/out.yaml only/c.gen.yaml sub/b.gen.yaml sub/b.yaml sub/kept.gen.yaml") // no repository
	ran := filepath.Join(dir, "ran")
	for _, args := range [][]string{{"init", "-q"}, {"add", "-f", "sub/kept.gen.yaml"}, {"config", "core.fsmonitor", "touch " + ran + "; false"}} {
		if out, err := exec.Command("git", args...).CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v: %s", args, err, out)
		}
	}
	want(read(Reading{}, "."), "a.yaml sub/b.yaml sub/kept.gen.yaml")
	want(read(Reading{}, "sub"), "sub/b.yaml sub/kept.gen.yaml")
	want(read(Reading{}, dir+"/sub/b.gen.yaml"), dir+"/sub/b.gen.yaml") // what is named is read
	want(read(Reading{}, "build"), "build/deep/out.yaml build/out.yaml")
	want(read(Reading{}, "vendor", "node_modules"), "vendor/own/x.yaml node_modules/m.yaml")
	want(read(Reading{}, "only"), "only/c.gen.yaml") // git ignores all of it, and its user names it
	want(read(Reading{Exclude: func(string) bool { return true }}, "only"), "directory only holds no .yaml, .yml or .json file but what is left out, such as only/c.gen.yaml (name it to read it)")
	want(read(Reading{Exclude: func(path string) bool { return path == "sub" }}, "."), "a.yaml")
	t.Setenv("GIT_DIR", ".git") // as in a hook
	want(read(Reading{}, "sub"), "sub/b.yaml sub/kept.gen.yaml")
	t.Setenv("PATH", "")
	want(read(Reading{}, "sub"), "sub/b.gen.yaml sub/b.yaml sub/kept.gen.yaml") // there is no git
	if _, err := os.Stat(ran); err == nil {
		t.Error("git has run a program of the repository")
	}
}

// TestGitFetchesNothing reads a repository that lacks the .gitignore of its index, in a partial clone whose remote is a program.
func TestGitFetchesNothing(t *testing.T) {
	dir := t.TempDir()
	ran := filepath.Join(dir, "ran")
	t.Chdir(dir)
	for name, text := range map[string]string{"a.yaml": "{}", ".gitignore": "x\n"} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, command := range []string{
		"git init -q", "git add .gitignore", "git update-index --skip-worktree .gitignore", "rm -r .gitignore .git/objects/??",
		"git config extensions.partialClone evil", "git config remote.evil.promisor true", "git config protocol.ext.allow always",
		"git config remote.evil.url 'ext::touch " + ran + "'",
	} {
		if out, err := exec.Command("sh", "-c", command).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v: %s", command, err, out)
		}
	}
	for _, o := range []Reading{{}, {Tracked: true}} {
		_, _ = o.Files([]string{"."}) // what git ignores is not known
	}
	if _, err := os.Stat(ran); err == nil {
		t.Error("git has run a program of the repository")
	}
	_ = exec.Command("git", "ls-files", "--others", "--ignored", "--exclude-standard").Run()
	if _, err := os.Stat(ran); err != nil {
		t.Error("git does not run the program of this repository anyway, so the test shows nothing")
	}
}
