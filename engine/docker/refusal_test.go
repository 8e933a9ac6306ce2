package docker_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/docker"
	"github.com/ktask/ktask/engine/enginetest"
	"github.com/ktask/ktask/engine/plan"
)

// TestRefusalsAreAdvised asks the engine for what it refuses because of a flag or a limit: the remedy names it.
func TestRefusalsAreAdvised(t *testing.T) {
	e := connect(t, docker.Options{})
	for _, test := range []struct {
		remedy string
		change func(*plan.Container)
	}{
		{"option network", func(c *plan.Container) { c.Network = "nosuch" }},
		{"option mounts", func(c *plan.Container) { c.Mounts = []plan.Mount{{Source: "/no/such/directory", Target: "/x"}} }},
		{"option mounts", func(c *plan.Container) { c.Mounts = []plan.Mount{{Source: "/tmp", Target: "/proc"}} }},
		{"resources", func(c *plan.Container) { c.Limits.MemoryBytes = 1 << 20 }},
	} {
		remedy := test.remedy
		c := shell("true")
		test.change(&c)
		_, err := engine.Attempt(t.Context(), e, c, labels(t, 1), &enginetest.Recorder{})
		if failure, ok := errors.AsType[*engine.Error](err); !ok || failure.Reason != engine.EngineRefused || !strings.Contains(failure.Remedy.String(), remedy) {
			t.Errorf("%s: error %+v", remedy, err)
		}
		nothingLeft(t, e)
	}
}

// TestServerThatIsNoEngine connects to a web server: its answers do not count as those about an image, and its pages are not
// shown.
func TestServerThatIsNoEngine(t *testing.T) {
	for name, handler := range map[string]http.Handler{
		"knows no such page": http.NotFoundHandler(),
		"knows every page":   http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>welcome</html>")) }),
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(handler)
			defer server.Close()
			e, err := docker.New(docker.Options{Host: strings.Replace(server.URL, "http", "tcp", 1)})
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = e.Close() }()
			for _, pull := range []plan.PullPolicy{plan.PullAlways, plan.PullIfNotPresent, plan.PullNever} {
				c := shell("true")
				c.PullPolicy = pull
				err := e.Prepare(t.Context(), c, &enginetest.Recorder{})
				failure, ok := errors.AsType[*engine.Error](err)
				if !ok || failure.Reason != engine.EngineRefused || failure.Remedy.Option != engine.OptionHost || strings.Contains(err.Error(), "html") {
					t.Errorf("%s: error %+v", pull, err)
				}
			}
		})
	}
}

// TestKeepWhatCannotStart keeps the container of a command that does not exist, so that the user can look into it.
func TestKeepWhatCannotStart(t *testing.T) {
	e := connect(t, docker.Options{Keep: docker.KeepFailed})
	c := shell("")
	c.Command = plan.Texts([]string{"nosuch"})
	if exit, err := engine.Attempt(t.Context(), e, c, labels(t, 1), &enginetest.Recorder{}); err != nil || exit.Reason != engine.CommandNotFound {
		t.Fatalf("exit %+v, error %v", exit, err)
	}
	left, err := e.Leftovers(t.Context(), runOf(t))
	if err != nil || len(left) != 2 || !left[0].Kept || !left[1].Kept {
		t.Errorf("left: %+v, want the container and the volume of its message, error %v", left, err)
	}
	for _, l := range left {
		if err := e.Remove(t.Context(), l); err != nil {
			t.Error(err)
		}
	}
	nothingLeft(t, e)
}
