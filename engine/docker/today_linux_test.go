package docker_test

import (
	"testing"

	"github.com/ktask/ktask/engine/docker"
	"github.com/ktask/ktask/integration/engines"
)

// TestDockerOfToday runs the same suite on a current engine, and tests what older ones cannot do.
func TestDockerOfToday(t *testing.T) {
	o := docker.Options{Host: engines.Docker(t, busybox)}
	t.Run("conforms", func(t *testing.T) { conforms(t, o) })
	t.Run("prepared", func(t *testing.T) { prepares(t, o) })
	t.Run("measured", func(t *testing.T) { measures(t, o, "Docker of today") })
	t.Run("messages", func(t *testing.T) { messagesAreAsInAPod(t, o) })
	t.Run("parts of volumes", func(t *testing.T) { mountsParts(t, o) })
	t.Run("parts that are links", func(t *testing.T) { partsDoNotLead(t, o) })
	t.Run("unstartable", func(t *testing.T) { tellsWhyNotStarted(t, o) })
	t.Run("removed by others", func(t *testing.T) { tellsRemovals(t, o) })
	t.Run("sweep", func(t *testing.T) { sweeps(t, o) })
	t.Run("build", func(t *testing.T) { buildsImages(t, o) })
	t.Run("archive", func(t *testing.T) { movesImages(t, o, docker.Options{}) })
	t.Run("hosts", func(t *testing.T) { resolvesHosts(t, o) }) // it has no default network
	t.Run("others", func(t *testing.T) { nameOfAnother(t, o) })
	if left := volumesLeft(t, o.Host); len(left) > 0 {
		t.Errorf("volumes are left: %q", left)
	}
}
