package docker_test

import (
	"strings"
	"testing"
	"time"

	"github.com/ktask/ktask/engine/docker"
	"github.com/ktask/ktask/integration/engines"
)

func TestRootlessPodman(t *testing.T) { testRootless(t, "podman", engines.RootlessPodman) }

func TestRootlessDocker(t *testing.T) { testRootless(t, "docker", engines.RootlessDocker) }

// testRootless runs the suite on an engine of a user without privileges.
func testRootless(t *testing.T, name string, start func(testing.TB, ...string) string) {
	needsEngine(t)
	o := docker.Options{Host: start(t, busybox), AnswerWithin: 20 * time.Second}
	t.Run("conforms", func(t *testing.T) { conforms(t, o) })
	t.Run("prepared", func(t *testing.T) { prepares(t, o) })
	t.Run("describe", func(t *testing.T) { describes(t, o, name) })
	t.Run("facts", func(t *testing.T) {
		if facts, err := connect(t, o).Facts(t.Context()); err != nil || !facts.Rootless || facts.HostGateway {
			t.Errorf("facts %+v, error %v", facts, err)
		}
	})
	t.Run("measured", func(t *testing.T) { measures(t, o, strings.Replace(name, "docker", "Docker", 1)+", rootless") })
	t.Run("sweep", func(t *testing.T) { sweeps(t, o) })
	t.Run("others", func(t *testing.T) { nameOfAnother(t, o) })
}
