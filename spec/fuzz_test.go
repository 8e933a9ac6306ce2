package spec

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	yaml2 "go.yaml.in/yaml/v2"
	"go.yaml.in/yaml/v3"
)

// nasty are short inputs that parsers and people get wrong.
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

// seed gives a fuzz test the examples, the rules' cases and the nasty inputs.
func seed(f *testing.F) {
	f.Helper()
	for _, pattern := range []string{"../examples/*/*.yaml", "../resolve/testdata/rules/*.txtar"} {
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

// FuzzLoad: whatever the text, Load ends without a panic, says the same twice, and points into the file.
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
	return m, problems
}

// FuzzPlainScalar: scalars without quotes mean what kubectl's own YAML reader takes them for.
func FuzzPlainScalar(f *testing.F) {
	for _, s := range []string{
		"", "~", "null", "Null", "y", "Y", "yes", "YeS", "on", "OFF", "true", "False", "0", "-0", "+5", "007", "08", "0o7", "0x1F", "0b101", "-0b11", "0b+0", "-.INF", ".NaN", "1_000", "_1",
		"1.", ".5", "-.5", "1e3", "1E+3", "1e400", "9223372036854775808", "-9223372036854775809", "18446744073709551616", ".inf", "-.Inf", ".nan", ".", "-", "+",
		"...", "---", "1:30", "2001-01-01", "2001-01-01T00:00:00Z", "1.2.3", "<<", "=", "0x", "0x1p-2", "1__0", "0b", "1e", "١",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var doc yaml.Node
		if err := yaml.Unmarshal([]byte("- "+s), &doc); err != nil || len(doc.Content) == 0 || len(doc.Content[0].Content) != 1 {
			t.Skip()
		}
		if scalar := doc.Content[0].Content[0]; scalar.Kind != yaml.ScalarNode || scalar.Value != s || scalar.Style != 0 {
			t.Skip() // not a plain scalar
		}
		var items []any
		if err := yaml2.Unmarshal([]byte("- "+s), &items); err != nil || len(items) != 1 {
			t.Skip()
		}
		want := fmt.Sprint(items[0])
		got := plainScalar(s)
		switch v := items[0].(type) {
		case nil:
			want = "null"
			if got.kind != nullKind {
				t.Errorf("%q is null, not %s %q", s, got.kind, got.text)
			}
		case float64:
			switch {
			case infinite(s) && got.kind == numberKind, got.kind == stringKind && (v > 1e308 || v < -1e308):
				want = s // it has no JSON
			default:
				var back float64
				if _, err := fmt.Sscan(got.text, &back); err != nil || back != v || got.kind != numberKind {
					t.Errorf("%q is %v, not %s %q", s, v, got.kind, got.text)
				}
				return
			}
		case string:
			if got.kind != stringKind {
				t.Errorf("%q is a string, not %s %q", s, got.kind, got.text)
			}
		case int, int64, uint64:
			if got.kind != numberKind {
				t.Errorf("%q is a number, not %s %q", s, got.kind, got.text)
			}
		case bool:
			if got.kind != boolKind {
				t.Errorf("%q is a boolean, not %s %q", s, got.kind, got.text)
			}
		default: // a date stays as it was written
			want = s
		}
		if got.text != want {
			t.Errorf("%q is %q, not %q", s, want, got.text)
		}
	})
}
