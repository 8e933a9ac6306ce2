package local_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/enginetest"
	"github.com/ktask/ktask/engine/plan"
	"github.com/ktask/ktask/local"
	"github.com/ktask/ktask/resolve"
	"github.com/ktask/ktask/spec"
)

// imageEngine is an engine that has images.
type imageEngine struct {
	enginetest.Fake
	images map[string]engine.Image
	broken error
}

func (e *imageEngine) FindImage(_ context.Context, ref, _ string) (engine.Image, bool, error) {
	found, ok := e.images[ref]
	return found, ok, e.broken
}

func imagePlan(images ...string) plan.Plan {
	var p plan.Plan
	for _, image := range images {
		p.Tasks = append(p.Tasks, plan.Task{Name: image, Runtime: plan.RuntimeContainer, Container: plan.Container{Image: image}})
	}
	return p
}

func scriptTask(runtime plan.Runtime, url string) plan.Task {
	return plan.Task{Name: url, Runtime: runtime, Container: plan.Container{
		Image: "python:1", Env: []plan.EnvVar{{Name: "SCRIPT", Value: plan.Plain(url)}},
	}}
}

// TestMakeLock checks that each image and each script is locked once, an image by its digest if it has one.
func TestMakeLock(t *testing.T) {
	url, requests := scriptServer(t, map[string]string{"/a": "print(1)"})
	sha := "sha256:" + strings.Repeat("0a", 32)
	e := &imageEngine{images: map[string]engine.Image{"b:1": {Digest: sha, ID: sha}, "a:dev": {ID: sha}, "python:1": {Digest: sha}}}
	p := imagePlan("b:1", "a:dev", "b:1", "c@"+sha)
	p.Tasks = append(p.Tasks, scriptTask(plan.RuntimePython, url+"/a"), scriptTask(plan.RuntimeDeno, url+"/a"), scriptTask(plan.RuntimeContainer, url+"/b"))
	e.Images = map[string]enginetest.Pull{"b:1": {Progress: []engine.ImageProgress{{Status: "pulling"}}}}
	told := ""
	progress := func(name, status string) { told += name + ": " + status + "\n" }
	s := local.Scripts{Dir: t.TempDir(), Transport: http.DefaultTransport}
	l, err := local.MakeLock(t.Context(), p, e, s, progress)
	want := spec.Lock{
		Images:  []spec.LockedImage{{Image: "a:dev", ID: sha}, {Image: "b:1", Digest: sha, ID: sha}, {Image: "python:1", Digest: sha}},
		Scripts: []spec.LockedScript{{URL: url + "/a", SHA256: sum("print(1)")}},
	}
	if err != nil || l.String() != want.String() || requests() != 1 {
		t.Errorf("%v, %d requests, got\n%s\nwant\n%s", err, requests(), l, want)
	}
	if want := "b:1: pulling\n" + url + "/a: downloading\n"; told != want {
		t.Errorf("told\n%s\nwant\n%s", told, want)
	}
	s.Offline = true
	if content, err := s.Locked(t.Context(), l.Scripts[0]); err != nil || string(content) != "print(1)" {
		t.Errorf("the copy: %q, %v", content, err)
	}
	s.Offline = false
	e.Images = map[string]enginetest.Pull{"refused": {Err: errors.New("no registry says")}}
	for name, wrong := range map[string]plan.Task{
		"404":               scriptTask(plan.RuntimePython, url+"/nothing"),
		"not begin with":    scriptTask(plan.RuntimePython, "ftp://x/y"),
		"not on the engine": {Container: plan.Container{Image: "gone"}, Runtime: plan.RuntimeContainer},
		"no registry says":  {Container: plan.Container{Image: "refused"}, Runtime: plan.RuntimeContainer},
	} {
		if _, err := local.MakeLock(t.Context(), plan.Plan{Tasks: []plan.Task{wrong}}, e, s, progress); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestMakeLockWithOwnDigests checks that a digest which the engine may have made counts only if the image was pulled, or can be.
func TestMakeLockWithOwnDigests(t *testing.T) {
	digest, id := "sha256:"+strings.Repeat("0a", 32), "sha256:"+strings.Repeat("0b", 32)
	own := engine.Image{Digest: digest, OwnDigest: true, ID: id}
	refused := func(reason engine.Reason) enginetest.Pull {
		return enginetest.Pull{Err: &engine.Error{Reason: reason, Err: errors.New("refused")}}
	}
	for image, test := range map[string]struct {
		policy plan.PullPolicy
		pulls  map[string]enginetest.Pull
		want   string
		fails  bool
	}{
		"x.io/pulled:1":   {pulls: map[string]enginetest.Pull{"x.io/pulled:1": {Progress: []engine.ImageProgress{{Status: "pulled"}}}, "x.io/pulled@" + digest: refused(engine.ImageNotFound)}, want: digest},
		"x.io/pullable:1": {want: digest},
		"x.io/built:1":    {pulls: map[string]enginetest.Pull{"x.io/built@" + digest: refused(engine.ImageNotFound)}},
		"x.io/silent:1":   {pulls: map[string]enginetest.Pull{"x.io/silent@" + digest: refused(engine.ImagePullFailed)}},
		"x.io/offline:1":  {policy: plan.PullNever},
		"x.io/lost:1":     {pulls: map[string]enginetest.Pull{"x.io/lost@" + digest: refused(engine.EngineUnavailable)}, fails: true},
	} {
		e := &imageEngine{images: map[string]engine.Image{image: own}}
		e.Images = test.pulls
		p := imagePlan(image)
		p.Tasks[0].Container.PullPolicy = test.policy
		told := ""
		l, err := local.MakeLock(t.Context(), p, e, local.Scripts{}, func(_, status string) { told += status + "\n" })
		switch {
		case test.fails != (err != nil):
			t.Errorf("%s: error %v", image, err)
		case err == nil && (l.Images[0].Digest != test.want || l.Images[0].ID != id):
			t.Errorf("%s: locked %+v", image, l.Images)
		case err == nil && strings.Contains(told, "locked by its ID") != (test.want == ""):
			t.Errorf("%s: told %s", image, told)
		}
	}
}

// TestSettle checks that an image without a digest must be the build that was locked, and that an image without its digest runs by
// its ID unless it is to be pulled.
func TestSettle(t *testing.T) {
	at := func(line int) spec.Pos { return spec.Pos{File: "ktask.lock", Line: line, Column: 3} }
	l := spec.Lock{Images: []spec.LockedImage{
		{Image: "same:1", ID: "sha256:1", Pos: at(2)}, {Image: "new:1", ID: "sha256:2", Pos: at(4)}, {Image: "gone:1", ID: "sha256:3", Pos: at(6)},
		{Image: "digest:1", Digest: "sha256:4", ID: "sha256:40"}, {Image: "loaded:1", Digest: "sha256:5", ID: "sha256:50"},
		{Image: "absent:1", Digest: "sha256:6", ID: "sha256:60"}, {Image: "pulled:1", Digest: "sha256:7", ID: "sha256:70"}, {Image: "unused:1", ID: "sha256:8"},
	}}
	e := &imageEngine{images: map[string]engine.Image{
		"same:1": {ID: "sha256:1"}, "new:1": {ID: "sha256:22"}, "digest@sha256:4": {Digest: "sha256:4"}, "sha256:40": {}, "sha256:50": {}, "sha256:70": {},
	}}
	before := imagePlan("same:1", "new:1", "new:1", "gone:1", "digest:1", "loaded:1", "absent:1", "pulled:1")
	for i := range before.Tasks {
		before.Tasks[i].Container.PullPolicy = plan.PullNever
	}
	before.Tasks[5].Container.PullPolicy, before.Tasks[7].Container.PullPolicy = plan.PullIfNotPresent, plan.PullAlways
	pinned, problems := resolve.Pin(before, l, nil)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	settled, problems, err := local.Settle(t.Context(), before, pinned, l, e)
	got := ""
	for _, task := range settled.Tasks {
		got += task.Container.Image + " "
	}
	const want = "sha256:1 sha256:2 sha256:2 sha256:3 digest@sha256:4 sha256:50 absent@sha256:6 pulled@sha256:7 "
	const wrong = `[ktask.lock:4:3: error: image "new:1" has changed: its ID is now sha256:22 (if it is to change, run ktask lock) [not-locked] ` +
		`ktask.lock:6:3: error: image "gone:1" is not on the engine, and no registry has the build that is locked (build or load it again, then run ktask lock) [not-locked]]`
	if err != nil || got != want || fmt.Sprint(problems) != wrong {
		t.Errorf("%v\n%s\n%s\n%v\n%s", err, got, want, problems, wrong)
	}
	if c := settled.Tasks[5].Container; c.PullPolicy != plan.PullNever {
		t.Errorf("%s may be pulled: %s", c.Image, c.PullPolicy)
	}
	if pinned.Tasks[5].Container.Image != "loaded@sha256:5" {
		t.Error("the pinned plan has changed")
	}
	e.broken = errors.New("no answer")
	if _, _, err := local.Settle(t.Context(), before, pinned, l, e); !errors.Is(err, e.broken) {
		t.Errorf("a broken engine: %v", err)
	}
}

// TestLockFile checks that the file is only written if it has changed, and neither read nor written through a link.
func TestLockFile(t *testing.T) {
	t.Chdir(t.TempDir())
	l := spec.Lock{Images: []spec.LockedImage{{Image: "a", Digest: "sha256:" + strings.Repeat("0a", 32)}}}
	for _, want := range []bool{true, false} {
		if changed, err := local.WriteLock("ktask.lock", l); changed != want || err != nil {
			t.Errorf("changed %t, error %v", changed, err)
		}
	}
	if read, _, problems, err := local.ReadLock("ktask.lock"); err != nil || len(problems) > 0 || read.String() != l.String() {
		t.Errorf("%v %v %v", read, problems, err)
	}
	if err := os.Rename("ktask.lock", "real"); err != nil {
		t.Fatal(err)
	}
	for what, make := range map[string]func() error{
		"a link is not followed":             func() error { return os.Symlink("real", "ktask.lock") },
		"not a regular file but a directory": func() error { return os.Mkdir("ktask.lock", 0o700) },
	} {
		if err := make(); err != nil {
			t.Fatal(err)
		}
		_, _, _, read := local.ReadLock("ktask.lock")
		_, written := local.WriteLock("ktask.lock", spec.Lock{})
		if !strings.Contains(fmt.Sprint(read), what) || !strings.Contains(fmt.Sprint(written), what) {
			t.Errorf("%s: read %v, written %v", what, read, written)
		}
		if err := os.Remove("ktask.lock"); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Truncate("real", 16<<20+1); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename("real", "ktask.lock"); err != nil {
		t.Fatal(err)
	}
	if _, _, _, err := local.ReadLock(filepath.Join(".", "ktask.lock")); err == nil || !strings.Contains(err.Error(), "over 16 MiB") {
		t.Errorf("a huge file: %v", err)
	}
}
