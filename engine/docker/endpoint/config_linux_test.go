package endpoint

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestConfigurationIsRegularFiles: a pipe is not waited for, and a device not read to its end.
func TestConfigurationIsRegularFiles(t *testing.T) {
	makes := map[string]func(path string) error{
		"a pipe":           func(path string) error { return syscall.Mkfifo(path, 0o600) },
		"a link to zeroes": func(path string) error { return os.Symlink("/dev/zero", path) },
		"a huge file": func(path string) error {
			return os.WriteFile(path, make([]byte, maxConfig+1), 0o600)
		},
	}
	for name, make := range makes {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			id := fmt.Sprintf("%x", sha256.Sum256([]byte("odd")))
			meta := filepath.Join(dir, "contexts", "meta", id)
			if err := os.MkdirAll(meta, 0o700); err != nil {
				t.Fatal(err)
			}
			for _, path := range []string{filepath.Join(dir, "config.json"), filepath.Join(meta, "meta.json")} {
				if err := make(path); err != nil {
					t.Fatal(err)
				}
			}
			for _, o := range []Options{{ConfigDir: dir}, {ConfigDir: dir, Context: "odd"}} {
				_, err := Resolve(o)
				if err == nil || !strings.Contains(err.Error(), "not a regular file") && !strings.Contains(err.Error(), "too large") {
					t.Errorf("context %q: error %v", o.Context, err)
				}
			}
		})
	}
}
