package docker

import "testing"

// TestDigestIn checks that the digest is one of the image's own repository: that of another one could not be pulled there.
func TestDigestIn(t *testing.T) {
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
		{"0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a", []string{"busybox@sha256:1"}, ""},
	} {
		if got := digestIn(test.digests, test.ref); got != test.want {
			t.Errorf("%s in %v: got %q, want %q", test.ref, test.digests, got, test.want)
		}
	}
}
