package local_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ktask/ktask/local"
	"github.com/ktask/ktask/spec"
)

func sum(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// scriptServer serves /NAME with the text of NAME, and counts the requests.
func scriptServer(t *testing.T, texts map[string]string) (url string, count func() int) {
	t.Helper()
	requests := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests++
		switch text, ok := texts[r.URL.Path]; {
		case r.URL.Path == "/loop":
			http.Redirect(w, r, "/loop", http.StatusFound)
		case r.URL.Path == "/to-a":
			http.Redirect(w, r, "/a", http.StatusFound)
		case r.URL.Path == "/to-file":
			http.Redirect(w, r, "file:///etc/passwd", http.StatusFound)
		case !ok:
			http.NotFound(w, r)
		default:
			_, _ = fmt.Fprint(w, text)
		}
	}))
	t.Cleanup(server.Close)
	return server.URL, func() int { return requests }
}

// TestLockedScript checks that a script is downloaded once, that its copy is used only if it is what was locked, and that no other
// content is returned.
func TestLockedScript(t *testing.T) {
	texts := map[string]string{"/a": "print(1)"}
	url, requests := scriptServer(t, texts)
	s := local.Scripts{Dir: filepath.Join(t.TempDir(), "new", "scripts"), Transport: http.DefaultTransport}
	l := spec.LockedScript{URL: url + "/a", SHA256: sum("print(1)")}
	expect := func(what string, made int) {
		t.Helper()
		content, err := s.Locked(t.Context(), l)
		if string(content) != "print(1)" || err != nil || requests() != made {
			t.Errorf("%s: %q, %v, after %d requests", what, content, err, requests())
		}
	}
	expect("the first time", 1)
	expect("from the copy", 1)
	copied := filepath.Join(s.Dir, l.SHA256)
	if err := os.WriteFile(copied, []byte("print('evil')"), 0o600); err != nil {
		t.Fatal(err)
	}
	expect("with a false copy", 2)
	s.Offline = true
	expect("offline", 2)
	texts["/a"] = "print(2)"
	expect("offline after a change", 2)
	if err := os.Remove(copied); err != nil {
		t.Fatal(err)
	}
	if content, err := s.Locked(t.Context(), l); err == nil || content != nil || !strings.Contains(err.Error(), "no copy of it, and nothing may be downloaded") || requests() != 2 {
		t.Errorf("offline without a copy: %q, %v, after %d requests", content, err, requests())
	}
	if _, err := s.Download(t.Context(), l.URL); err == nil || requests() != 2 {
		t.Errorf("a download offline: %v, after %d requests", err, requests())
	}
	s.Offline = false
	if content, err := s.Locked(t.Context(), l); err == nil || content != nil || !strings.Contains(err.Error(), "its SHA-256 is now "+sum("print(2)")) {
		t.Errorf("a changed script: %q, %v", content, err)
	}
	s.Dir = ""
	texts["/a"] = "print(1)"
	expect("without a directory", 4)
}

// TestDownloads checks what is not a script, and that nothing on this machine is called.
func TestDownloads(t *testing.T) {
	url, requests := scriptServer(t, map[string]string{"/a": "print(1)", "/empty": "", "/large": strings.Repeat("x", 16<<20+1)})
	s := local.Scripts{Transport: http.DefaultTransport}
	for path, want := range map[string]string{
		"/a": "", "/to-a": "", "/empty": "it is empty", "/large": "over 16 MiB", "/nothing": "404 Not Found",
		"/loop": "more than 10 redirects", "/to-file": "only http and https are followed",
	} {
		content, err := s.Download(t.Context(), url+path)
		if want == "" && (err != nil || string(content) != "print(1)") || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %q, %v", path, content, err)
		}
	}
	before := requests()
	_, port, _ := strings.Cut(strings.TrimPrefix(url, "http://"), ":")
	for _, host := range []string{"127.0.0.1", "127.1.2.3", "localhost", "[::1]", "0.0.0.0", "[::ffff:127.0.0.1]", "169.254.169.254", "[fe80::1%25lo]"} {
		_, err := local.Scripts{}.Download(t.Context(), "http://"+host+":"+port+"/a")
		if err == nil || !strings.Contains(err.Error(), "is an address of this machine, which a task cannot reach") {
			t.Errorf("%s: %v", host, err)
		}
	}
	if requests() != before {
		t.Errorf("%d requests came through", requests()-before)
	}
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Download(canceled, url+"/a"); err == nil {
		t.Error("a canceled download succeeds")
	}
}

// TestWriteFile checks that a link is replaced, not followed, and that nothing is left after a failure.
func TestWriteFile(t *testing.T) {
	dir := t.TempDir()
	target, link := filepath.Join(dir, "target"), filepath.Join(dir, "link")
	if err := os.WriteFile(target, []byte("before"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(target, link); err != nil {
		t.Fatal(err)
	}
	if err := local.WriteFile(link, []byte("after")); err != nil {
		t.Fatal(err)
	}
	kept, _ := os.ReadFile(target)
	written, _ := os.ReadFile(link)
	if string(kept) != "before" || string(written) != "after" {
		t.Errorf("the target has %q, the link %q", kept, written)
	}
	if err := os.Mkdir(filepath.Join(dir, "full"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "full", "x"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := local.WriteFile(filepath.Join(dir, "full"), []byte("x")); err == nil {
		t.Error("a directory is replaced")
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 3 {
		t.Errorf("left: %v", entries)
	}
}
