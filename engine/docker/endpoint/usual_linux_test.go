package endpoint

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestSockets(t *testing.T) {
	home, runtime := t.TempDir(), t.TempDir()
	for _, file := range []string{".colima/work/docker.sock", ".colima/default/docker.sock", ".lima/docker/sock/docker.sock", ".local/share/containers/podman/machine/qemu/podman.sock"} {
		write(t, filepath.Join(home, file), "")
	}
	write(t, filepath.Join(runtime, "podman/podman-machine-default-api.sock"), "")
	var got []string
	for _, s := range (Places{Home: home, Runtime: runtime}).Sockets() {
		got = append(got, strings.NewReplacer("unix://", "", home, "~", runtime, "RUN").Replace(s.Host)+" "+s.Of)
	}
	want := []string{
		"/var/run/docker.sock default", "RUN/docker.sock rootless Docker",
		"~/.docker/run/docker.sock Docker Desktop", "~/.docker/desktop/docker.sock Docker Desktop",
		"~/.colima/default/docker.sock Colima", "~/.colima/work/docker.sock Colima", "~/.rd/docker.sock Rancher Desktop",
		"~/.orbstack/run/docker.sock OrbStack", "~/.lima/docker/sock/docker.sock Lima",
		"~/.local/share/containers/podman/machine/podman.sock podman machine", "~/.local/share/containers/podman/machine/qemu/podman.sock podman machine",
		"RUN/podman/podman-machine-default-api.sock podman machine", "/run/podman/podman.sock podman", "RUN/podman/podman.sock rootless podman",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	write(t, filepath.Join(runtime, "l/vm/sock/docker.sock"), "")
	if got := (Places{Colima: "/c", Lima: runtime + "/l"}).Sockets(); len(got) != 4 || got[1].Host != "unix:///c/default/docker.sock" || got[2].Host != "unix://"+runtime+"/l/vm/sock/docker.sock" {
		t.Errorf("without a home: %v", got)
	}
}

// TestCheckSocket needs root, which can give files to others. In a directory that others can write to, only the sockets of root
// and of this user are trusted.
func TestCheckSocket(t *testing.T) {
	if os.Getuid() != 0 && testing.Short() {
		t.Skip("needs root, as the tests on the engine do")
	}
	const other = 12345
	tests := map[string]struct {
		dir, socket int
		mode        os.FileMode
		says        string
	}{
		"all ours":                        {0, 0, 0o755, ""},
		"a socket given to another":       {0, other, 0o755, ""},
		"ours, in a sticky directory":     {0, 0, 0o777 | os.ModeSticky, ""},
		"ours, in a group's directory":    {0, 0, 0o775, ""},
		"ours, where all can write":       {0, 0, 0o777, "every user can write to "},
		"another's in a sticky one":       {0, other, 0o777 | os.ModeSticky, "it belongs to another user"},
		"another's in a group's":          {0, other, 0o775, "it belongs to another user"},
		"the directory of another":        {other, other, 0o755, "belongs to another user"},
		"our socket, another's directory": {other, 0, 0o755, "belongs to another user"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			dir, err := os.MkdirTemp("", "s") // short enough for a socket
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = os.RemoveAll(dir) }()
			path := filepath.Join(dir, "s")
			listener, err := net.Listen("unix", path)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = listener.Close() }()
			link := filepath.Join(t.TempDir(), "link")
			for _, err := range []error{os.Lchown(path, test.socket, test.socket), os.Chown(dir, test.dir, 0), os.Chmod(dir, test.mode), os.Symlink(path, link)} {
				if err != nil {
					t.Fatal(err)
				}
			}
			for _, at := range []string{path, link} {
				if err := CheckSocket(at); (err == nil) != (test.says == "") || err != nil && !strings.Contains(err.Error(), test.says) {
					t.Errorf("%s: error %v, want %q in it", at, err, test.says)
				}
			}
		})
	}
}

// TestCheckSocketsParents: whoever can rename a directory above the socket can put a socket of its own in its place.
func TestCheckSocketsParents(t *testing.T) {
	outer, err := os.MkdirTemp("", "s") // short enough for a socket
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(outer) }()
	inner := filepath.Join(outer, "a", "b")
	if err := os.MkdirAll(inner, 0o700); err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("unix", filepath.Join(inner, "s"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	for mode, says := range map[os.FileMode]string{0o700: "<nil>", 0o777: "every user can write to " + outer} {
		if err := os.Chmod(outer, mode); err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(CheckSocket(filepath.Join(inner, "s"))); got != says {
			t.Errorf("mode %o: %s, want %s", mode, got, says)
		}
	}
}
