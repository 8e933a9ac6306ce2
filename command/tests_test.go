package command_test

import "testing"

const helloTask = `apiVersion: lifecycle.keptn.sh/v1
kind: KeptnTaskDefinition
metadata: {name: hello}
spec:
  retries: 1
  container:
    name: c
    image: busybox
    command: [sh, -c, echo hello]
    env:
    - name: TOKEN
      valueFrom: {secretKeyRef: {name: token, key: KEY}}
`

const helloTest = `apiVersion: ktask.dev/v1
kind: TaskTest
metadata: {name: hello}
spec:
  task: hello
  cases:
  - name: greets # the usual way
    secrets: {token/KEY: hunter22}
    expect:
      # what it says
      output:
      - hello
`

func TestValidateChecksTests(t *testing.T) {
	s := newShell(t, map[string]string{"task.yaml": helloTask, "test.yaml": helloTest})
	s.term = true
	s.ktask("validate", "test.yaml").exits(0).says("1 file, 1 test: no problems")
	wrong := newShell(t, map[string]string{"task.yaml": helloTask, "test.yaml": helloTest + "    expects: {}\n"})
	wrong.ktask("validate", ".").exits(2).says(`test.yaml:13:5: error: unknown field "spec.cases[0].expects" (did you mean "expect"?) [unknown-field]`)
}

// TestOthersPassOverTests: what is wrong in a test concerns nobody who runs the task.
func TestOthersPassOverTests(t *testing.T) {
	s := newShell(t, map[string]string{"task.yaml": helloTask, "test.yaml": helloTest + "    expects: {}\n"})
	for _, args := range [][]string{{"plan", "--secret", "token/KEY=hunter22", "."}, {"list", "."}} {
		if o := s.ktask(args...).exits(0); o.err != "" {
			t.Errorf("%s says: %s", args, o.err)
		}
	}
}
