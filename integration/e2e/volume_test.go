package e2e

import (
	"strings"
	"testing"
)

// TestVolumeSurvivesAttempts runs three attempts: each finds what the ones before left in the volume and nothing of their
// root file systems, and has its own termination message. See "Volume across attempts" in docs/fidelity.md.
func TestVolumeSurvivesAttempts(t *testing.T) {
	task := `apiVersion: lifecycle.keptn.sh/v1
kind: KeptnTaskDefinition
metadata: {name: counts}
spec:
  retries: 3
  container:
    name: c
    image: busybox:1.36.1
    command: [sh, -c]
    args:
    - |
      test -e /var/stale && echo stale
      touch /var/stale
      echo attempt >>/cache/log
      n=$(wc -l </cache/log)
      echo "attempt $n, as process $$$$"
      echo "last words of $n" >>/dev/termination-log
      test $n -eq 3
    volumeMounts: [{name: logger, mountPath: /cache}]
    terminationMessagePath: /dev/termination-log
`
	o := ktask(t, task, "run", "--image", anyBusybox, "--backoff-scale", "0.01", "-o", "plain", "-").expect(t, 0)
	output := o.stdout + o.stderr
	for _, want := range []string{"attempt 1, as process 1\n", "attempt 2, as process 1\n", "attempt 3, as process 1\n", "exit code 1: last words of 1,", "exit code 1: last words of 2,"} {
		if !strings.Contains(output, want) {
			t.Errorf("it does not say %q:\n%s", want, output)
		}
	}
	if strings.Contains(output, "stale") {
		t.Errorf("the root file system survives as well:\n%s", output)
	}
}
