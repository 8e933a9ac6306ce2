package docker_test

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/docker/docker/api/types/container"

	"github.com/ktask/ktask/engine/docker"
	"github.com/ktask/ktask/engine/plan"
	"github.com/ktask/ktask/integration/engines"
)

// TestPreparedKeepsSecrets looks for the secrets of a task that runs in a prepared container: in what the engine says of the
// container, in its debug log, in the log of the container and in the arguments of all processes of the machine.
func TestPreparedKeepsSecrets(t *testing.T) {
	d := newDaemon(t, "--debug")
	e := connect(t, docker.Options{Host: d.host()})
	const secret = "the secret of a prepared container"
	c := shell(`trap go=1 USR1; echo "$FIRST"; until [ "$go" ]; do sleep 0.05; done; echo "$TOKEN" | tee /proc/1/fd/2; cat /file; exit 3`)
	c.Network, c.User = "none", "1234"
	c.Env = []plan.EnvVar{
		{Name: "FIRST", Value: plan.Plain("ready")},
		{Name: "TOKEN", Value: plan.Hidden(plan.NewSecret("s/k", secret))},
	}
	c.Files = []plan.File{{Path: "/file", Mode: 0o444, Content: []byte("content of a file\n")}}

	_, lines, done := runAside(t, readyEngine{e, t, func() {}}, c)
	engines.Receive(t, lines, "the task prints")
	left, err := e.Leftovers(t.Context(), runOf(t))
	if err != nil || len(left) != 1 {
		t.Fatalf("%v, %v", left, err)
	}
	api := d.client(t)
	found, err := api.ContainerInspect(t.Context(), left[0].ID)
	if err != nil || !strings.HasPrefix(found.Path, "/.ktask-") {
		t.Fatalf("%v, %v: the container is not prepared", found.Path, err)
	}
	inspected, err := json.Marshal(found)
	if err != nil {
		t.Fatal(err)
	}
	written, err := api.ContainerLogs(t.Context(), left[0].ID, container.LogsOptions{ShowStdout: true, ShowStderr: true})
	if err != nil {
		t.Fatal(err)
	}
	log, err := io.ReadAll(written)
	if err != nil {
		t.Fatal(err)
	}
	engineLog, err := os.ReadFile(d.path("log"))
	if err != nil || !bytes.Contains(engineLog, []byte("/attach")) {
		t.Fatalf("the debug log has no requests: %v", err)
	}
	places := map[string][]byte{"what inspect says": inspected, "the container's log": log, "the engine's log": engineLog, "the arguments of processes": arguments(t)}
	for place, text := range places {
		for _, hidden := range []string{secret, "content of a file"} {
			if bytes.Contains(text, []byte(hidden)) {
				t.Errorf("%s has %q", place, hidden)
			}
		}
	}
	if err := api.ContainerKill(t.Context(), left[0].ID, "USR1"); err != nil {
		t.Fatal(err)
	}
	if got := engines.Receive(t, done, "the run ends"); got.err != nil || got.exit.Code != 3 {
		t.Errorf("exit %+v, %v", got.exit, got.err)
	}
	var heard []string
	for len(lines) > 0 {
		heard = append(heard, <-lines)
	}
	slices.Sort(heard)
	if want := []string{"content of a file", plan.Mask, plan.Mask}; !slices.Equal(heard, want) {
		t.Errorf("the output is %q, want %q", heard, want)
	}
	nothingLeft(t, e)
}

// arguments returns the arguments of all processes.
func arguments(t *testing.T) (all []byte) {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil || len(files) == 0 {
		t.Fatalf("no processes: %v", err)
	}
	for _, file := range files {
		line, _ := os.ReadFile(file) // empty if the process has ended
		all = append(all, line...)
	}
	return all
}
