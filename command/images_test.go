package command_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/plan"
)

// imageEngine is an engine that has images.
type imageEngine struct {
	engine.Engine
	has map[string]engine.Image
	// fails are the errors of pulls, by image; findErr and buildErr are those of FindImage and BuildImage.
	fails             map[string]error
	findErr, buildErr error
	// pulling is called at the begin of a pull.
	pulling func(context.Context)
	// saves is what SaveImages writes before it fails with saveErr.
	saves   string
	saveErr error

	mu       sync.Mutex
	prepared []plan.Container
	built    []engine.ImageBuild
	loaded   string
}

func (e *imageEngine) FindImage(_ context.Context, ref, _ string) (engine.Image, bool, error) {
	if ref == "" {
		return engine.Image{}, false, errors.New("asked for an image without a name")
	}
	image, ok := e.has[ref]
	return image, ok, e.findErr
}

func (e *imageEngine) Prepare(ctx context.Context, c plan.Container, sink engine.Sink) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.prepared = append(e.prepared, c)
	if _, ok := e.has[c.Image]; ok && c.PullPolicy == plan.PullIfNotPresent {
		return nil
	}
	sink.Emit(engine.ImageProgress{Image: c.Image, Status: "pulling"})
	sink.Emit(engine.ImageProgress{Image: c.Image, Status: "pulling", Current: 1})
	if e.pulling != nil {
		e.pulling(ctx)
		return context.Cause(ctx)
	}
	if err := e.fails[c.Image]; err != nil {
		return err
	}
	sink.Emit(engine.ImageProgress{Image: c.Image, Status: "pulled"})
	return nil
}

func (e *imageEngine) BuildImage(_ context.Context, b engine.ImageBuild) error {
	e.built = append(e.built, b)
	_, err := fmt.Fprintln(b.Output, "Step 1/1 : FROM nothing")
	return errors.Join(err, e.buildErr)
}

func (e *imageEngine) SaveImages(_ context.Context, refs []string, to io.Writer) error {
	_, err := fmt.Fprint(to, e.saves, refs)
	return errors.Join(err, e.saveErr)
}

func (e *imageEngine) LoadImages(_ context.Context, from io.Reader) ([]string, error) {
	text, err := io.ReadAll(from)
	e.loaded = string(text)
	return []string{"a:1", "evil\x1b[2J:1"}, err
}

// several needs five images; a Secret is missing, and a pull secret is there.
const several = header + `metadata: {name: one}
spec:
  python: {inline: {code: x}, secureParameters: {secret: missing}}
---
` + header + `metadata: {name: two}
spec:
  deno: {inline: {code: x}}
---
` + header + `metadata: {name: three}
spec:
  container: {name: c, image: "x.io/app:1", env: [{name: A, valueFrom: {secretKeyRef: {name: missing, key: a}}}], envFrom: [{secretRef: {name: missing}}]}
  imagePullSecrets: [{name: regcred}]
---
` + header + `metadata: {name: four}
spec:
  container: {name: c, image: "x.io/app:1"}
  imagePullSecrets: [{name: regcred}]
---
` + header + `metadata: {name: five}
spec:
  container: {name: c, image: "x.io/latest"}
---
{apiVersion: v1, kind: Secret, metadata: {name: regcred}, type: kubernetes.io/dockerconfigjson, stringData: {.dockerconfigjson: '{"auths":{"x.io":{"username":"ada","password":"hunter2"}}}'}}
`

func TestImagesList(t *testing.T) {
	s := newShell(t, map[string]string{"k8s/a.yaml": several, "build": "", "k8s/.ktask.yaml": "output: quiet\n"})
	s.engine = &imageEngine{has: map[string]engine.Image{"x.io/app:1": {Digest: "sha256:1", ID: "sha256:2", Platform: "linux/arm64", Bytes: 7}}}
	o := s.ktask("images", "k8s", "--deno-image", "mine:1").exits(0).hides("not known")
	want := strings.Join([]string{
		"IMAGE                                PLATFORM     ENGINE   TASKS                                 FROM",
		"ghcr.io/keptn/python-runtime:v1.0.8  -            missing  one (python)                          default",
		"mine:1                               -            missing  two (deno)                            flag --deno-image",
		"x.io/app:1                           linux/arm64  present  three (container), four (container)   k8s/a.yaml:17 spec.container.image, k8s/a.yaml:24 spec.container.image",
	}, "\n")
	for line := range strings.Lines(want) {
		if fields := strings.Fields(line); !slices.ContainsFunc(strings.Split(o.out, "\n"), func(got string) bool { return slices.Equal(strings.Fields(got), fields) }) {
			t.Errorf("the line %q is missing:\n%s", line, o.out)
		}
	}
	var doc struct {
		Schema string
		Images []struct {
			Image, State, Digest, ID string
			SizeBytes                int
			Tasks                    []struct{ Name, Runtime, Origin string }
		}
	}
	if err := json.Unmarshal([]byte(s.ktask("images", "-o", "json", "k8s").exits(0).out), &doc); err != nil {
		t.Fatal(err)
	}
	if app := doc.Images[2]; doc.Schema != "ktask.dev/images/v1" || len(doc.Images) != 4 || app.Digest != "sha256:1" || app.ID != "sha256:2" || app.SizeBytes != 7 || len(app.Tasks) != 2 || app.Tasks[1].Name != "four" {
		t.Errorf("got %+v", doc)
	}
	s.engine = &imageEngine{findErr: errors.New("no answer")}
	s.ktask("images", "k8s").exits(0).says("unknown", "ktask: which images the engine has is not known: no answer")
	s.engine = nil
	s.ktask("images", "k8s").exits(0).says("x.io/latest", "unknown", "ktask: which images the engine has is not known: no engine in this test", "fix: start one")
	s.ktask("images", "-o", "json", "k8s").exits(0).says(`"state": "unknown"`)
	s.ktask("images").exits(2).says("name a manifest", "ktask images PATH")
	s.ktask("images", "buidl").exits(2).says(`unknown command "images buidl" (did you mean "build"?)`)
	if err := os.WriteFile("lod", []byte(several), 0o600); err != nil {
		t.Fatal(err)
	}
	s.ktask("images", "lod").exits(0).says("x.io/latest")
	s.ktask("images", "nowhere.yaml").exits(2).says("nowhere.yaml: no such file")
	s.ktask("images", "k8s", "-p", "x").exits(2).says("expected KEY=VALUE")
	s.ktask("images", "k8s", "-o", "xml").exits(2).says("--output takes text or json")
	s.ktask("images", "pull", "--bogus").exits(2).says("run ktask images pull --help")
	s.ktask("images", "--help").exits(0).says("build", "pull", "save", "load")
	s.ktask("images", "save", "--help").exits(0).says("ktask images save")
}

// TestImagesOfManyTasks lists an image that many tasks need: the first of them, and where its name is from once.
func TestImagesOfManyTasks(t *testing.T) {
	var many strings.Builder
	for i := range 6 {
		_, _ = fmt.Fprintf(&many, "---\n%smetadata: {name: t%d}\nspec: {python: {inline: {code: x}}}\n", header, i)
	}
	s := newShell(t, map[string]string{"a.yaml": many.String()})
	s.engine = &imageEngine{}
	o := s.ktask("images", "a.yaml").exits(0).says("t0 (python), t1 (python), t2 (python) and 3 more")
	if last := strings.Fields(o.out); last[len(last)-1] != "default" || strings.Count(o.out, "default") != 1 {
		t.Errorf("got\n%s", o.out)
	}
}

// TestImagesOfNoTasks: a stage without tasks needs no image, and no engine.
func TestImagesOfNoTasks(t *testing.T) {
	const web = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, annotations: {keptn.sh/workload: web, keptn.sh/app: shop, keptn.sh/version: '1'}}\n"
	s := newShell(t, map[string]string{"w.yaml": web})
	stage := []string{"w.yaml", "--app", "shop", "--stage", "pre"}
	for command, want := range map[string]string{"-o json": `"images": []`, "pull": ""} {
		if o := s.ktask(append(append([]string{"images"}, strings.Fields(command)...), stage...)...).exits(0).says(want); o.engineAsked || o.err != "" {
			t.Errorf("images %s: the engine was asked: %t, stderr %q", command, o.engineAsked, o.err)
		}
	}
	s.ktask(append([]string{"images", "save", "-o", "x.tar"}, stage...)...).exits(2).says("there are no images to save")
}

// TestImagesOnOtherEngines calls each command without an engine, and with one that only runs tasks.
func TestImagesOnOtherEngines(t *testing.T) {
	s := newShell(t, map[string]string{"a.yaml": hello, "in.tar": ""})
	commands := map[string][]string{
		"reports no images": {"lock", "a.yaml"}, "builds no images": {"images", "build"}, "saves no images": {"images", "save", "-o", "x.tar", "a.yaml"},
		"loads no images": {"images", "load", "in.tar"}, "": {"images", "pull", "a.yaml"},
	}
	for _, args := range commands {
		s.ktask(args...).exits(3).says("ktask: no engine in this test", "fix: start one")
		s.ktask(append(args, "--engine", "moby")...).exits(2).says("--engine takes docker")
	}
	s.engine = struct{ engine.Engine }{}
	delete(commands, "")
	for says, args := range commands {
		s.ktask(args...).exits(2).says(says)
	}
	s.ktask("images", "a.yaml").exits(0).says("which images the engine has is not known: ", "reports no images")
}

// TestImagesPullIsInterrupted: the signal is the reason of the end, and the failures that it causes are not told.
func TestImagesPullIsInterrupted(t *testing.T) {
	s := newShell(t, map[string]string{"a.yaml": several})
	s.signals = make(chan os.Signal, 1)
	s.engine = &imageEngine{pulling: func(ctx context.Context) {
		s.signals <- os.Interrupt
		<-ctx.Done()
	}}
	s.ktask("images", "pull", "-t", "five", "a.yaml").exits(130).says("Interrupted: stopping.").hides("stopped by", "fix:")
}

func TestImagesPull(t *testing.T) {
	s := newShell(t, map[string]string{"a.yaml": several, ".ktask.yaml": "pull: never\n"})
	e := &imageEngine{has: map[string]engine.Image{"x.io/latest": {}}}
	s.engine = e
	o := s.ktask("images", "pull", "a.yaml").exits(0).says("x.io/latest: present\n").hides("hunter2", "x.io/app:1: present")
	if strings.Count(o.err, "x.io/app:1: pulling\n") != 1 || strings.Count(o.err, "x.io/app:1: pulled\n") != 1 {
		t.Errorf("stderr:\n%s", o.err)
	}
	slices.SortFunc(e.prepared, func(a, b plan.Container) int { return strings.Compare(a.Image, b.Image) })
	if len(e.prepared) != 4 {
		t.Fatalf("%d images are pulled: %v", len(e.prepared), e.prepared)
	}
	if app := e.prepared[2]; app.Image != "x.io/app:1" || app.PullPolicy != plan.PullIfNotPresent || len(app.PullCredentials) != 1 || app.PullCredentials[0].Auth.Reveal() != "ada:hunter2" || len(app.Env) > 0 {
		t.Errorf("pulled %+v", app)
	}
	s.ktask("images", "pull", "--pull", "always", "a.yaml", "-t", "five").exits(0).says("x.io/latest: pulled")
	if c := e.prepared[4]; c.PullPolicy != plan.PullAlways {
		t.Errorf("pulled %+v", c)
	}
	e.fails = map[string]error{
		"ghcr.io/keptn/deno-runtime:v3.0.1": &engine.Error{Reason: engine.ImageUnauthorized, Err: errors.New("denied"), Remedy: engine.Remedy{Text: "docker login ghcr.io"}},
		"x.io/app:1":                        &engine.Error{Reason: engine.ImageNotFound, Err: errors.New("no such app"), Remedy: engine.Remedy{Text: "correct it"}},
	}
	s.ktask("images", "pull", "a.yaml").exits(3).says("no such app", "fix: correct it", "denied", "`ktask images build deno`", "FUNCTION_RUNNER_IMAGE", "python-runtime:v1.0.8: pulled").hides("docker login")
	s.ktask("images", "pull", "--pull", "never", "a.yaml").exits(2).says("--pull takes missing or always")
	s.ktask("images", "pull", "--offline", "a.yaml").exits(2).says("leave out --offline")
}

func TestImagesSaveAndLoad(t *testing.T) {
	s := newShell(t, map[string]string{"a.yaml": hello, "box.yaml": busybox, "digest.yaml": header + "metadata: {name: d}\nspec: {container: {name: c, image: \"x.io/a@sha256:" + strings.Repeat("0", 64) + "\"}}\n", "in.tar": "the archive"})
	e := &imageEngine{has: map[string]engine.Image{"mine:1": {}}, saves: "archive of "}
	s.engine = e
	s.ktask("images", "save", "-o", "out.tar", "a.yaml", "--python-image", "mine:1").exits(0).says("saved 1 image to out.tar; on the other machine: ktask images load out.tar")
	wantFile(t, "out.tar", "archive of [mine:1]")
	for _, to := range [][]string{{"-o", "-"}, nil} {
		args := append([]string{"images", "save", "a.yaml", "--python-image", "mine:1"}, to...)
		s.outTerm = false
		if o := s.ktask(args...).exits(0); o.out != "archive of [mine:1]" || o.err != "" {
			t.Errorf("%q: stdout %q, stderr %q", to, o.out, o.err)
		}
		s.outTerm = true
		s.ktask(args...).exits(2).says("an archive is not for a terminal: name a file with -o FILE")
	}
	s.ktask("images", "save", "-o", "out.tar", "a.yaml", "--python-image", "mine:1").exits(0)
	if err := os.Symlink("out.tar", "link.tar"); err != nil {
		t.Fatal(err)
	}
	e.saves = "new archive of "
	s.ktask("images", "save", "-o", "link.tar", "a.yaml", "--python-image", "mine:1").exits(0)
	wantFile(t, "out.tar", "new archive of [mine:1]")
	e.saves = "archive of "
	s.ktask("images", "save", "-o", "out.tar", "a.yaml", "--python-image", "mine:1").exits(0)
	e.saveErr = errors.New("the engine fails")
	s.ktask("images", "save", "-o", "out.tar", "a.yaml", "--python-image", "mine:1").exits(3).says("the engine fails")
	wantFile(t, "out.tar", "archive of [mine:1]")
	if left, err := filepath.Glob(".out.tar*"); err != nil || len(left) > 0 {
		t.Errorf("left are %q, %v", left, err)
	}
	e.saveErr = nil
	s.ktask("images", "save", "-o", "new.tar", "a.yaml", "box.yaml").exits(3).says("the engine lacks ghcr.io/keptn/python-runtime:v1.0.8, busybox:1\n", "fix: `ktask images pull`")
	e.findErr = errors.New("no answer")
	s.ktask("images", "save", "-o", "new.tar", "a.yaml").exits(3).says("ktask: no answer").hides("lacks")
	e.findErr = nil
	if _, err := os.Stat("new.tar"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("new.tar: %v", err)
	}
	s.ktask("images", "save", "-o", "new.tar", "digest.yaml").exits(2).says("named by its digest, which an archive does not keep", "--image x.io/a@sha256:")
	special, err := net.Listen("unix", "special") // in the test's directory: without the check it would be replaced
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = special.Close() }()
	s.ktask("images", "save", "-o", "special", "a.yaml", "--python-image", "mine:1").exits(3).says("not a regular file")
	if info, err := os.Stat("special"); err != nil || info.Mode().IsRegular() {
		t.Errorf("special is %v, %v", info, err)
	}
	s.ktask("images", "save", "-o", "no/dir.tar", "a.yaml", "--python-image", "mine:1").exits(3).says("no/dir.tar: no such file")

	o := s.ktask("images", "load", "in.tar").exits(0)
	if e.loaded != "the archive" || o.out != "a:1\nevil\\x1b[2J:1\n" {
		t.Errorf("loaded %q, stdout %q", e.loaded, o.out)
	}
	s.stdin = "from a pipe"
	s.ktask("images", "load", "-").exits(0)
	if e.loaded != "from a pipe" {
		t.Errorf("loaded %q", e.loaded)
	}
	s.ktask("images", "load").exits(2).says("name one archive")
	s.ktask("images", "load", "none.tar").exits(2).says("none.tar: no such file")
}

func wantFile(t *testing.T, name, want string) {
	t.Helper()
	if got, err := os.ReadFile(name); err != nil || string(got) != want {
		t.Errorf("%s: %q, %v; want %q", name, got, err, want)
	}
}

func TestImagesBuild(t *testing.T) {
	s := newShell(t, map[string]string{".ktask.yaml": "network: none\nplatform: linux/s390x\n"})
	e := &imageEngine{}
	s.engine = e
	t.Setenv("http_proxy", "http://proxy:1")
	o := s.ktask("images", "build", "--base", "mine:1", "--build-arg", "http_proxy", "--build-arg", "no_proxy=x", "--build-arg", "unset_variable").exits(0).says("building ktask.local/deno-runtime:local", "Step 1/1", "Put the printed lines into .ktask.yaml, in place of lines with the same keys").hides("http://proxy")
	if o.out != "deno-image: ktask.local/deno-runtime:local\npython-image: ktask.local/python-runtime:local\n" {
		t.Errorf("stdout %q", o.out)
	}
	deno, python := e.built[0], e.built[1]
	if want := map[string]string{"BASE": "mine:1", "DENO": deno.Args["DENO"], "http_proxy": "http://proxy:1", "no_proxy": "x"}; !maps.Equal(deno.Args, want) || !strings.HasPrefix(want["DENO"], "denoland/deno:bin-") {
		t.Errorf("arguments %v", deno.Args)
	}
	slices.Sort(deno.Bases)
	if python.Network+python.Platform != "" || !slices.Equal(python.Bases, []string{"mine:1"}) || !slices.Equal(deno.Bases, []string{deno.Args["DENO"], "mine:1"}) {
		t.Errorf("built %+v", e.built)
	}
	for _, b := range e.built {
		for _, name := range []string{"Dockerfile", "entrypoint.sh"} {
			if text, err := fs.ReadFile(b.Context, name); err != nil || len(text) == 0 {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	s.ktask("images", "build", "python", "--tag", "registry.example/python:1", "--network", "host", "--platform", "linux/arm64").exits(0).says("python-image: registry.example/python:1")
	if b := e.built[2]; b.Network != "host" || b.Platform != "linux/arm64" || b.Args["BASE"] != "debian:bookworm-slim" {
		t.Errorf("built %+v", b)
	}
	for says, args := range map[string][]string{
		"is a name of Keptn's":                                  {"deno", "--tag", "ghcr.io/keptn/deno-runtime:v3.0.1"},
		"--tag keptn/x is a name":                               {"deno", "--tag", "keptn/x"},
		"--tag keptndev/x is a name":                            {"deno", "--tag", "keptndev/x"},
		"--tag keptnsandbox/x is a name":                        {"deno", "--tag", "keptnsandbox/x"},
		`--tag takes the name of an image, not "x.io/d@sha256:`: {"deno", "--tag", "x.io/d@sha256:" + strings.Repeat("0", 64)},
		"--tag busybox is a name of Docker Hub's official images: choose another one, such as ktask.local/busybox,": {"deno", "--tag", "busybox"},
		"--tag docker.io/library/deno:1 is a name of Docker Hub's":                                                  {"deno", "--tag", "docker.io/library/deno:1"},
		"--tag names one image":              {"--tag", "x:1"},
		"--tag takes the name of an image":   {"deno", "--tag", "Not A Name"},
		`there is no image for "ruby"`:       {"ruby"},
		"--base takes the name of an image":  {"--base", "Not A Name"},
		"--build-arg DENO takes the name":    {"--build-arg", "DENO=Not A Name"},
		"--build-arg takes K=V, or the name": {"--build-arg", "=x"},
	} {
		s.ktask(append([]string{"images", "build"}, args...)...).exits(2).says(says)
	}
	if len(e.built) != 3 {
		t.Errorf("%d builds", len(e.built))
	}
	e.buildErr = errors.New("Step 1 fails")
	if o := s.ktask("images", "build").exits(3).says("ktask: Step 1 fails").hides("Put the printed lines"); len(e.built) != 4 || o.out != "" {
		t.Errorf("%d builds, stdout %q", len(e.built), o.out)
	}
}
