package spec_test

import (
	"strings"
	"testing"

	"github.com/ktask/ktask/spec"
)

// TestLineOfCode checks that the line of code is known only if the lines of the code are lines of the manifest.
func TestLineOfCode(t *testing.T) {
	for code, want := range map[string]int{
		"|\n        a\n        b\n":                8,
		"|-\n\n        a\n":                        8, // whose first line is empty
		"|2 # indented\n          a\n":             8,
		"!!str |\n        a\n        b\n":          8,
		"&code |\n        a\n        b\n":          8,
		">\n        a\n        b\n\n        c\n":   0,
		">-\n        a\n        b\n":               8,
		"print(1)\n":                               7,
		"'print(1)'\n":                             7,
		"\"a\\nb\"\n":                              0,
		"\"a\\n\"\n":                               7,
		"!!binary aGVsbG8=\n":                      0,
		"!!binary |\n        aGVs\n        bG8=\n": 0,
	} {
		text := "apiVersion: lifecycle.keptn.sh/v1\nkind: KeptnTaskDefinition\nmetadata: {name: hi}\nspec:\n  python:\n    inline:\n      code: " + code
		m, problems, _ := spec.Load([]spec.File{{Name: "task.yaml", Data: []byte(text), Named: true}}, spec.Options{Namespace: "default"})
		if len(problems.Errors()) > 0 {
			t.Errorf("%q: %v", code, problems)
			continue
		}
		inline := m.Definitions[0].Runner.(*spec.Function).Sources[0].(spec.Inline)
		if inline.Line != want {
			t.Errorf("%q begins in line %d, want %d", code, inline.Line, want)
		}
	}
}

// TestConcatenatedFiles loads the output of cat for files that have a byte order mark each.
func TestConcatenatedFiles(t *testing.T) {
	const one = "\ufeff---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: NAME}\n"
	const two = "---\n\ufeffapiVersion: v1\nkind: ConfigMap\nmetadata: {name: NAME, wrong: x}\n"
	text := strings.ReplaceAll(one, "NAME", "a") + strings.ReplaceAll(one, "NAME", "b") + strings.ReplaceAll(two, "NAME", "c")
	m, problems, _ := spec.Load([]spec.File{{Name: "all.yaml", Data: []byte(text), Named: true}}, spec.Options{Namespace: "default"})
	problems = append(problems, m.Faults...)
	if len(m.ConfigMaps) != 3 || len(problems) != 1 || problems[0].Pos.String() != "all.yaml:12:21" {
		t.Errorf("%d ConfigMaps, problems %v", len(m.ConfigMaps), problems)
	}
}
