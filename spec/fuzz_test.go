package spec

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"
)

// nasty has short inputs that are hard to parse.
var nasty = []string{
	"", "\n", "---", "...", "---\n...\n---\n", "%YAML 1.1\n---\n{}", "%TAG ! x\n", "\xef\xbb\xbfa: b", "\xff\xfea\x00", "a: \xff", "\x00",
	"[", "{", "- -", "? a", "? [a]\n: b", "{{ .Values.x }}", "a: {{ .Values.x }}", "a:\n\t- b", "a: |\n\tb", "a: 'b", "a: \"\\", "a: &a *a", "a: &a [*a]",
	"a: &a {<<: *a}", "<<: 1", "<<: [1]", "a: {b: c, b: c}", "a: !!binary x", "a: !x y", "!!str 5: !!int \"5\"", "a: ---", "a: ...", "- ? - : -",
	"a\r...\rb: c\r---\rd: e", "a: b\u2028---\u2028c: d", "# only a comment", "a: 0755\nb: 0b1\nc: 1_000\nd: 1e400\ne: .inf\nf: 2001-01-01\ng: y",
	"apiVersion: v1\nkind: List\nitems: [{apiVersion: v1, kind: List, items: [null, 1, {}]}]", "apiVersion: v1\nkind: ConfigMapList\nitems: [{metadata: {name: a}}]",
	"apiVersion: v1\nkind: Secret\nmetadata: {name: a}\ndata: {a: \"*\", b: aGVsbG8=}\nstringData: {b: x, c: null, d: 5}",
	"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, labels: {a: b}, creationTimestamp: null, managedFields: [{fieldsV1: {a: b}}]}\ndata: {a: b}",
	definitionHead + "  deno: {inline: {code: x}, parameters: {map: {n: 1, y: z, a: ~}}, extra: &x 1}\n  retries: 3.0\n  timeout: 5\nstatus: {a: *x}",
	definitionHead + "  container: {name: a, image: b, env: [null, {name: A, value: $(A)$$}, x], resources: {limits: {memory: 1.5, cpu: 1e3}}, ports: [{containerPort: 80, hostIP: 1}]}",
	definitionHead + "  container:\n    name: a\n    image: b\n    livenessProbe: {httpGet: {port: http}}\n    volumeMounts: [{name: v, mountPath: /a}, {name: w, mountPath: /a}]\n",
	"apiVersion: lifecycle.keptn.sh/v1alpha1\nkind: KeptnTask\nmetadata: {name: a}\nspec: {taskDefinition: b, context: {metadata: {a: b}}}",
}

const definitionHead = "apiVersion: lifecycle.keptn.sh/v1\nkind: KeptnTaskDefinition\nmetadata: {name: a}\nspec:\n"

// seed adds the examples, the archives of the rules and the nasty inputs to a fuzz test.
func seed(f *testing.F) {
	f.Helper()
	for _, pattern := range []string{"../examples/*/*.yaml", "../resolve/testdata/rules/*.txtar", "testdata/rules/*.txtar"} {
		names, err := filepath.Glob(pattern)
		if err != nil || len(names) < 10 {
			f.Fatalf("%d files match %s (%v)", len(names), pattern, err)
		}
		for _, name := range names {
			data, err := os.ReadFile(name)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(data)
		}
	}
	for _, text := range nasty {
		f.Add([]byte(text))
	}
}

// FuzzLoad checks that Load does not panic, is deterministic, and reports places in the file.
func FuzzLoad(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		lines := 1 + strings.Count(string(data), "\n") + strings.Count(string(data), "\r") + strings.Count(string(data), "\u0085") +
			strings.Count(string(data), "\u2028") + strings.Count(string(data), "\u2029")
		for _, lenient := range []bool{false, true} {
			m, problems := load(string(data), lenient)
			for _, p := range problems {
				if p.Pos.File != "f" || p.Pos.Line < 0 || p.Pos.Line > lines || p.Pos.Column < 0 {
					t.Errorf("%s: not in the file, which has %d lines", p, lines)
				}
				if p.Rule == "" || p.Message == "" || !utf8.ValidString(p.String()) {
					t.Errorf("%q has no rule, no message, or bytes that are no text", p)
				}
			}
			for _, d := range m.Definitions {
				if d.Name == "" || d.Namespace == "" || d.Runner == nil {
					t.Errorf("a definition without name, namespace or runner: %+v", d)
				}
			}
			if _, again := load(string(data), lenient); fmt.Sprint(again) != fmt.Sprint(problems) {
				t.Errorf("two loads differ:\n%v\n%v", problems, again)
			}
		}
	})
}

func load(text string, lenient bool) (Manifests, Problems) {
	m, problems, _ := Load([]File{{Name: "f", Data: []byte(text), Named: true}}, Options{Namespace: "default", Lenient: lenient})
	return m, append(problems, m.Faults...)
}
