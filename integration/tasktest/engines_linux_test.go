package tasktest_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/integration/engines"
)

// TestEngines runs tests of this package on other engines, on the machine that the engine is on, or in its network if it has its
// own. They are in a process of their own, since testcontainers-go looks for the engine once. Ryuk is disabled: in a container, as
// in CI, testcontainers-go calls Ryuk at an address that podman's networks do not have.
func TestEngines(t *testing.T) {
	for column, e := range map[string]struct {
		start func(testing.TB, ...string) string
		tests string
	}{
		"podman":           {engines.Podman, "^(TestPass|TestFail|TestContextEnds|TestHost)$/.*(bridge|none|suite)"}, // it has no default network
		"podman, rootless": {engines.RootlessPodman, "^(TestHost|TestHostPortIsClosed)$"},
		"Docker of today":  {engines.BridgedDocker, "^(TestHost|TestHostPortIsClosed)$"},
		"Docker, rootless": {engines.RootlessDocker, "^(TestHost|TestHostPortIsClosed)$"},
	} {
		t.Run(column, func(t *testing.T) {
			host := e.start(t, "ktask.local/busybox:dev")
			arguments := []string{os.Args[0], "-test.run=" + e.tests, "-test.v"}
			tests := engines.Beside(host, arguments...)
			if column == "podman" {
				tests = exec.Command(arguments[0], arguments[1:]...)
			}
			tests.Env = append(os.Environ(), "DOCKER_HOST="+host, "TESTCONTAINERS_RYUK_DISABLED=true", suiteRun+"="+engine.NewRunID())
			out, err := tests.CombinedOutput()
			if product, _, _ := strings.Cut(strings.ToLower(column), " "); err != nil || !strings.Contains(string(out), "engine "+strings.TrimSuffix(product, ",")) {
				t.Fatalf("%v: %s", err, out)
			}
			engines.CompareColumn(t, column, map[string]string{"a task reaches the test's own server": "yes"}, false)
		})
	}
}
