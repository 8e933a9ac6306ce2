package docker_test

import (
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/ktask/ktask/engine/docker"
)

// TestPinned checks that another process finds the same engine, whatever has named it and whatever the user changes meanwhile.
func TestPinned(t *testing.T) {
	dir := t.TempDir()
	meta := filepath.Join(dir, "contexts", "meta", "512eea46ceb3921dff4363c7069d89d4964d1d9fccaa0f411851a7aa60a5c868") // sha256 of "far"
	if err := os.MkdirAll(meta, 0o700); err != nil {
		t.Fatal(err)
	}
	for file, text := range map[string]string{
		filepath.Join(dir, "config.json"): `{"currentContext":"far"}`,
		filepath.Join(meta, "meta.json"):  `{"Name":"far","Endpoints":{"docker":{"Host":"tcp://far:2376"}}}`,
	} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	usual := []docker.Socket{{Host: "unix:///usual.sock"}}
	for name, test := range map[string]struct{ options, want docker.Options }{
		"a host":              {docker.Options{Host: "far", TLS: true}, docker.Options{Host: "tcp://far:2376", TLS: true}},
		"DOCKER_HOST":         {docker.Options{DefaultHost: "unix:///x", DefaultContext: "y", Usual: usual}, docker.Options{Host: "unix:///x"}},
		"a context":           {docker.Options{Context: "far", DefaultHost: "unix:///x", ConfigDir: dir}, docker.Options{Context: "far", ConfigDir: dir}},
		"the current context": {docker.Options{ConfigDir: dir, Usual: usual}, docker.Options{Context: "far", ConfigDir: dir}},
		"nothing":             {docker.Options{}, docker.Options{Host: "unix:///var/run/docker.sock"}},
	} {
		t.Run(name, func(t *testing.T) {
			e, err := docker.New(test.options)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = e.Close() }()
			if got := e.Pinned(test.options); !reflect.DeepEqual(got, test.want) {
				t.Errorf("got %+v, want %+v", got, test.want)
			}
		})
	}
}
