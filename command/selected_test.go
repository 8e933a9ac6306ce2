package command_test

import (
	"strings"
	"testing"
)

// TestErrorsBesideTheSelectedTasks checks that -t stops only at errors that the named tasks may need.
func TestErrorsBesideTheSelectedTasks(t *testing.T) {
	const (
		cm       = "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\ndata: {code: print(1), m: 1}\n"
		bad      = header + "metadata: {name: bad}\nspec: {python: {inlin: {code: x}}}\n"
		template = header + "metadata:\n  name: {{ .Release.Name }}-x\nspec:\n  {{- if .Values.a }}\n  python: {inline: {code: x}}\n  {{- end }}\n"
		task     = "apiVersion: lifecycle.keptn.sh/v1\nkind: KeptnTask\nmetadata: {name: TASK}\nspec: {taskDefinition: bad}\n"
	)
	s := newShell(t, map[string]string{
		"a.yaml": hello, "caller.yaml": caller, "bad.yaml": bad, "chart/templates/t.yaml": template,
		"calls-bad.yaml": strings.Replace(caller, "{name: hello}", "{name: bad}", 1),
		"by-code.yaml":   header + "metadata: {name: by-code}\nspec: {python: {configMapRef: {name: settings}, httpRef: {url: 'https://x/y'}}}\n",
		"env.yaml":       header + "metadata: {name: env}\nspec: {container: {name: c, image: 'i:1', envFrom: [{configMapRef: {name: settings, optional: true}}]}}\n",
		"cm.yaml":        cm, "task.yaml": strings.Replace(task, "TASK", "use", 1), "shadow.yaml": strings.Replace(task, "taskDefinition", "taskDefinitio", 1),
		"rest.yaml": hello + "---\nprint(2)\n", "twice.yaml": hello + "---\n" + hello,
		"elsewhere.yaml": strings.Replace(hello, "{name: hello,", "{name: hello, namespace: keptn-system,", 1), "broken.yaml": header + "metadata: {name: hello\n",
	})
	s.ktask("plan", "-t", "hello", "a.yaml", "bad.yaml", "cm.yaml", "chart").exits(0).says("python hello", "bad.yaml:4:17: warning: unknown field", "cm.yaml:5:27: warning: ", "t.yaml:4:3: warning: ").hides("error:")
	if o := s.ktask("run", "-t", "hello", "a.yaml", "bad.yaml").exits(3); !o.engineAsked {
		t.Error("the engine was not asked")
	}
	s.ktask("plan", "a.yaml", "bad.yaml").exits(2).says("bad.yaml:4:17: error: ")
	s.ktask("plan", "-t", "hello", "--stage", "pre", "a.yaml", "bad.yaml").exits(2).says("bad.yaml:4:17: error: ")
	const unknown, number = "bad.yaml:4:17: error: unknown field", "cm.yaml:5:27: error: "
	for _, c := range []struct{ name, file, needs, says string }{
		{"bad", "a.yaml", "bad.yaml", unknown}, {"use", "task.yaml", "bad.yaml", unknown}, {"caller", "calls-bad.yaml", "bad.yaml", unknown},
		{"by-code", "by-code.yaml", "cm.yaml", number}, {"env", "env.yaml", "cm.yaml", number},
	} {
		s.ktask("plan", "-t", c.name, c.file, c.needs, "chart").exits(2).says(c.says, "t.yaml:4:3: warning: ").hides("no-such-task")
	}
	s.ktask("plan", "-t", "b*", "by-code.yaml", "chart").exits(2).says("t.yaml:4:3: error: ")
	s.ktask("plan", "-t", "TASK", "shadow.yaml", "a.yaml").exits(2).says("shadow.yaml:4:8: error: unknown field").hides("no-such-task")
	s.ktask("plan", "-t", "hello", "rest.yaml").exits(2).says("rest.yaml:9:1: error: ")
	s.ktask("plan", "-t", "hello", "twice.yaml").exits(2).says("is defined twice")
	s.ktask("plan", "-t", "caller", "caller.yaml", "elsewhere.yaml", "broken.yaml").exits(2).says("broken.yaml:2:1: error: ")
	s.ktask("plan", "-t", "nope", "a.yaml", "bad.yaml").exits(2).says("no-such-task", "bad.yaml:4:17: warning: ")
	s.ktask("plan", "-t", "my-x", "a.yaml", "chart").exits(2).says("no-such-task", "t.yaml:4:3: error: ") // its name is computed
}

// TestListWithErrors checks that list prints what it could read beside the problems.
func TestListWithErrors(t *testing.T) {
	s := newShell(t, map[string]string{"a.yaml": hello, "bad.yaml": header + "metadata: {name\n"})
	s.ktask("list", "a.yaml", "bad.yaml").exits(2).says("bad.yaml:2:1: error: ", "a.yaml:1\n")
}
