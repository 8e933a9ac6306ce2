//go:build cluster

package e2e

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/kubernetes"
	"github.com/ktask/ktask/integration/engines"
)

// onCluster returns the arguments of ktask for a run on the cluster that `make test-cluster` brings up.
func onCluster(args ...string) []string {
	return append([]string{"run", "--engine", "kubernetes", "--image", anyBusybox}, args...)
}

// onTheCluster returns what all runs have on the cluster.
func onTheCluster(t *testing.T) []engine.Leftover {
	t.Helper()
	e, err := kubernetes.New(kubernetes.FromEnv())
	if err != nil {
		t.Fatal(err)
	}
	left, err := e.Leftovers(context.Background(), "")
	if err != nil {
		t.Fatal(err)
	}
	return left
}

func wantNothingLeft(t *testing.T) {
	t.Helper()
	if left := onTheCluster(t); len(left) > 0 {
		t.Errorf("left on the cluster: %v", left)
	}
}

// TestExamplesOnACluster runs the examples as Jobs, with both semantics, and compares what they print with what they say they do.
func TestExamplesOnACluster(t *testing.T) {
	for _, name := range exampleNames(t) {
		if strings.HasSuffix(name, "-httpref") {
			continue // their server is a container of Docker
		}
		for _, semantics := range []string{"local", "cluster"} {
			t.Run(name+"/"+semantics, func(t *testing.T) {
				t.Parallel()
				o := ktask(t, "", onCluster("--semantics", semantics, "--parallel", "1", "examples/"+name)...).expect(t, 0)
				if got, want := withoutPrefixes(o.stdout), readFile(t, filepath.Join(examples, name, "output.txt")); got != want {
					t.Errorf("prints\n%s\nwant\n%s", got, want)
				}
			})
		}
	}
	t.Cleanup(func() { wantNothingLeft(t) })
}

// clusterTask returns a manifest of a task that runs a script of sh.
func clusterTask(name, script, more string) string {
	return fmt.Sprintf(`apiVersion: lifecycle.keptn.sh/v1
kind: KeptnTaskDefinition
metadata: {name: %s}
spec:
%s  container: {name: c, image: %s, command: [sh, -c, %q], volumeMounts: [{name: d, mountPath: /d}]}
---
`, name, more, busyboxImage, script)
}

// TestJobIsTheTask: with cluster semantics the Job controller counts, waits and judges. The last start never passes.
func TestJobIsTheTask(t *testing.T) {
	manifests := clusterTask("passes", "echo once", "  retries: 2\n") +
		clusterTask("condemned", "test -f /d/x && exit 0; touch /d/x; exit 9", "  retries: 1\n") +
		clusterTask("late", "sleep 100", "  timeout: 3s\n  retries: 2\n") +
		clusterTask("twice", "echo start; sleep 1; exit 3", "  retries: 2\n")
	o := ktask(t, manifests, onCluster("--semantics", "cluster", "--parallel", "4", "--report", "/dev/stdout", "-q", "-")...).expect(t, 4)
	for _, want := range []string{
		`"name":"condemned","definition":"condemned","status":"failed"`, `"reason":"BackoffLimitExceeded","message":"Job has reached the specified backoff limit"`,
		`"reason":"DeadlineExceeded","message":"Job was active longer than specified deadline"`,
		"killed, as a Job with retries 2 fails once this start is noticed",
	} {
		if !strings.Contains(o.stdout, want) {
			t.Errorf("%s is missing in\n%s", want, o.stdout)
		}
	}
	wantNothingLeft(t)
}

// TestFieldsOnACluster: what only a running pod knows has a value there.
func TestFieldsOnACluster(t *testing.T) {
	env := `, env: [{name: NAME, valueFrom: {fieldRef: {fieldPath: metadata.name}}}, {name: IP, valueFrom: {fieldRef: {fieldPath: status.podIP}}},
    {name: UID, valueFrom: {fieldRef: {fieldPath: metadata.uid}}}, {name: CPU, valueFrom: {resourceFieldRef: {resource: limits.cpu}}}, {name: URL, value: "http://$(IP)/"}]}`
	manifest := clusterTask("fields", `[ "$NAME" = "$HOSTNAME" ] && [ ${#UID} = 36 ] && [ "$CPU" -ge 1 ] && hostname -i && echo "$URL"`, "")
	manifest = strings.Replace(manifest, ", volumeMounts: [{name: d, mountPath: /d}]}", env, 1)
	o := ktask(t, manifest, onCluster("-")...).expect(t, 0)
	if ip, url, _ := strings.Cut(strings.TrimSpace(o.stdout), "\n"); url != "http://"+ip+"/" {
		t.Errorf("prints %q", o.stdout)
	}
}

// TestInterruptOnACluster: what a task says on SIGTERM is heard, and nothing is left.
func TestInterruptOnACluster(t *testing.T) {
	p := start(t, clusterTask("waits", "trap 'echo bye; exit 0' TERM; echo ready; sleep 100 & wait", ""), onCluster("-")...)
	p.prints(t, "ready")
	p.signal(t, syscall.SIGINT)
	if o := p.end(t).expect(t, 130); !strings.Contains(o.stdout, "bye") {
		t.Errorf("its last words are missing in\n%s", o.stdout)
	}
	wantNothingLeft(t)
}

// TestRefusedOnACluster: what only an engine on this machine has is refused before anything starts.
func TestRefusedOnACluster(t *testing.T) {
	for _, flags := range [][]string{{"--mount", "/tmp:/x"}, {"--network", "none"}, {"--keep", "failed"}, {"--warm", "1"}, {"--host", "tcp://127.0.0.1"}, {"--platform", "linux/arm64"}} {
		o := ktask(t, "", onCluster(append(flags, "examples/container")...)...).expect(t, 2)
		if !strings.Contains(o.stderr, flags[0]+": not with --engine kubernetes") {
			t.Errorf("%v: %s", flags, o.stderr)
		}
	}
}

// TestKilledOnACluster: the guardian removes what a killed ktask has left. If it is killed, too, the next run does.
func TestKilledOnACluster(t *testing.T) {
	for _, guarded := range []bool{true, false} {
		p := start(t, clusterTask("waits", "echo ready; sleep 100", ""), onCluster("--grace", "1s", "-")...)
		p.prints(t, "ready")
		if guarded {
			p.kill(t)
			engines.Await(t, "the guardian has removed the Job", func() bool { return len(onTheCluster(t)) == 0 })
			continue
		}
		p.killAll(t)
		if left := onTheCluster(t); len(left) != 1 {
			t.Errorf("%v is left on the cluster, not the Job", left)
		}
		o := ktask(t, clusterTask("next", "true", ""), onCluster("-")...).expect(t, 0)
		if !strings.Contains(o.stderr, "removed") {
			t.Errorf("the next run does not say what it has removed:\n%s", o.stderr)
		}
		wantNothingLeft(t)
	}
}
