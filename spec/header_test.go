package spec

import (
	"strings"
	"testing"
)

// TestFoundInADirectory checks that an object without a complete header is ignored, unless the header names Keptn.
func TestFoundInADirectory(t *testing.T) {
	for text, want := range map[string]string{
		"{}":  "",
		"[a]": "",
		"apiVersion: v2\nname: chart\nversion: 1.0.0":            "", // Chart.yaml
		"version: '3'\nservices: {a: {image: keptn/a}}":          "", // docker-compose.yaml
		"kind: Deployment\nimage: {repository: keptn/keptn}":     "", // values.yaml
		"name: keptn\non: push\njobs: {}":                        "", // a workflow
		"resources: [keptn.yaml]\nnamespace: keptn":              "", // kustomization.yaml
		"apiVersion: spec.keptn.sh/0.2.2":                        "", // a file of Keptn 1
		"kind: KeptnFlag":                                        "",
		"kind: 3\napiversion: v1":                                "",
		"Kind: ConfigMap\napiVersion: v1":                        "",
		"apiVersion: lifecycle.keptn.sh/v1\nKind: KeptnTask":     `2:1: error: the object has no kind, but a key "Kind" (did you mean "kind"?)`,
		"apiVersion: lifecycle.keptn.sh/v1\nspec: {}":            "1:1: error: the object has no kind (",
		"apiversion: lifecycle.keptn.sh/v1\nkind: KeptnTask":     `1:1: error: the object has no apiVersion, but a key "apiversion" (did you mean "apiVersion"?)`,
		"apiVersoin: v1\nkind: keptntask":                        `1:1: error: the object has no apiVersion, but a key "apiVersoin" (did you mean "apiVersion"?)`,
		"KIND: KeptnTask":                                        "1:1: error: the object has no apiVersion (",
		"apiVersion: lifecycle.keptn.sh/v1\nkind: ~":             "2:7: error: kind is empty (",
		"apiVersion: 1\nkind: KeptnTask":                         "1:13: error: apiVersion must be a string, not a number",
		"apiVersion: 1\nkind: Deployment":                        "1:13: error: apiVersion must be a string, not a number",
		"apiVersion: v1\nkind: Configmap":                        `2:7: error: there is no Configmap in version "v1" (did you mean "ConfigMap"?)`,
		"apiVersion: v1\nkind: List\nitems: [{kind: KeptnTask}]": "3:9: error: the object has no apiVersion (",
	} {
		_, problems, _ := Load([]File{{Name: "f", Data: []byte(text)}}, Options{Namespace: "default"})
		if want == "" && len(problems) > 0 || want != "" && (len(problems) == 0 || !strings.HasPrefix(problems[0].String(), "f:"+want)) {
			t.Errorf("%s\nwant %q, got %v", text, want, problems)
		}
	}
}

// TestNoManifest checks that a syntax error is a warning if the file was found in a directory and is not a manifest.
func TestNoManifest(t *testing.T) {
	const manifest = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n---\n"
	for text, want := range map[string]Severity{
		"a: b\na: c":                         Warning, // values.yaml
		"{\n  // a comment\n  \"a\": {},\n}": Warning, // tsconfig.json
		"a: [b":                              Warning,
		"# of any kind: here\na: [b":         Warning,
		"a: {{ .Values.a }}":                 Warning,
		"\xff":                               Warning,
		manifest + "a: [b":                   Error,
		"kind: Deployment\nspec: {{ .Values.a }}":   Error,
		"a: [b\nAPIVERSION : v1":                    Error,
		"- a: [b\n- kind: KeptnTask":                Error,
		"{\n  \"kind\": \"KeptnTask\",\n  \"a\": [": Error,
		"{a: [, 'apiVersion': v1":                   Error,
		"\xff\xfek\x00i\x00n\x00d\x00:\x00":         Error, // in UTF-16
	} {
		for _, named := range []bool{false, true} {
			if named {
				want = Error
			}
			_, problems, _ := Load([]File{{Name: "f", Data: []byte(text), Named: named}}, Options{Namespace: "default"})
			if len(problems) == 0 || problems[0].Severity != want || want == Warning && len(problems.Errors()) > 0 {
				t.Errorf("%q, named %t: want %s, got %v", text, named, want, problems)
			}
		}
	}
}

// TestSecretInAnyCase checks that no line of a Secret is shown, even if it is misspelt.
func TestSecretInAnyCase(t *testing.T) {
	for _, text := range []string{
		"apiVersion: v1\nkind: secret\nmetadata: {name: a}\nstringData:\n  a: b\n  a: b",
		"apiVersion: v1\nKIND : \"SECRET\"\nstringData: {a: b, a: b}",
		`{"apiVersion": "v1", "kind": "secret", "metadata": {"name": "a"}, "stringData": {"a": "b"}}`,
		`{"apiVersion": "v1", "Kind": "Secret", "stringData": {"a": "b"}}`,
		`{"apiVersion": "v1", "kind": "SecretList", "items": "b"}`,
		`{"apiVersion": "v1", "kind": "List", "extra": 1, "items": [{"kind": "secret", "apiVersion": "v1", "stringData": {"a": "b"}}]}`,
	} {
		_, problems := load(text, false)
		if len(problems) == 0 {
			t.Errorf("%s\nnothing is wrong", text)
		}
		for _, p := range problems {
			if !p.Sensitive {
				t.Errorf("%s\n%s: its line may be shown", text, p)
			}
		}
	}
}
