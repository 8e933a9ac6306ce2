package e2e

import (
	"crypto/rand"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/ktask/ktask/integration/engines"
)

// slowly is the body of an answer that comes in small parts, with pauses until on is closed.
type slowly struct {
	io.ReadCloser
	on <-chan struct{}
}

func (s slowly) Read(p []byte) (int, error) {
	select {
	case <-s.on:
	case <-time.After(20 * time.Millisecond):
	}
	return s.ReadCloser.Read(p[:min(len(p), 32<<10)])
}

// TestLivePull looks at a pull on a terminal, from a registry that is slow until the pull was seen.
func TestLivePull(t *testing.T) {
	const size = 20_000_000
	registry, on := engines.Registry(t), make(chan struct{})
	proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: registry})
	proxy.FlushInterval = -1
	proxy.ModifyResponse = func(r *http.Response) error {
		if r.ContentLength > size/2 {
			r.Body = slowly{r.Body, on}
		}
		return nil
	}
	slow := httptest.NewServer(proxy)
	t.Cleanup(slow.Close)
	dir := t.TempDir()
	layer := make([]byte, size)
	_, _ = rand.Read(layer) // so that it cannot be compressed
	write(t, filepath.Join(dir, "layer"), string(layer))
	write(t, filepath.Join(dir, "Dockerfile"), "FROM "+busyboxImage+"\nCOPY layer /\n")
	pushed, pulled := registry+"/large:1", slow.Listener.Addr().String()+"/large:1"
	for _, args := range [][]string{{"build", "--tag", pushed, dir}, {"push", pushed}, {"image", "rm", pushed}} {
		if out, err := exec.Command("docker", args...).CombinedOutput(); err != nil {
			t.Fatalf("docker %v: %v: %s", args, err, out)
		}
	}
	t.Cleanup(func() { _ = exec.Command("docker", "image", "rm", pulled).Run() })
	file := filepath.Join(dir, "task.yaml")
	write(t, file, manifest("container", fmt.Sprintf("    name: c\n    image: %s\n    command: [echo, done]", pulled), nil))
	w := openWindow(t, 80, 24, "run", file)
	bar := regexp.MustCompile(`pulling \[=+ +\] [0-9.]+ of 20\.0 MB  ` + regexp.QuoteMeta(pulled[:20]))
	all := ""
	if !engines.Awaited(func() bool { all = w.tmux("capture-pane", "-p"); return bar.MatchString(all) }) {
		t.Errorf("no bar is in\n%s", all)
	}
	close(on)
	if all = w.shows("code 0"); bar.MatchString(all) {
		t.Errorf("the bar is still there:\n%s", all)
	}
}
