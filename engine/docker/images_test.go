package docker_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/image"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/docker"
	"github.com/ktask/ktask/engine/plan"
	"github.com/ktask/ktask/integration/engines"
)

// buildOf returns a build from a Dockerfile. At the end of the test its image is removed.
func buildOf(t *testing.T, o docker.Options, dockerfile string, out io.Writer) engine.ImageBuild {
	t.Helper()
	b := engine.ImageBuild{
		Tag: "ktask.local/built-by-test:dev", Args: map[string]string{"BASE": busybox}, Network: "none", Output: out,
		Context: fstest.MapFS{"Dockerfile": {Data: []byte(dockerfile)}, "word": {Data: []byte("a word\n"), Mode: 0o644}},
	}
	t.Cleanup(func() {
		_, _ = apiAt(t, o.Host).ImageRemove(context.WithoutCancel(t.Context()), b.Tag, image.RemoveOptions{Force: true, PruneChildren: true})
	})
	return b
}

// TestBuildImage builds small images, and images that cannot be built.
func TestBuildImage(t *testing.T) { buildsImages(t, docker.Options{}) }

func buildsImages(t *testing.T, o docker.Options) {
	e := connect(t, o)
	const first = "ARG BASE=none.example/none:1\nFROM ${BASE}\n"
	t.Run("works", func(t *testing.T) {
		var out bytes.Buffer
		b := buildOf(t, o, first+"COPY word /word\nCMD [\"cat\", \"/word\"]\n", &out)
		if err := e.BuildImage(t.Context(), b); err != nil {
			t.Fatalf("error %v, output %s", err, &out)
		}
		if text := strings.ToLower(out.String()); !strings.Contains(text, ": copy word /word\n") || strings.Contains(text, "\n\n") || !strings.HasSuffix(text, "\n") {
			t.Errorf("output %q", text)
		}
		found, ok, err := e.FindImage(t.Context(), b.Tag, "")
		if err != nil || !ok || found.Bytes == 0 || !strings.HasPrefix(found.Platform, "linux/") || found.ID == "" {
			t.Errorf("found %+v, %v, %v", found, ok, err)
		}
		if _, ok, err := e.FindImage(t.Context(), b.Tag, "linux/unknown"); ok || err != nil {
			t.Errorf("of another platform: %v, %v", ok, err)
		}
	})
	for name, test := range map[string]struct {
		dockerfile, says string
		reason           engine.Reason
		option           engine.Option
	}{
		"a command that fails": {first + "RUN echo to stdout; echo to stderr >&2; exit 7\n", "(RUN echo to stdout; echo to stderr >&2; exit 7): exit code 7", engine.EngineRefused, engine.OptionBuild},
		"no such base":         {"FROM 127.0.0.1:1/none:1\n", "(FROM 127.0.0.1:1/none:1)", engine.ImagePullFailed, engine.OptionBase},
	} {
		t.Run(name, func(t *testing.T) {
			before := containers(t, o)
			var out bytes.Buffer
			err := e.BuildImage(t.Context(), buildOf(t, o, test.dockerfile, &out))
			wantReason(t, err, test.reason, test.says)
			if failure, ok := errors.AsType[*engine.Error](err); !ok || failure.Remedy.Option != test.option {
				t.Errorf("error %+v", failure)
			}
			if test.option == engine.OptionBuild && (!strings.Contains(out.String(), "to stdout\n") || !strings.Contains(out.String(), "to stderr\n") || strings.Contains(out.String(), "\x1b")) {
				t.Errorf("output %q", &out)
			}
			if after := containers(t, o); len(after) > len(before) {
				t.Errorf("containers are left: %q, before %q", after, before)
			}
		})
	}
	t.Run("canceled", func(t *testing.T) {
		before := containers(t, o)
		ctx, cancel := context.WithCancelCause(t.Context())
		stop := errors.New("the user's")
		b := buildOf(t, o, first+"RUN echo begun; sleep 1000\n", writerFunc(func(p []byte) {
			if strings.HasPrefix(string(p), "begun") {
				cancel(stop)
			}
		}))
		if err := e.BuildImage(ctx, b); !errors.Is(err, stop) {
			t.Errorf("error %v", err)
		}
		engines.Await(t, "the container of the build is removed", func() bool { return len(containers(t, o)) <= len(before) })
	})
}

// writerFunc is a function as a writer.
type writerFunc func(p []byte)

func (f writerFunc) Write(p []byte) (int, error) {
	f(p)
	return len(p), nil
}

// containers returns the images of the containers on an engine that no ktask has made.
func containers(t *testing.T, o docker.Options) []string {
	t.Helper()
	all, err := apiAt(t, o.Host).ContainerList(t.Context(), container.ListOptions{All: true})
	if err != nil {
		t.Fatal(err)
	}
	var left []string
	for _, c := range all {
		if c.Labels["dev.ktask.run"] == "" {
			left = append(left, c.Image+" "+c.Command)
		}
	}
	return left
}

// TestBuildWithCredentials holds that an engine gets the credentials for the registries of the bases, and no others.
func TestBuildWithCredentials(t *testing.T) {
	var mu sync.Mutex
	var asked []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if strings.HasSuffix(request.URL.Path, "/build") {
			asked = append(asked, request.Header.Get("X-Registry-Config"))
		}
		w.Header().Set("Api-Version", "1.41")
	}))
	defer server.Close()
	e := connectAnywhere(t, docker.Options{
		Host:       strings.Replace(server.URL, "http://", "tcp://", 1),
		AuthConfig: `{"auths":{"x.io":{"username":"ada","password":"right"},"y.io":{"username":"eve","password":"wrong"}}}`,
	})
	b := engine.ImageBuild{Tag: "a:1", Context: fstest.MapFS{}, Bases: []string{"x.io/base:1", "debian:12"}, Output: io.Discard}
	if err := e.BuildImage(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	want := "eyJ4LmlvIjp7InVzZXJuYW1lIjoiYWRhIiwicGFzc3dvcmQiOiJyaWdodCIsInNlcnZlcmFkZHJlc3MiOiJ4LmlvIn19" // {"x.io":…}
	if !slices.Equal(asked, []string{want}) {
		t.Errorf("the engine gets %q, want %q", asked, want)
	}
}

func connectAnywhere(t *testing.T, o docker.Options) *docker.Engine {
	t.Helper()
	e, err := docker.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close() })
	return e
}

// movesImages saves images on one engine and loads them on another.
func movesImages(t *testing.T, from, to docker.Options) {
	source, target := connect(t, from), connectAnywhere(t, to)
	tagged := "registry.example/ktask/archived:v1"
	if err := apiAt(t, from.Host).ImageTag(t.Context(), busybox, tagged); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, o := range []docker.Options{from, to} {
			_, _ = apiAt(t, o.Host).ImageRemove(context.WithoutCancel(t.Context()), tagged, image.RemoveOptions{})
		}
	})
	var archive bytes.Buffer
	if err := source.SaveImages(t.Context(), []string{busybox, tagged}, &archive); err != nil {
		t.Fatal(err)
	}
	names, err := target.LoadImages(t.Context(), bytes.NewReader(archive.Bytes()))
	if err != nil || !slices.Contains(names, busybox) || !slices.Contains(names, tagged) {
		t.Fatalf("loaded %q, error %v", names, err)
	}
	c := plan.Container{Image: tagged, PullPolicy: plan.PullNever, Command: plan.Texts([]string{"true"}), Network: "none"}
	if exit, _ := run(t, target, c); exit.Code != 0 {
		t.Errorf("exit %+v", exit)
	}
	found, _, err := source.FindImage(t.Context(), busybox, "")
	var byID bytes.Buffer
	if err = errors.Join(err, source.SaveImages(t.Context(), []string{found.ID}, &byID)); err != nil {
		t.Fatal(err)
	}
	if _, err := target.LoadImages(t.Context(), &byID); err != nil {
		t.Error(err)
	}
	own, _, err := target.FindImage(t.Context(), tagged, "")
	if err != nil {
		t.Error(err)
	}
	if _, ok, err := target.FindImage(t.Context(), found.ID, ""); own.ID == found.ID && !ok || err != nil { // containerd's image store has other IDs
		t.Errorf("loaded by its ID: %t, %v", ok, err)
	}

	err = source.SaveImages(t.Context(), []string{busybox, "registry.example/none:1"}, io.Discard)
	if failure, ok := errors.AsType[*engine.Error](err); !ok || !strings.Contains(failure.Error(), "registry.example/none") {
		t.Errorf("an image that is missing: %v", err)
	}
	full := errors.New("the disk is full")
	if err := source.SaveImages(t.Context(), []string{busybox}, failing{full}); !errors.Is(err, full) {
		t.Errorf("a file that cannot be written: %v", err)
	}
	_, err = target.LoadImages(t.Context(), io.MultiReader(bytes.NewReader(archive.Bytes()[:1000]), failing{full}))
	if !errors.Is(err, full) {
		t.Errorf("a file that cannot be read: %v", err)
	}
	for name, content := range map[string][]byte{"text": []byte("no archive"), "cut off": archive.Bytes()[:archive.Len()/2], "empty": nil} {
		if names, err := target.LoadImages(t.Context(), bytes.NewReader(content)); err == nil && name != "empty" {
			t.Errorf("%s: loaded %q", name, names)
		}
	}
}

// failing is a reader and a writer that fails.
type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }
func (f failing) Read([]byte) (int, error)  { return 0, f.err }

// TestArchiveThatEndsTooEarly lets an engine end the archive in the middle, or leave out an image, which it cannot tell in another
// way.
func TestArchiveThatEndsTooEarly(t *testing.T) {
	var archive bytes.Buffer
	if err := connect(t, docker.Options{}).SaveImages(t.Context(), []string{busybox}, &archive); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		content []byte
		refs    []string
		says    string
	}{
		"cut off":       {archive.Bytes()[:archive.Len()/2], []string{busybox}, "save images"},
		"an image less": {archive.Bytes(), []string{busybox, "other:1"}, `the engine's archive lacks "other:1"`},
		"nothing":       {nil, []string{busybox}, "lacks"},
		"no archive":    {[]byte(`{"message":"the engine's words"}` + strings.Repeat(" ", 1000)), []string{busybox}, "sends no archive"},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
				w.Header().Set("Api-Version", "1.41")
				if strings.HasSuffix(request.URL.Path, "/images/get") {
					_, _ = w.Write(test.content)
				}
			}))
			defer server.Close()
			e := connectAnywhere(t, docker.Options{Host: strings.Replace(server.URL, "http://", "tcp://", 1)})
			err := e.SaveImages(t.Context(), test.refs, io.Discard)
			if err == nil || !strings.Contains(err.Error(), test.says) {
				t.Errorf("error %v, want %q", err, test.says)
			}
		})
	}
}
