package e2e

import (
	"path/filepath"
	"testing"
)

// TestInitRuns runs each file that init writes as it is, with the test images.
func TestInitRuns(t *testing.T) {
	for _, runtime := range []string{"deno", "python", "container"} {
		t.Run(runtime, func(t *testing.T) {
			dir := t.TempDir()
			startIn(t, dir, "", binary, "init", runtime, "first").wait(t).expect(t, 0)
			o := ktask(t, "", "run", "--image", anyBusybox, filepath.Join(dir, "first.yaml")).expect(t, 0)
			if o.stdout != "Hello, Keptn!\n" {
				t.Errorf("prints %q", o.stdout)
			}
			if o := ktask(t, "", "validate", filepath.Join(dir, "first.yaml")).expect(t, 0); o.stderr != "" {
				t.Errorf("validate says %s", o.stderr)
			}
		})
	}
}
