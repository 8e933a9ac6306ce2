package e2e

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// TestFullDisk: a run whose output could not be written does not pass, even if its task does.
func TestFullDisk(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = full.Close() }()
	for _, output := range []string{"plain", "json", "github"} {
		var stderr bytes.Buffer
		ctx, cancel := context.WithTimeout(t.Context(), lifetime)
		defer cancel()
		cmd := exec.CommandContext(ctx, binary, "run", "-o", output, "-")
		cmd.Env = append(os.Environ(), "PYTHON_RUNNER_IMAGE="+pythonImage)
		cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(python("print(1)")), full, &stderr
		_ = cmd.Run()
		if code := cmd.ProcessState.ExitCode(); code != 3 || !strings.Contains(stderr.String(), "write output: ") {
			t.Errorf("%s: exit code %d, stderr:\n%s", output, code, &stderr)
		}
	}
}
