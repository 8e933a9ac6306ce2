package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/ktask/ktask/integration/engines"
)

// web is a proxy that serves scripts of any host, so that ktask need not connect to this machine for them.
type web struct {
	mu       sync.Mutex
	scripts  map[string]string
	requests []string
}

func newWeb(t *testing.T, scripts map[string]string) *web {
	t.Helper()
	w := &web{scripts: scripts}
	server := httptest.NewServer(w)
	t.Cleanup(server.Close)
	t.Setenv("HTTP_PROXY", server.URL)
	t.Setenv("NO_PROXY", "")
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	return w
}

func (w *web) ServeHTTP(to http.ResponseWriter, r *http.Request) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.requests = append(w.requests, r.URL.String())
	if text, ok := w.scripts[r.URL.String()]; ok {
		_, _ = fmt.Fprint(to, text)
		return
	}
	http.NotFound(to, r)
}

func (w *web) set(url, script string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.scripts[url] = script
}

func (w *web) count() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.requests)
}

// docker runs the docker command and returns its output.
func dockerCommand(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.Command("docker", args...).CombinedOutput()
	if err != nil {
		t.Fatalf("docker %v: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

// pushed pushes an image under a name in a registry, and removes the name from the engine.
func pushed(t *testing.T, image, name string) {
	t.Helper()
	dockerCommand(t, "tag", image, name)
	dockerCommand(t, "push", "--quiet", name)
	dockerCommand(t, "rmi", name)
}

// lockedTasks returns the manifests of a task with an image of a registry, one with an image of this machine, and two whose scripts
// are downloaded.
func lockedTasks(tool, own string) string {
	const header = "apiVersion: lifecycle.keptn.sh/v1\nkind: KeptnTaskDefinition\n"
	return header + "metadata: {name: tool}\nspec: {container: {name: c, image: '" + tool + "', command: [sh, -c, 'busybox 2>&1 | head -n 1 | cut -c1-7']}}\n---\n" +
		header + "metadata: {name: own}\nspec: {container: {name: c, image: '" + own + "', command: [echo, own]}}\n---\n" +
		header + "metadata: {name: py}\nspec: {python: {httpRef: {url: 'http://scripts.test/a.py'}}}\n---\n" +
		header + "metadata: {name: ts}\nspec: {deno: {httpRef: {url: 'http://scripts.test/a.ts'}}}\n"
}

// TestLock locks the images of a registry and of this machine, and scripts, and checks that exactly these run: after the tag and the
// scripts have changed, without the image on the engine, and without any network but the engine's socket.
func TestLock(t *testing.T) {
	scripts := newWeb(t, map[string]string{"http://scripts.test/a.py": "print('python 1')", "http://scripts.test/a.ts": "console.log('deno 1')"})
	dir, tool, own := t.TempDir(), engines.Registry(t)+"/team/tool:1", "ktask.local/locked:dev"
	pushed(t, busyboxImage, tool)
	dockerCommand(t, "tag", busyboxImage, own)
	t.Cleanup(func() { _ = exec.Command("docker", "rmi", "--force", own).Run() })
	if err := os.WriteFile(filepath.Join(dir, "tasks.yaml"), []byte(lockedTasks(tool, own)), 0o600); err != nil {
		t.Fatal(err)
	}
	in := func(args ...string) outcome { return startIn(t, dir, "", append([]string{binary}, args...)...).wait(t) }

	if o := in("lock", "tasks.yaml").expect(t, 0); !strings.Contains(o.stderr, "ktask.lock: 4 images, 2 scripts\n") {
		t.Errorf("lock prints %q", o.stderr)
	}
	text, err := os.ReadFile(filepath.Join(dir, "ktask.lock"))
	if err != nil {
		t.Fatal(err)
	}
	shape := regexp.MustCompile(`(?s)^# Made by .*- image: "` + regexp.QuoteMeta(tool) + `"\n  digest: (sha256:[0-9a-f]{64})\n  id: sha256:[0-9a-f]{64}\n- image: "ktask.local/deno.*image: "` +
		regexp.QuoteMeta(own) + `"\n  id: (sha256:[0-9a-f]{64}) #.*scripts:\n- url: "http://scripts.test/a.py"\n  sha256: [0-9a-f]{64}\n- url: "http://scripts.test/a.ts"`)
	found := shape.FindStringSubmatch(string(text))
	if found == nil {
		t.Fatalf("the lock is\n%s", text)
	}
	pinned := strings.TrimSuffix(tool, ":1") + "@" + found[1]
	t.Cleanup(func() { _ = exec.Command("docker", "rmi", "--force", pinned, tool).Run() })
	if o := in("lock", "tasks.yaml").expect(t, 0); !strings.Contains(o.stderr, "unchanged") {
		t.Errorf("the second time, lock prints %q", o.stderr)
	}

	// The tag now means another image, the scripts are others, and the engine lacks the image: it is pulled by its digest.
	pushed(t, denoImage, tool)
	dockerCommand(t, "rmi", "--force", pinned)
	scripts.set("http://scripts.test/a.py", "print('python 2')")
	before := scripts.count()
	passes := func(o outcome) {
		t.Helper()
		o.expect(t, 0)
		for _, want := range []string{"BusyBox", "own", "python 1", "deno 1"} {
			if !strings.Contains(o.stdout, want) {
				t.Errorf("%q is missing in\n%s\n%s", want, o.stdout, o.stderr)
			}
		}
	}
	passes(in("run", "--locked", "--offline", "tasks.yaml")) // by the ID, which another name has, as after docker load
	passes(in("run", "--locked", "--pull", "always", "tasks.yaml"))
	if out := dockerCommand(t, "image", "inspect", "--format", "{{.Id}}", pinned); out == "" {
		t.Error("the image was not pulled by its digest")
	}
	network := []string{"unshare", "--net"}
	if os.Getuid() != 0 {
		network = append(network, "--map-root-user")
	}
	passes(startIn(t, dir, "", append(network, binary, "run", "--locked", "--offline", "tasks.yaml")...).wait(t))
	if scripts.count() != before {
		t.Errorf("%d requests for scripts that had copies", scripts.count()-before)
	}
	var p struct {
		Tasks []struct{ Container struct{ Image string } }
	}
	if err := json.Unmarshal([]byte(in("plan", "--locked", "-o", "json", "tasks.yaml").expect(t, 0).stdout), &p); err != nil || p.Tasks[0].Container.Image != pinned || p.Tasks[1].Container.Image != found[2] {
		t.Errorf("the plan has %+v, %v", p, err)
	}
}

// TestLockRefuses checks what --locked and --offline refuse on a real engine.
func TestLockRefuses(t *testing.T) {
	scripts := newWeb(t, map[string]string{"http://scripts.test/a.py": "print('python 1')", "http://scripts.test/a.ts": "console.log('deno 1')"})
	dir, own := t.TempDir(), "ktask.local/refused:dev"
	dockerCommand(t, "tag", busyboxImage, own)
	t.Cleanup(func() { _ = exec.Command("docker", "rmi", "--force", own).Run() })
	if err := os.WriteFile(filepath.Join(dir, "tasks.yaml"), []byte(lockedTasks(busyboxImage, own)), 0o600); err != nil {
		t.Fatal(err)
	}
	in := func(args ...string) outcome { return startIn(t, dir, "", append([]string{binary}, args...)...).wait(t) }
	in("lock", "tasks.yaml").expect(t, 0)

	says := func(o outcome, code int, want string) {
		t.Helper()
		if o.expect(t, code); !strings.Contains(o.stderr, want) || o.stdout != "" {
			t.Errorf("%q is missing in\n%s\n%s", want, o.stderr, o.stdout)
		}
	}
	dockerCommand(t, "tag", denoImage, own)
	says(in("run", "--locked", "tasks.yaml"), 2, `error: image "`+own+`" has changed: its ID is now sha256:`)
	dockerCommand(t, "tag", busyboxImage, own)
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	says(in("run", "--locked", "--offline", "tasks.yaml"), 2, `the script "http://scripts.test/a.py" of ktask.lock:`)
	scripts.set("http://scripts.test/a.py", "print('evil')")
	says(in("run", "--locked", "tasks.yaml"), 2, `it has changed: its SHA-256 is now `)
	scripts.set("http://scripts.test/a.py", "print('python 1')")
	says(in("run", "--locked", "--image", own+"=ktask.local/other:1", "tasks.yaml"), 2, `image "ktask.local/other:1" is not in ktask.lock (flag --image)`)
	if o := in("run", "--offline", "--image", own+"=ktask.local/other:1", "-t", "own", "tasks.yaml").expect(t, 3); !strings.Contains(o.stderr, "ktask images load") {
		t.Errorf("an image that is not there: %s", o.stderr)
	}
	in("run", "--locked", "tasks.yaml").expect(t, 0)
}

// TestLockOnPodman checks that an image that no registry has is locked by its ID, although podman has a digest for it, and that podman
// can run it.
func TestLockOnPodman(t *testing.T) {
	newWeb(t, nil)
	dir, host := t.TempDir(), engines.Podman(t, busyboxImage)
	task := manifest("container", "    name: c\n    image: "+busyboxImage+"\n    command: [echo, ran]", nil)
	if err := os.WriteFile(filepath.Join(dir, "task.yaml"), []byte(task), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"lock"}, {"run", "--locked"}, {"run", "--locked", "--offline"}} {
		command := append(append([]string{binary}, args...), "--host", host, "--network", "none", "task.yaml")
		o := startIn(t, dir, "", command...).wait(t).expect(t, 0)
		if args[0] == "run" && !strings.Contains(o.stdout, "ran") {
			t.Errorf("%v: %s\n%s", args, o.stdout, o.stderr)
		}
	}
	if text, _ := os.ReadFile(filepath.Join(dir, "ktask.lock")); !strings.Contains(string(text), "id: sha256:") || strings.Contains(string(text), "digest:") {
		t.Errorf("the lock is\n%s", text)
	}
}
