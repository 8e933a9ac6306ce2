package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestCasesOfContainers has attempts, a timeout, a reason and a secret on the real engine.
func TestCasesOfContainers(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "task.yaml"), manifest("container", "    name: c\n    image: "+busyboxImage+"\n    imagePullPolicy: IfNotPresent\n    command: [sh, -c, 'echo \"the token is $TOKEN\"; eval \"$DO\"']\n"+
		"    env: [{name: DO, value: 'true'}, {name: TOKEN, valueFrom: {secretKeyRef: {name: token, key: KEY}}}]", []string{"retries: 1", "timeout: 20s"}))
	test := `apiVersion: ktask.dev/v1
kind: TaskTest
metadata: {name: box}
spec:
  task: hi
  cases:
  - name: passes
    secrets: {token/KEY: not-a-real-secret}
    expect: {attempts: 1, under: 19s, output: [the token is not-a-real-secret]}
  - name: fails twice
    secrets: {token/KEY: not-a-real-secret}
    env: {DO: exit 7}
    expect: {status: failed, exitCode: 7, attempts: 2, reason: BackoffLimitExceeded}
  - name: is not there
    secrets: {token/KEY: not-a-real-secret}
    env: {DO: no-such-command}
    expect: {exitCode: 127, reason: CommandNotFound}
  - name: has a file
    secrets: {token/KEY: not-a-real-secret}
    files: {/etc/task/level: "2 \n", /etc/a b: x}
    env: {DO: 'cat /etc/task/level "/etc/a b"; exit 1'}
    retries: 0
    expect: {exitCode: 1, attempts: 1, output: ["2", x]}
  - name: differs
    secrets: {token/KEY: not-a-real-secret}
    expect: {status: failed, output: [something not-a-real-secret]}
`
	write(t, filepath.Join(dir, "test.yaml"), test)
	junit := filepath.Join(dir, "report.xml")
	o := startIn(t, dir, "", binary, "test", "--backoff-scale", "0.01", "--junit", junit).wait(t).expect(t, 1)
	report := readFile(t, junit)
	for _, text := range []string{o.stdout, o.stderr, report} {
		if strings.Contains(text, "not-a-real") {
			t.Errorf("it shows the secret:\n%s", text)
		}
	}
	want := "test.yaml:24:11: failed: box/differs\n  status (line 26)\n    - failed\n    + passed\n  output (line 26)\n    - something •••\n    + the token is •••\n\n5 cases: 4 passed, 1 failed in "
	if !strings.Contains(o.stdout, want) {
		t.Errorf("it does not show\n%s\nbut\n%s", want, o.stdout)
	}
	if !strings.Contains(report, `tests="5" failures="1" errors="0"`) {
		t.Errorf("the JUnit report is\n%s", report)
	}
	startIn(t, dir, "", binary, "test", "--update", "-run", "differs").wait(t).expect(t, 0)
	startIn(t, dir, "", binary, "test", "-run", "differs").wait(t).expect(t, 0)
	if text := readFile(t, filepath.Join(dir, "test.yaml")); !strings.HasPrefix(text, test[:strings.Index(test, "    expect: {status: failed, output")]) {
		t.Errorf("the update changed other cases:\n%s", text)
	}
	startIn(t, dir, "", binary, "test", "-run", "fails", "--image", busyboxImage+"=ktask.local/none:1", "--offline").wait(t).expect(t, 3)
	if o := startIn(t, dir, "", "sh", "-c", "exec "+binary+" test -run passes >/dev/full").wait(t).expect(t, 3); !strings.Contains(o.stderr, "ktask: write output: ") {
		t.Errorf("without room for its output it says\n%s", o.stderr)
	}
	if err := os.Remove(filepath.Join(dir, "task.yaml")); err != nil {
		t.Fatal(err)
	}
	startIn(t, dir, "", binary, "test").wait(t).expect(t, 2)
}

// TestExampleTestPasses runs the test among the examples.
func TestExampleTestPasses(t *testing.T) {
	o := ktask(t, "", "test", "examples/python-inline").expect(t, 0)
	if !strings.Contains(o.stdout, "\n2 cases: 2 passed in ") {
		t.Errorf("it prints\n%s", o.stdout)
	}
}
