package docker

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/ktask/ktask/engine"
)

// TestFindImage checks the digest of an image: that in the registry of its name, and whether podman or the image store of containerd
// may have made it.
func TestFindImage(t *testing.T) {
	for name, test := range map[string]struct {
		server, digests string
		want            engine.Image
	}{
		"docker":              {"Docker/20.10", `"other@sha256:0","busybox@sha256:1"`, engine.Image{Digest: "sha256:1", ID: "sha256:9"}},
		"of no registry":      {"Docker/20.10", ``, engine.Image{ID: "sha256:9"}},
		"of another":          {"Podman/4.3.1", `"other@sha256:1"`, engine.Image{ID: "sha256:9"}},
		"store of containerd": {"Docker/29.0", `"busybox@sha256:9"`, engine.Image{Digest: "sha256:9", OwnDigest: true, ID: "sha256:9"}},
		"podman":              {"Libpod/4.3.1", `"busybox@sha256:1"`, engine.Image{Digest: "sha256:1", OwnDigest: true, ID: "sha256:9"}},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
				w.Header().Set("Api-Version", "1.41")
				w.Header().Set("Server", test.server+" (linux)")
				if strings.HasSuffix(request.URL.Path, "/json") {
					_, _ = w.Write([]byte(`{"Id":"sha256:9","Os":"linux","Architecture":"arm64","RepoDigests":[` + test.digests + `]}`))
				}
			}))
			defer server.Close()
			test.want.Platform = "linux/arm64"
			e, err := New(Options{Host: strings.Replace(server.URL, "http://", "tcp://", 1)})
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = e.Close() }()
			if got, ok, err := e.FindImage(t.Context(), "busybox:1", ""); got != test.want || !ok || err != nil {
				t.Errorf("got %+v, %t, %v; want %+v", got, ok, err, test.want)
			}
		})
	}
}

// TestDigestIn checks that the digest is one of the image's own repository: that of another one could not be pulled there.
func TestDigestIn(t *testing.T) {
	second := "sha256:" + strings.Repeat("2", 64)
	for _, test := range []struct {
		ref     string
		digests []string
		want    string
	}{
		{"busybox", []string{"busybox@sha256:1"}, "sha256:1"},
		{"docker.io/library/busybox:1.36", []string{"other@sha256:0", "busybox@sha256:1"}, "sha256:1"},
		{"busybox:1", []string{"docker.io/library/busybox@sha256:1"}, "sha256:1"},
		{"mirror.example.com/busybox:1", []string{"busybox@sha256:1"}, ""},
		{"127.0.0.1:5000/a/b:1", []string{"127.0.0.1:5000/a/b@sha256:2", "127.0.0.1:5000/a/b@sha256:1", "127.0.0.1:5000/a@sha256:0"}, "sha256:1"},
		{"busybox", []string{"busybox"}, ""},
		{"busybox", nil, ""},
		{"busybox@" + second, []string{"busybox@sha256:1"}, second},
		{"0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a", []string{"busybox@sha256:1"}, ""},
	} {
		if got := digestIn(test.digests, test.ref); got != test.want {
			t.Errorf("%s in %v: got %q, want %q", test.ref, test.digests, got, test.want)
		}
	}
}
