package docker_test

import (
	"strings"
	"testing"
	"time"

	"github.com/ktask/ktask/engine/docker"
	"github.com/ktask/ktask/integration/engines"
)

// TestPodman runs the same suite on podman, and tests what differs there: podman creates the process when a client attaches,
// has another kind of log, waits for the whole grace of a container that is removed by force, and reports a name that is
// taken as an internal error.
func TestPodman(t *testing.T) {
	// A request that waits for the grace of the containers, a minute, gets no answer.
	o := docker.Options{Host: engines.Podman(t, busybox), AnswerWithin: 20 * time.Second}
	t.Run("conforms", func(t *testing.T) { conforms(t, o) })
	t.Run("prepared", func(t *testing.T) { prepares(t, o) })
	t.Run("describe", func(t *testing.T) { describes(t, o, "podman") })
	t.Run("measured", func(t *testing.T) { measures(t, o, "podman") })
	t.Run("stream that breaks goes on", func(t *testing.T) { brokenStreamGoesOn(t, strings.TrimPrefix(o.Host, "unix://")) })
	t.Run("parts of volumes", func(t *testing.T) { refusesParts(t, o) })
	t.Run("messages", func(t *testing.T) { messagesAreAsInAPod(t, o) })
	t.Run("unstartable", func(t *testing.T) { tellsWhyNotStarted(t, o) })
	t.Run("removed by others", func(t *testing.T) { tellsRemovals(t, o) })
	t.Run("sweep", func(t *testing.T) { sweeps(t, o) })
	t.Run("remove together", func(t *testing.T) { removesTogether(t, o) })
	t.Run("runners apart", func(t *testing.T) { runnersApart(t, o) })
	t.Run("build", func(t *testing.T) { buildsImages(t, o) })
	t.Run("archive", func(t *testing.T) { movesImages(t, o, docker.Options{}) })
	t.Run("hosts", func(t *testing.T) { resolvesHosts(t, o, "bridge") })
	t.Run("others", func(t *testing.T) { nameOfAnother(t, o) })
}

// TestSoakPodmanFaults makes requests to podman fail.
func TestSoakPodmanFaults(t *testing.T) {
	soakOnly(t)
	testFaults(t, engines.Podman(t, busybox), append(scenarios(), preparedScenarios(t)...), false)
}

// TestArchive moves images from Docker to podman.
func TestArchive(t *testing.T) {
	movesImages(t, docker.Options{}, docker.Options{Host: engines.Podman(t)})
}
