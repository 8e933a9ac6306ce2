package tasktest_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/integration/engines"
)

// TestPodman runs tests of this package on podman, in a process of their own, since testcontainers-go looks for the engine once.
// Ryuk is disabled: in a container, as in CI, testcontainers-go calls Ryuk at an address that podman's networks do not have.
func TestPodman(t *testing.T) {
	t.Parallel()
	host := engines.Podman(t, "ktask.local/busybox:dev", "ktask.local/python-runtime:dev")
	tests := exec.Command(os.Args[0], "-test.run=^(TestPass|TestFail|TestContextEnds|TestHost)$/.*(bridge|none|suite)", "-test.v")
	tests.Env = append(os.Environ(), "DOCKER_HOST="+host, "TESTCONTAINERS_RYUK_DISABLED=true", suiteRun+"="+engine.NewRunID())
	out, err := tests.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "engine podman") {
		t.Errorf("%v: %s", err, out)
	}
}
