package resolve_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/ktask/ktask/engine/plan"
	"github.com/ktask/ktask/resolve"
	"github.com/ktask/ktask/spec"
)

// toPin has tasks whose images and scripts come from elsewhere.
const toPin = `apiVersion: lifecycle.keptn.sh/v1
kind: KeptnTaskDefinition
metadata: {name: container}
spec: {container: {name: c, image: "127.0.0.1:5000/team/app:1", imagePullPolicy: Always}}
---
apiVersion: lifecycle.keptn.sh/v1
kind: KeptnTaskDefinition
metadata: {name: pinned}
spec: {container: {name: c, image: "app:1@sha256:DIGEST"}}
---
apiVersion: lifecycle.keptn.sh/v1
kind: KeptnTaskDefinition
metadata: {name: local}
spec: {container: {name: c, image: app:dev}}
---
apiVersion: lifecycle.keptn.sh/v1
kind: KeptnTaskDefinition
metadata: {name: script}
spec: {python: {httpRef: {url: "https://example.com/a.py?x=1"}}}
---
apiVersion: lifecycle.keptn.sh/v1
kind: KeptnTaskDefinition
metadata: {name: inline}
spec: {deno: {inline: {code: "1"}}}
`

var digest = strings.Repeat("0a", 32)

func planOf(t *testing.T, text string, change func(*resolve.Options)) plan.Plan {
	t.Helper()
	o := resolve.Options{Namespace: "default", KeptnNamespace: "keptn-system"}
	if change != nil {
		change(&o)
	}
	m, _, err := spec.Load([]spec.File{{Name: "a.yaml", Data: []byte(strings.ReplaceAll(text, "DIGEST", digest)), Named: true}}, spec.Options{Namespace: "default"})
	if err != nil {
		t.Fatal(err)
	}
	p, _, err := resolve.Resolve(m, o)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestPin checks that images run by digest or ID, that a script runs as a file, and that an ID is never pulled by its text.
func TestPin(t *testing.T) {
	l := spec.Lock{
		Images: []spec.LockedImage{
			{Image: "127.0.0.1:5000/team/app:1", Digest: "sha256:" + digest, Pos: spec.Pos{File: "ktask.lock", Line: 3}}, {Image: "app:dev", ID: "sha256:" + digest},
			{Image: "ghcr.io/keptn/python-runtime:v1.0.8", Digest: "sha256:" + digest}, {Image: "ghcr.io/keptn/deno-runtime:v3.0.1", Digest: "sha256:" + digest},
		},
		Scripts: []spec.LockedScript{{URL: "https://example.com/a.py?x=1", SHA256: digest, Pos: spec.Pos{File: "ktask.lock", Line: 9}}},
	}
	before := planOf(t, toPin, nil)
	p, problems := resolve.Pin(before, l, func(spec.LockedScript) ([]byte, error) { return []byte("print(1)"), nil })
	got := problems.Err()
	text := ""
	for _, task := range p.Tasks {
		c := task.Container
		text += fmt.Sprintf("%s %s %s %s", task.Name, c.Image, c.ImageOrigin.Position(), c.PullPolicy)
		for _, e := range c.Env {
			if e.Name == "SCRIPT" {
				text += " " + e.Value.String() + " " + e.Origin.Position()
			}
		}
		for _, f := range c.Files {
			text += fmt.Sprintf(" %s %04o %s", f.Path, f.Mode, f.Content)
		}
		text += "\n"
	}
	want := strings.ReplaceAll(`container 127.0.0.1:5000/team/app@sha256:DIGEST ktask.lock:3 Always
pinned app:1@sha256:DIGEST a.yaml:9 IfNotPresent
local sha256:DIGEST  Never
script ghcr.io/keptn/python-runtime@sha256:DIGEST  IfNotPresent /var/data/function.py ktask.lock:9 /var/data/function.py 0644 print(1)
inline ghcr.io/keptn/deno-runtime@sha256:DIGEST  IfNotPresent /var/data/function.ts  /var/data/function.ts 0644 1
`, "DIGEST", digest)
	if got != nil || text != want {
		t.Errorf("error %v\n%s\nwant\n%s", got, text, want)
	}
	scripts, _ := resolve.Scripts(before)
	if i := before.Tasks[0].Container.Image; i != "127.0.0.1:5000/team/app:1" || len(scripts) != 1 || scripts[0].URL != "https://example.com/a.py?x=1" {
		t.Errorf("the plan before has now image %q and scripts %q", i, scripts)
	}
}

// TestNotLocked checks that what is not in the lock is a problem at its place, once, and that there is no plan then.
func TestNotLocked(t *testing.T) {
	l := spec.Lock{Scripts: []spec.LockedScript{{URL: "https://example.com/a.py?x=1", SHA256: digest, Pos: spec.Pos{File: "ktask.lock", Line: 9}}}}
	p, problems := resolve.Pin(planOf(t, toPin+"---\n"+strings.ReplaceAll(toPin, "{name: ", "{name: x"), nil), l,
		func(spec.LockedScript) ([]byte, error) {
			return nil, &resolve.ScriptError{Err: errors.New("it has changed"), Remedy: "change it back"}
		})
	var got []string
	for _, problem := range problems {
		got = append(got, problem.String())
	}
	want := []string{
		`a.yaml:4:36: error: image "127.0.0.1:5000/team/app:1" is not in ktask.lock (run ktask lock with the same paths and flags) [not-locked]`,
		`a.yaml:14:36: error: image "app:dev" is not in ktask.lock (run`,
		`error: image "ghcr.io/keptn/python-runtime:v1.0.8" is not in ktask.lock (default) (run`,
		`a.yaml:19:32: error: the script "https://example.com/a.py?x=1" of ktask.lock:9: it has changed (change it back) [not-locked]`,
		`error: image "ghcr.io/keptn/deno-runtime:v3.0.1" is not in ktask.lock (default) (run`,
		`a.yaml:29:37: error: image "127.0.0.1:5000/team/app:1"`, `a.yaml:39:37: error: image "app:dev"`, `a.yaml:44:32: error: the script`,
	}
	if len(p.Tasks) > 0 || len(got) != len(want) {
		t.Fatalf("%d tasks, problems\n%s", len(p.Tasks), strings.Join(got, "\n"))
	}
	for i, begin := range want {
		if !strings.HasPrefix(got[i], begin) {
			t.Errorf("got  %s\nwant %s", got[i], begin)
		}
	}
}

// TestScriptsThatCannotBeLocked checks every script that an image may download, whatever a lock says of it.
func TestScriptsThatCannotBeLocked(t *testing.T) {
	const secret = "•••"
	for script, want := range map[string]string{
		"https://example.com/a.py":      "is not in ktask.lock",
		"HTTP://example.com":            "is not in ktask.lock",
		"ftp://example.com/a.py":        "does not begin with http:// or https://",
		"npm:x":                         "does not begin",
		"jsr:@std/x":                    "does not begin",
		"data:text/javascript,1":        "does not begin",
		"file:///etc/passwd":            "does not begin",
		"https:example.com":             "does not begin",
		"/a.py https://example.com":     "does not begin", // the image of Keptn downloads a URL anywhere in SCRIPT
		"https://example.com https://b": "contains blanks",
		"https://example.com/\u00a0":    "contains blanks",
		"https://$(SECURE_DATA)/a":      "contains a secret",
		"$(SECURE_DATA)":                "contains a secret",
		"/opt/a.py":                     "",
		"/opt/a.py -i x:y":              "",
		"a.py":                          "",
	} {
		url := script
		if !strings.Contains(script, "$(") {
			url = "https://example.com/replaced"
		}
		text := fmt.Sprintf("apiVersion: lifecycle.keptn.sh/v1\nkind: KeptnTaskDefinition\nmetadata: {name: a}\nspec: {python: {httpRef: {url: %q}, secureParameters: {secret: s}}}\n", url)
		p := planOf(t, text, func(o *resolve.Options) {
			o.Secrets = []resolve.SecretValue{{Name: "s", Key: "SECURE_DATA", Value: plan.NewSecret("s/SECURE_DATA", "https://hunter2.example.com/a.py")}}
			if url != script {
				o.Env = []resolve.Override{{Key: "SCRIPT", Value: script, Origin: plan.Flag("env")}}
			}
		})
		locked := spec.Lock{Images: []spec.LockedImage{{Image: "ghcr.io/keptn/python-runtime:v1.0.8", Digest: "sha256:" + digest}}}
		if want != "is not in ktask.lock" {
			locked.Scripts = []spec.LockedScript{{URL: script, SHA256: digest}, {URL: secret, SHA256: digest}}
		}
		_, problems := resolve.Pin(p, locked, func(spec.LockedScript) ([]byte, error) { return []byte("x"), nil })
		if got := fmt.Sprint(problems); want == "" && len(problems) > 0 || want != "" && (len(problems) != 1 || !strings.Contains(got, want)) || strings.Contains(got, "hunter2") {
			t.Errorf("%q: want %q, got %v", script, want, got)
		}
		if offline := resolve.CheckOffline(p); (len(offline) > 0) != (want != "") {
			t.Errorf("%q: --offline has problems %v", script, offline)
		}
	}
}

// TestFlagsAreLocked checks that what a flag replaces must be in the lock as well.
func TestFlagsAreLocked(t *testing.T) {
	p := planOf(t, toPin, func(o *resolve.Options) {
		o.Tasks = []string{"inline"}
		o.DenoImage = &resolve.Setting[string]{Value: "mine:1", Origin: plan.Flag("deno-image")}
		o.Env = []resolve.Override{{Key: "SCRIPT", Value: "https://example.com/b.ts", Origin: plan.Flag("env")}}
	})
	_, problems := resolve.Pin(p, spec.Lock{}, nil)
	got := fmt.Sprint(problems)
	for _, want := range []string{`image "mine:1" is not in ktask.lock (flag --deno-image)`, `the script "https://example.com/b.ts" is not in ktask.lock (flag --env)`} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing in %s", want, got)
		}
	}
}
