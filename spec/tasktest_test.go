package spec_test

import (
	"strings"
	"testing"

	"github.com/ktask/ktask/spec"
)

// taskTest returns a TaskTest with cases, which are lines of YAML that begin in the first column.
func taskTest(cases string) string {
	indented := strings.ReplaceAll(strings.TrimRight(cases, "\n"), "\n", "\n  ")
	return "apiVersion: ktask.dev/v1\nkind: TaskTest\nmetadata: {name: t}\nspec:\n  task: hello\n  cases:\n  " + indented + "\n"
}

func loadTest(text string) (spec.Manifests, spec.Problems) {
	m, problems, _ := spec.Load([]spec.File{{Name: "t.yaml", Data: []byte(text)}}, spec.Options{Namespace: "default", Tests: true})
	return m, problems
}

func TestTaskTestIsRead(t *testing.T) {
	m, problems := loadTest(taskTest(`
- name: first
  params: {b: "2", a: "1"}
  secrets: {token/KEY: hunter22}
  context: {appName: shop, metadata: {team: blue}}
  env: {LEVEL: debug}
  expect:
    status: failed
    exitCode: 0
    output:
    - a line
    - regex: ^x+$
    - json: {a: [1, null]}
    - not: {regex: panic}
    attempts: 2
    under: 1s
- name: second
  files: {/etc/task/b.json: "{}", /etc/a: ""}
  retries: 0
  timeout: 2s`))
	if len(problems) > 0 || len(m.Tests) != 1 {
		t.Fatalf("%d tests, %v", len(m.Tests), problems)
	}
	test := m.Tests[0]
	first, second := test.Cases[0], test.Cases[1]
	e := first.Expect
	for what, ok := range map[string]bool{
		"name":     test.Name == "t" && test.Namespace == "default" && test.Task.Value == "hello" && first.Name == "first",
		"params":   len(first.Params) == 2 && first.Params[0].Key == "a" && first.Params[0].Value == "1" && first.Params[0].Pos.Line == 9,
		"context":  len(first.Context) == 2 && first.Context[0].Key == "appName" && first.Context[1].Key == "metadata.team",
		"expect":   e.Given && e.Status.Value == "failed" && e.ExitCode.Given && e.ExitCode.Value == 0 && e.Attempts.Value == 2 && e.Under.Value.String() == "1s",
		"matches":  len(e.Output) == 4 && e.Output[0].Line == "a line" && e.Output[1].Regex != nil && string(e.Output[2].JSON) == `{"a":[1,null]}`,
		"not":      e.Output[3].Not != nil && e.Output[3].Not.Regex != nil,
		"files":    len(second.Files) == 2 && second.Files[1].Key == "/etc/task/b.json" && second.Files[1].Value == "{}",
		"limits":   second.Retries.Given && second.Timeout.Value.String() == "2s" && !first.Retries.Given && !first.Timeout.Given,
		"defaults": !second.Expect.Given && second.Name == "second",
	} {
		if !ok {
			t.Errorf("%s: %+v", what, *test)
		}
	}
	if value, ok := first.Secrets.Value("token/KEY"); string(value) != "hunter22" || !ok {
		t.Errorf("secret is %q", value)
	}
}

func TestTaskTestProblems(t *testing.T) {
	for name, test := range map[string]struct{ text, want string }{
		"unknown field": {taskTest("\n- name: a\n  expects: {}"), `t.yaml:9:5: error: unknown field "spec.cases[0].expects" (did you mean "expect"?) [unknown-field]`},
		"unknown match": {taskTest("\n- name: a\n  expect:\n    output:\n    - {regexp: x}"), `t.yaml:11:10: error: unknown field "spec.cases[0].expect.output[0].regexp" (did you mean "regex"?) [unknown-field]`},
		"two matches":   {taskTest("\n- name: a\n  expect: {output: [{regex: x, json: 1}]}"), `t.yaml:9:23: error: spec.cases[0].expect.output[0] needs one of regex, json and not; it has 2 [conflict]`},
		"number":        {taskTest("\n- name: a\n  expect: {output: [42]}"), `t.yaml:9:23: error: spec.cases[0].expect.output[0] must be a string or an object, not a number [wrong-type]`},
		"lines":         {taskTest("\n- name: a\n  expect: {output: [\"a\\nb\"]}"), `t.yaml:9:23: error: spec.cases[0].expect.output[0] has more than one line (make each line an item) [invalid-value]`},
		"regex":         {taskTest("\n- name: a\n  expect: {output: [{regex: \"(\"}]}"), "t.yaml:9:31: error: spec.cases[0].expect.output[0].regex: missing closing ): `(` (see https://pkg.go.dev/regexp/syntax) [invalid-regex]"},
		"double not":    {taskTest("\n- name: a\n  expect: {output: [{not: {not: x}}]}"), `t.yaml:9:35: error: spec.cases[0].expect.output[0].not.not negates a not (leave out both) [conflict]`},
		"status":        {taskTest("\n- name: a\n  expect: {status: fail}"), `t.yaml:9:22: error: spec.cases[0].expect.status cannot be "fail" (did you mean "failed"?) [invalid-value]`},
		"attempts":      {taskTest("\n- name: a\n  expect: {attempts: 0}"), `t.yaml:9:24: error: spec.cases[0].expect.attempts must be 1 or more (write attempts: 1) [out-of-range]`},
		"under":         {taskTest("\n- name: a\n  expect: {under: 5}"), `t.yaml:9:21: error: spec.cases[0].expect.under must be a string, not a number (write "5") [wrong-type]`},
		"retries":       {taskTest("\n- name: a\n  retries: -1"), `t.yaml:9:14: error: spec.cases[0].retries must be 0 or more (write retries: 0) [out-of-range]`},
		"timeout":       {taskTest("\n- name: a\n  timeout: 0s"), `t.yaml:9:14: error: spec.cases[0].timeout leaves no time to run (for example 30s, 5m or 1h30m) [out-of-range]`},
		"unit":          {taskTest("\n- name: a\n  timeout: \"2\""), `t.yaml:9:14: error: spec.cases[0].timeout "2" is not a valid duration (a duration has a unit: 2s) [invalid-timeout]`},
		"relative file": {taskTest("\n- name: a\n  files: {etc/a: x}"), `t.yaml:9:13: error: "etc/a" must be the absolute path of a file, without . and .. (for example /etc/task/config.json) [invalid-path]`},
		"parent":        {taskTest("\n- name: a\n  files: {/etc/../proc/a: x}"), `t.yaml:9:13: error: "/etc/../proc/a" must be the absolute path of a file, without . and .. (for example /etc/task/config.json) [invalid-path]`},
		"device":        {taskTest("\n- name: a\n  files: {/dev/shm/a: x}"), `t.yaml:9:13: error: no file can be put in /dev of a container (for example /etc/task/config.json) [invalid-path]`},
		"control":       {taskTest("\n- name: a\n  files: {\"/a\\tb\": x}"), `t.yaml:9:13: error: "/a\tb" contains a control character (use a path without them) [invalid-path]`},
		"syntax":        {taskTest("\n- name: [}"), `t.yaml:7:3: error: did not find expected node content [syntax]`},
		"no name":       {taskTest("\n- params: {}"), `t.yaml:8:5: error: spec.cases[0].name is required [required]`},
		"same name":     {taskTest("\n- name: a\n- name: a"), `t.yaml:9:11: error: case "a" is given twice; the first is on line 8 (keep one of them) [duplicate-item]`},
		"no cases":      {"apiVersion: ktask.dev/v1\nkind: TaskTest\nmetadata: {name: t}\nspec: {task: x}\n", `t.yaml:4:7: error: spec.cases has no case (add - name: the first case) [required]`},
		"no task":       {"apiVersion: ktask.dev/v1\nkind: TaskTest\nmetadata: {name: t}\nspec: {cases: [{name: a}]}\n", `t.yaml:4:7: error: spec.task is required [required]`},
		"kind":          {"apiVersion: ktask.dev/v1\nkind: TaskTests\nmetadata: {name: t}\n", `t.yaml:2:7: error: group ktask.dev has no kind "TaskTests" (did you mean "TaskTest"?) [unknown-kind]`},
		"version":       {"apiVersion: ktask.dev/v2\nkind: TaskTest\nmetadata: {name: t}\n", `t.yaml:1:13: error: ktask.dev has no version "v2" of TaskTest (it has v1) [unknown-version]`},
		"group":         {"apiVersion: task.dev/v1\nkind: TaskTest\nmetadata: {name: t}\n", `t.yaml:1:13: error: there is no TaskTest in apiVersion "task.dev/v1" (use apiVersion: ktask.dev/v1) [unknown-group]`},
		"secret name":   {taskTest("\n- name: a\n  secrets: {A_B: hunter22}"), `t.yaml:9:15: error: "A_B" is not the name of a Secret (a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com')) [invalid-name]`},
	} {
		t.Run(name, func(t *testing.T) {
			_, problems := loadTest(test.text)
			got := ""
			for _, p := range problems {
				got += p.String() + "\n"
			}
			if got != test.want+"\n" {
				t.Errorf("got\n%swant\n%s", got, test.want)
			}
		})
	}
}

// TestTaskTestHidesSecrets: a line of a test with secrets is never shown, even if the document cannot be parsed.
func TestTaskTestHidesSecrets(t *testing.T) {
	for _, cases := range []string{"\n- name: a\n  secrets: {token: hunter22, token: hunter23}", "\n- name: a\n  secrets: {token: *hunter22}", "\n- name: a\n  secrets: {token: [hunter22]}"} {
		_, problems := loadTest(taskTest(cases))
		if len(problems) == 0 {
			t.Errorf("no problem in %s", cases)
		}
		for _, p := range problems {
			if !p.Sensitive || strings.Contains(p.String(), "hunter2") {
				t.Errorf("%v (sensitive %v)", p, p.Sensitive)
			}
		}
	}
}
