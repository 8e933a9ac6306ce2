package command_test

import (
	"strings"
	"testing"
)

// TestRemediesCanBeTyped checks that what is to be piped into ktask names the command in use and the directory.
func TestRemediesCanBeTyped(t *testing.T) {
	const (
		template = "metadata:\n  name: x\nspec:\n  {{- if .Values.a }}\n  python: {inline: {code: x}}\n  {{- end }}\n"
		scalar   = "metadata: {name: x}\nspec: {python: {inline: {code: '{{ .Values.code }}'}}}\n"
	)
	s := newShell(t, map[string]string{
		"d/a.yaml": hello, "d/charts/my shop's $x/Chart.yaml": "name: x\n", "d/charts/my shop's $x/templates/sub/t.yaml": header + template,
		"s/Chart.yaml": "name: x\n", "s/templates/s.yaml": header + scalar, "lone/t.yaml": header + template,
		"s/values.yaml": "image: {tag: a}\n", "values.yaml": "a: 1\n",
		"k/kustomization.yaml": "resources: [a.yaml]\n", "k/a.yaml": hello,
	})
	const chart = `helm template 'd/charts/my shop'\''s $x' | ktask `
	for command, code := range map[string]int{"run": 2, "plan": 2, "validate": 0, "list": 2} {
		s.ktask(command, "d").exits(code).says(chart + command + " -)")
		s.ktask(command, "lone").exits(2).says("helm template CHART | ktask " + command + " -)")
	}
	s.ktask("validate", "-o", "github", "d").exits(0).says(chart + "validate -)")
	s.ktask("plan", "-o", "json", "s").exits(0).says("(helm template s | ktask plan -)\"")
	s.ktask("plan", "-t", "hello", "d").exits(0).says("warning: ", chart+"plan -)")
	s.ktask("list", "k").exits(0).says("kubectl kustomize k | ktask list -")
	for _, file := range []string{"s/values.yaml", "s/Chart.yaml"} {
		run := s.ktask("run", file).exits(2).says("(run what the chart renders: helm template s | ktask run -) [not-an-object]")
		if lines := strings.Count(run.err, "\n"); lines != 1 {
			t.Errorf("%s: %d lines: %s", file, lines, run.err)
		}
	}
	s.ktask("run", "values.yaml").exits(2).says("values.yaml:1:1: error: this is not a Kubernetes object: it has neither apiVersion nor kind [not-an-object]\n")
	s.stdin = header + template
	s.ktask("validate", "-").exits(2).says("helm template CHART | ktask validate -)")
}
