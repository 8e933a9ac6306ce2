package e2e

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	durations  = regexp.MustCompile(`\b[0-9.]+m?s\b`)
	fileOfDocs = regexp.MustCompile("`([a-z-]+\\.yaml)`:$")
)

// blocks returns the indented blocks of a page, each with the line before it.
func blocks(page string) (all [][2]string) {
	before := ""
	for line := range strings.Lines(page) {
		code, indented := strings.CutPrefix(line, "    ")
		switch last := len(all) - 1; {
		case indented && before != "":
			all, before = append(all, [2]string{before, code}), ""
		case indented:
			all[last][1] += code
		case strings.TrimSpace(line) != "":
			before = strings.TrimSpace(line)
		case before == "" && last >= 0:
			all[last][1] += "\n"
		}
	}
	return all
}

// shown returns output without times. The rows of cases are sorted: they are in the order in which the cases end.
func shown(output string) string {
	lines := strings.Split(strings.TrimSpace(durations.ReplaceAllString(output, "T")), "\n")
	end := slices.Index(lines, "")
	slices.Sort(lines[:end])
	return strings.Join(lines, "\n")
}

// TestDocsOfTests does what docs/testing.md says, in its order, and compares what it shows.
func TestDocsOfTests(t *testing.T) {
	dir := t.TempDir()
	ran := 0
	for _, block := range blocks(readFile(t, "../../docs/testing.md")) {
		if name := fileOfDocs.FindStringSubmatch(block[0]); name != nil {
			write(t, filepath.Join(dir, name[1]), block[1])
			continue
		}
		for part := range strings.SplitSeq("\n"+block[1], "\n$ ktask ") {
			command, want, ok := strings.Cut(part, "\n")
			if !ok || strings.TrimSpace(part) == "" {
				continue
			}
			ran++
			o := startIn(t, dir, "", append([]string{binary}, strings.Fields(command)...)...).wait(t)
			if shown(o.stdout) != shown(want) {
				t.Errorf("ktask %s prints\n%s\nwant\n%s\nstderr:\n%s", command, o.stdout, want, o.stderr)
			}
			if failed := strings.Contains(want, "failed"); failed != (o.code == 1) || !failed && o.code != 0 {
				t.Errorf("ktask %s: exit code %d", command, o.code)
			}
		}
	}
	if ran != 3 {
		t.Errorf("%d commands were run", ran)
	}
	if text := readFile(t, filepath.Join(dir, "hello-test.yaml")); !strings.Contains(text, "- json: {greeted: Ada} # a line is JSON with this field\n") {
		t.Errorf("the update lost a comment:\n%s", text)
	}
}

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
	want := "test.yaml:18:11: failed: box/differs\n  status (line 20)\n    - failed\n    + passed\n  output (line 20)\n    - something •••\n    + the token is •••\n\n4 cases: 3 passed, 1 failed in "
	if !strings.Contains(o.stdout, want) {
		t.Errorf("it does not show\n%s\nbut\n%s", want, o.stdout)
	}
	if !strings.Contains(report, `tests="4" failures="1" errors="0"`) {
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
