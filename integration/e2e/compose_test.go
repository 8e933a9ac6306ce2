package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// composeFile has a server that is healthy when its file is there, and a service that is done at once.
const composeFile = `
version: "2.4"
services:
  web:
    image: ktask.local/busybox:dev
    init: true
    command: [sh, -c, "sleep %s; echo served > /tmp/index.html; httpd -f -p 8080 -h /tmp"]
    healthcheck: {test: [CMD, test, -f, /tmp/index.html], interval: 200ms, retries: %s}
  once:
    image: ktask.local/busybox:dev
    command: [sh, -c, "exit %s"]
`

const fetches = `apiVersion: lifecycle.keptn.sh/v1
kind: KeptnTaskDefinition
metadata: {name: fetch}
spec:
  container: {name: c, image: "busybox:1.36.1", command: [wget, -q, -O, "-", "http://web:8080/"]}
`

// TestCompose starts projects with the real Docker Compose, and joins them while their services are starting.
func TestCompose(t *testing.T) {
	const long, many, good = "1.5", "1000", "0"
	for name, test := range map[string]struct {
		sleep, retries, exit string
		code                 int
		says                 []string
	}{
		"healthy":   {long, many, good, 0, []string{"served\n"}},
		"unhealthy": {"1000", "2", good, 3, []string{`service "web" of the compose project "PROJECT" is unhealthy`, "fix: docker logs PROJECT"}},
		"exited":    {"1000", many, "7", 3, []string{`service "once" of the compose project "PROJECT" has exited with code 7`, "fix: docker logs PROJECT"}},
	} {
		t.Run(name, func(t *testing.T) {
			project := fmt.Sprintf("ktask%d%s", os.Getpid(), name)
			file := filepath.Join(t.TempDir(), "compose.yaml")
			if err := os.WriteFile(file, fmt.Appendf(nil, composeFile, test.sleep, test.retries, test.exit), 0o600); err != nil {
				t.Fatal(err)
			}
			compose(t, "-p", project, "-f", file, "up", "-d")
			t.Cleanup(func() { compose(t, "-p", project, "-f", file, "down", "--volumes", "--timeout", "0") })
			got := ktask(t, fetches, "run", "--compose", project, "--image", anyBusybox, "-o", "plain", "-")
			for _, text := range test.says {
				if text = strings.ReplaceAll(text, "PROJECT", project); !strings.Contains(got.stdout+got.stderr, text) {
					t.Errorf("no %q", text)
				}
			}
			if got.code != test.code || t.Failed() {
				t.Errorf("exit code %d, want %d:\n%s%s", got.code, test.code, got.stdout, got.stderr)
			}
			if name != "healthy" {
				return
			}
			got = ktask(t, fetches, "run", "--compose", "nowhere", "--image", anyBusybox, "-")
			if want := `there is no default network of a compose project "nowhere"`; got.code != 3 || !strings.Contains(got.stderr, want) || !strings.Contains(got.stderr, project) {
				t.Errorf("a project that does not run: exit code %d, want 3 and %q with the name of one that runs:\n%s", got.code, want, got.stderr)
			}
			two := fetches + "---\n" + strings.Replace(fetches, "name: fetch", "name: again", 1)
			compose(t, "-p", project, "-f", file, "rm", "--force", "--stop")
			got = ktask(t, two, "run", "--compose", project, "--image", anyBusybox, "-")
			if want := "no service of the compose project"; got.code != 3 || strings.Count(got.stderr, want) != 1 || !strings.Contains(got.stderr, "docker compose -p "+project+" up -d") {
				t.Errorf("no service runs: exit code %d, want 3 and once %q:\n%s", got.code, want, got.stderr)
			}
			got = ktask(t, fetches, "run", "--compose", project, "--network", "none", "--image", anyBusybox, "-")
			if got.code != 2 || !strings.Contains(got.stderr, "name two networks") {
				t.Errorf("two networks: exit code %d:\n%s", got.code, got.stderr)
			}
		})
	}
}

// compose runs Docker Compose, as a program of its own or of the docker command.
func compose(t *testing.T, args ...string) {
	t.Helper()
	name := "docker-compose"
	if _, err := exec.LookPath(name); err != nil {
		name, args = "docker", append([]string{"compose"}, args...)
	}
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s %v: %v: %s", name, args, err, out)
	}
}
