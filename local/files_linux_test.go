package local

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
)

// TestReadFilesReadsTheRest has directories with one manifest beside what cannot be read. The test reads them as another user,
// since root may read everything.
func TestReadFilesReadsTheRest(t *testing.T) {
	for name, test := range map[string]struct {
		put  func(dir string) error
		says []string
	}{
		"a broken link": {func(dir string) error { return os.Symlink("nowhere", filepath.Join(dir, "x.yaml")) },
			[]string{"x.yaml: warning: a link that leads nowhere: no such file or directory (remove it or name another target) [not-read]"}},
		"a link to itself": {func(dir string) error { return os.Symlink("x.yaml", filepath.Join(dir, "x.yaml")) },
			[]string{"x.yaml: warning: a link that leads nowhere: too many levels of symbolic links"}},
		"a broken link to a directory": {func(dir string) error { return os.Symlink("nowhere", filepath.Join(dir, "x")) }, nil},
		"an unreadable file": {func(dir string) error { return os.WriteFile(filepath.Join(dir, "x.yaml"), nil, 0) },
			[]string{"x.yaml: warning: cannot be read: permission denied (let your user read it, or move it elsewhere if it holds no manifests) [not-read]"}},
		"an unreadable directory": {func(dir string) error { return os.Mkdir(filepath.Join(dir, "x"), 0) },
			[]string{"x: warning: cannot be read: permission denied (let your user read it"}},
		"a pipe":               {func(dir string) error { return syscall.Mkfifo(filepath.Join(dir, "x.yaml"), 0o600) }, []string{"x.yaml: warning: a named pipe is not read [not-read]"}},
		"a directory so named": {func(dir string) error { return os.Mkdir(filepath.Join(dir, "x.yaml"), 0o700) }, nil},
		"a file that is too large": {func(dir string) error {
			name := filepath.Join(dir, "x.json")
			if err := os.WriteFile(name, nil, 0o600); err != nil {
				return err
			}
			return os.Truncate(name, MaxManifest+1)
		}, []string{"x.json: warning: cannot be read: over 256 MiB, which is too large (move it elsewhere if it holds no manifests) [not-read]"}},
	} {
		t.Run(name, func(t *testing.T) {
			unprivileged(t)
			dir := t.TempDir()
			for _, put := range []func(dir string) error{test.put, func(dir string) error { return os.WriteFile(filepath.Join(dir, "a.yaml"), nil, 0o600) }} {
				if err := put(dir); err != nil {
					t.Fatal(err)
				}
			}
			files, err := ReadFiles([]string{dir}, nil)
			if err != nil || !strings.HasPrefix(files.Files[0].Name, filepath.Join(dir, "a.yaml")) {
				t.Fatalf("files %+v, error %v", files, err)
			}
			if len(files.NotRead) != len(test.says) {
				t.Fatalf("problems %v", files.NotRead)
			}
			for i, says := range test.says {
				if text := files.NotRead[i].String(); !strings.HasPrefix(text, filepath.Join(dir, says)) {
					t.Errorf("got %s, want %s", text, says)
				}
			}
		})
	}
}

// TestReadFilesOfNamedPaths has paths that a user names: they must be readable.
func TestReadFilesOfNamedPaths(t *testing.T) {
	for says, put := range map[string]func(name string) error{
		"x: a link that leads nowhere: no such file": func(name string) error { return os.Symlink("nowhere", name) },
		"x: permission denied":                       func(name string) error { return os.WriteFile(name, nil, 0) },
		"/x: permission denied":                      func(name string) error { return os.Mkdir(name, 0) },
	} {
		t.Run(says, func(t *testing.T) {
			unprivileged(t)
			path := filepath.Join(t.TempDir(), "x")
			if err := put(path); err != nil {
				t.Fatal(err)
			}
			if _, err := ReadFiles([]string{path}, nil); err == nil || !strings.Contains(err.Error(), says) {
				t.Errorf("error %v", err)
			}
		})
	}
}

// unprivileged lets the test access files as a user who is not root.
func unprivileged(t *testing.T) {
	t.Helper()
	const nobody = 65534
	if os.Geteuid() != 0 {
		return
	}
	runtime.LockOSThread() // until the goroutine of the test ends, and the thread with it
	if err := syscall.Setfsuid(nobody); err != nil {
		t.Fatal(err)
	}
}
