package command_test

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/enginetest"
)

const (
	fromWeb  = header + "metadata: {name: web}\nspec:\n  python: {httpRef: {url: 'https://example.com/a.py'}}\n"
	busybox  = header + "metadata: {name: box}\nspec: {container: {name: c, image: 'busybox:1'}}\n"
	lockText = "images:\n- {image: 'busybox:1', digest: 'sha256:0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a'}\n"
)

// TestLocked checks that plan and run refuse what ktask.lock does not hold, before an engine is asked.
func TestLocked(t *testing.T) {
	s := newShell(t, map[string]string{"web.yaml": fromWeb, "box.yaml": busybox})
	for _, command := range []string{"run", "plan"} {
		s.ktask(command, "--locked", "box.yaml").exits(2).says("ktask: --locked: there is no ktask.lock (write it with ktask lock)")
	}
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile("ktask.lock", []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(lockText)
	s.ktask("plan", "--locked", "box.yaml").exits(0).says("image              busybox@sha256:0a0a")
	s.ktask("plan", "--locked", "--explain", "box.yaml").exits(0).says("ktask.lock:2 images[0]")
	if o := s.ktask("run", "--locked", "box.yaml").exits(3); !o.engineAsked {
		t.Error("the engine was not asked")
	}
	for _, command := range []string{"run", "plan"} {
		o := s.ktask(command, "--locked", "web.yaml", "box.yaml").exits(2).says(
			`web.yaml:5:27: error: the script "https://example.com/a.py" is not in ktask.lock (run ktask lock with the same paths and flags) [not-locked]`,
			`error: image "ghcr.io/keptn/python-runtime:v1.0.8" is not in ktask.lock (default)`)
		if o.engineAsked || o.out != "" {
			t.Errorf("%s: the engine was asked: %t, output %q", command, o.engineAsked, o.out)
		}
		s.ktask(command, "--locked", "--image", "busybox:1=busybox:2", "box.yaml").exits(2).says(`error: image "busybox:2" is not in ktask.lock (flag --image)`)
	}
	write(lockText + lockText)
	s.ktask("run", "--locked", "box.yaml").exits(2).says(`ktask.lock:3:1: error: key "images" is given twice`)
	write("<<<<<<< HEAD\n" + lockText)
	s.ktask("run", "--locked", "box.yaml").exits(2).says("ktask.lock:2:1: error: ")
	if err := os.Remove("ktask.lock"); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("box.yaml", "ktask.lock"); err != nil {
		t.Fatal(err)
	}
	s.ktask("run", "--locked", "box.yaml").exits(2).says("ktask.lock: a link is not followed (replace it with the file)")
}

// TestLockedCannotBeWeakened checks that .ktask.yaml may demand the lock, and that it cannot take back what the user demands.
func TestLockedCannotBeWeakened(t *testing.T) {
	s := newShell(t, map[string]string{"web.yaml": fromWeb, "box.yaml": busybox, ".ktask.yaml": "locked: true\n"})
	const refused = "there is no ktask.lock"
	s.ktask("run", "box.yaml").exits(2).says(refused)
	s.ktask("plan", "box.yaml").exits(2).says(refused)
	s.ktask("run", "--locked=false", "box.yaml").exits(3).hides(refused)
	if err := os.WriteFile(".ktask.yaml", []byte("locked: false\noffline: false\npull: always\nimage: {'busybox:1': 'evil:1'}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s.ktask("run", "--locked", "box.yaml").exits(2).says(refused)
	if err := os.WriteFile("ktask.lock", []byte(lockText), 0o600); err != nil {
		t.Fatal(err)
	}
	s.ktask("plan", "--locked", "box.yaml").exits(2).says(`image "evil:1" is not in ktask.lock`)
	if err := os.WriteFile(".ktask.yaml", []byte("offline: false\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s.ktask("plan", "--offline", "web.yaml").exits(2).says("--offline forbids")
}

// identified is an engine whose images all have the same digest.
type identified struct{ enginetest.Fake }

func (*identified) FindImage(context.Context, string, string) (engine.Image, bool, error) {
	return engine.Image{Digest: "sha256:" + strings.Repeat("0a", 32)}, true, nil
}

// TestLock checks that a lock needs no secrets, and that the run of a locked plan does.
func TestLock(t *testing.T) {
	s := newShell(t, map[string]string{"secret.yaml": secret})
	const image = "ghcr.io/keptn/python-runtime:v1.0.8"
	s.engine = &identified{enginetest.Fake{Images: map[string]enginetest.Pull{image: {Progress: []engine.ImageProgress{{Status: "pulling"}, {Status: "pulling", Current: 1}, {Status: "pulled"}}}}}}
	s.ktask("lock", "secret.yaml").exits(0).says(image + ": pulling\n" + image + ": pulled\nktask.lock: 1 image, 0 scripts\n")
	s.ktask("lock", "secret.yaml").exits(0).says("ktask.lock: 1 image, 0 scripts, unchanged\n")
	s.ktask("plan", "--locked", "--secret", "token=x", "secret.yaml").exits(0).says("ghcr.io/keptn/python-runtime@sha256:0a0a")
	s.ktask("run", "--locked", "secret.yaml").exits(2).says(`needs key "SECURE_DATA" of Secret "token"`)
	s.ktask("lock", "none.yaml").exits(2)
	if err := os.WriteFile("web.yaml", []byte(fromWeb), 0o600); err != nil {
		t.Fatal(err)
	}
	s.ktask("lock", "--offline", "web.yaml").exits(2).says(`web.yaml:5:27: error: script "https://example.com/a.py": `, "[not-lockable]").hides("ktask: ", "ktask.lock: ")
	if err := errors.Join(os.Remove("ktask.lock"), os.Mkdir("ktask.lock", 0o700)); err != nil {
		t.Fatal(err)
	}
	s.ktask("lock", "secret.yaml").exits(2).says("ktask: ktask.lock: not a regular file but a directory")
	s.engine = nil
	s.ktask("lock", "secret.yaml").exits(3)
}

// TestOffline checks that a task that downloads its script is refused, and that images are not pulled.
func TestOffline(t *testing.T) {
	s := newShell(t, map[string]string{"web.yaml": fromWeb, "box.yaml": busybox})
	for _, command := range []string{"run", "plan"} {
		o := s.ktask(command, "--offline", "web.yaml").exits(2).says(
			`web.yaml:5:27: error: task "web" downloads its script, which --offline forbids (run ktask lock with a network, and then with --locked --offline) [offline]`)
		if o.engineAsked {
			t.Errorf("%s: the engine was asked", command)
		}
	}
	s.ktask("plan", "--offline", "box.yaml").exits(0).says("(pull Never)")
	lock := lockText + "- {image: 'ghcr.io/keptn/python-runtime:v1.0.8', digest: 'sha256:" + strings.Repeat("0a", 32) + "'}\nscripts: [{url: 'https://example.com/a.py', sha256: " + strings.Repeat("0a", 32) + "}]\n"
	if err := os.WriteFile("ktask.lock", []byte(lock), 0o600); err != nil {
		t.Fatal(err)
	}
	s.ktask("run", "--offline", "--locked", "web.yaml").exits(2).says(
		`web.yaml:5:27: error: the script "https://example.com/a.py" of ktask.lock:4:11: this machine has no copy of it, and nothing may be downloaded (run ktask lock with a network) [not-locked]`)
}
