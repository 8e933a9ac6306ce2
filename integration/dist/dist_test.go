package main

import (
	"archive/zip"
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// TestSameBytes writes what is published of the last commit twice: from two clones, at two times, with two environments. It installs
// the archive as docs/install.md says.
func TestSameBytes(t *testing.T) {
	own := runtime.GOOS + "/" + runtime.GOARCH
	published := func(env ...string) map[string][]byte {
		t.Helper()
		clone, dir := filepath.Join(t.TempDir(), "ktask"), t.TempDir()
		if out, err := exec.Command("git", "clone", "-q", filepath.Join("..", ".."), clone).CombinedOutput(); err != nil {
			t.Fatalf("git clone: %v: %s", err, out)
		}
		cmd := exec.Command(os.Args[0], "-test.run", "TestWrite", "-test.v")
		cmd.Dir, cmd.Env = clone, append(append(os.Environ(), "KTASK_DIST="+dir, "KTASK_SYSTEMS="+own+" windows/amd64"), env...)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		files := map[string][]byte{}
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if files[e.Name()], err = os.ReadFile(filepath.Join(dir, e.Name())); err != nil {
				t.Fatal(err)
			}
		}
		return files
	}
	first := published("TZ=Asia/Tokyo", "GOFLAGS=-buildvcs=false", "GOAMD64=v3")
	second := published("TZ=UTC", "GOFLAGS=")
	if len(first) != 3 || len(second) != 3 {
		t.Fatalf("files: %d and %d, want two archives and the checksums", len(first), len(second))
	}
	for name, content := range first {
		if !bytes.Equal(content, second[name]) {
			t.Errorf("%s differs", name)
		}
		if strings.HasSuffix(name, ".zip") {
			reader, err := zip.NewReader(bytes.NewReader(content), int64(len(content)))
			if err != nil {
				t.Fatal(err)
			}
			var names []string
			for _, f := range reader.File {
				names = append(names, f.Name)
			}
			want := []string{"ktask.exe", "LICENSE", "README.md", "completions/ktask.bash", "completions/_ktask", "completions/ktask.fish", "completions/ktask.ps1", "man/ktask.1"}
			if !slices.Equal(names, want) {
				t.Errorf("%s has %v, want %v", name, names, want)
			}
		}
	}
	sums, home := t.TempDir(), t.TempDir()
	for name, content := range first {
		if strings.HasSuffix(name, ".zip") {
			continue // which the user has not downloaded
		}
		if err := os.WriteFile(filepath.Join(sums, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "install.md"))
	if err != nil {
		t.Fatal(err)
	}
	commands := regexp.MustCompile(`(?m)^    (sha256sum .*\n    .* ~/\.local/bin/)$`).FindSubmatch(page)
	if commands == nil {
		t.Fatal("docs/install.md does not say how to install an archive")
	}
	check := exec.Command("sh", "-ec", string(commands[1])+"\n~/.local/bin/ktask version -o json")
	check.Dir, check.Env = sums, append(os.Environ(), "HOME="+home)
	head, err := exec.Command("git", "rev-parse", "HEAD").Output()
	if err != nil {
		t.Fatal(err)
	}
	if out, err := check.CombinedOutput(); err != nil || !strings.Contains(string(out), `"commit": "`+strings.TrimSpace(string(head))+`"`) {
		t.Errorf("%v: %s", err, out)
	}
}

// TestWrite is the process that writes for TestSameBytes.
func TestWrite(t *testing.T) {
	if dir := os.Getenv("KTASK_DIST"); dir != "" {
		if err := write(dir, strings.Fields(os.Getenv("KTASK_SYSTEMS"))); err != nil {
			t.Fatal(err)
		}
	}
}

// TestDirty refuses a work tree with a file that is not committed.
func TestDirty(t *testing.T) {
	t.Chdir(t.TempDir())
	if out, err := exec.Command("git", "init", "-q").CombinedOutput(); err != nil {
		t.Fatalf("git init: %v: %s", err, out)
	}
	if err := os.WriteFile("new.go", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := write(t.TempDir(), nil); err == nil || !strings.HasSuffix(err.Error(), "dirty state (commit, ignore or remove these changes):\n?? new.go") {
		t.Errorf("error %v", err)
	}
}
