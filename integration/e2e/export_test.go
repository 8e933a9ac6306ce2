package e2e

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestDockerLinesRun has a shell run what `ktask plan -o docker` prints, with the real docker: the output is that of ktask run.
func TestDockerLinesRun(t *testing.T) {
	lines := ktask(t, "", "plan", "-o", "docker", "--image", anyBusybox, "examples/demo", "examples/container", "examples/python-functionref").expect(t, 0).stdout
	var want string
	for _, example := range []string{"demo", "container", "python-functionref"} {
		want += readFile(t, filepath.Join(examples, example, "output.txt"))
	}
	for _, shell := range []string{"sh", "bash"} {
		cmd := exec.Command(shell)
		cmd.Stdin, cmd.Env = strings.NewReader(lines), append(os.Environ(), "SECRET_DEMO_TOKEN_SECURE_DATA=0123456789abcdef")
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		out, err := cmd.Output()
		if err != nil {
			t.Errorf("%s: %v\n%s\n%s", shell, err, stderr.String(), lines)
		}
		if got := strings.ReplaceAll(string(out), "0123456789abcdef", "•••"); got != want {
			t.Errorf("%s prints\n%s\nwant\n%s", shell, got, want)
		}
	}
}

// TestDockerTakesTheOptions has docker create a container with each option that a plan can lead to, and run it.
func TestDockerTakesTheOptions(t *testing.T) {
	const task = `apiVersion: lifecycle.keptn.sh/v1
kind: KeptnTaskDefinition
metadata: {name: all}
spec:
  container:
    name: c
    image: ` + busyboxImage + `
    imagePullPolicy: Never
    workingDir: /tmp
    tty: true
    command: [sh, -c]
    args: ['id -u; id -g; echo "$A"; echo "$(B)" | tr a-z A-Z; cp /bin/busybox /v/busybox && /v/busybox echo runs; touch /no 2>/dev/null || echo read-only']
    env: [{name: A, value: "it''s \"$HOME\"\nx"}, {name: B, valueFrom: {secretKeyRef: {name: s, key: k}}}]
    volumeMounts: [{name: v, mountPath: /v}]
    resources: {limits: {memory: 64Mi, cpu: 500m}}
    securityContext:
      runAsUser: 1000
      runAsGroup: 1001
      runAsNonRoot: true
      readOnlyRootFilesystem: true
      allowPrivilegeEscalation: false
      capabilities: {add: [NET_ADMIN], drop: [ALL]}
      seccompProfile: {type: Unconfined}
      procMount: Unmasked
`
	lines := ktask(t, task, "plan", "-o", "docker", "--network", "none", "-").expect(t, 0).stdout
	cmd := exec.Command("sh")
	cmd.Stdin, cmd.Env = strings.NewReader(lines), append(os.Environ(), "SECRET_S_K=value")
	out, err := cmd.CombinedOutput()
	if got, want := strings.ReplaceAll(string(out), "\r\n", "\n"), "1000\n1001\nit''s \"$HOME\"\nx\nVALUE\nruns\nread-only\n"; err != nil || got != want {
		t.Errorf("%v: prints\n%s\nwant\n%s\n%s", err, got, want, lines)
	}
}
