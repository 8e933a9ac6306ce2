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
		"apiVersion: 1\nkind: Deployment":                        "1:13: warning: apiVersion must be a string, not a number",
		"apiVersion: v1\nkind: Configmap":                        `2:7: error: there is no Configmap in version "v1" (did you mean "ConfigMap"?)`,
		"apiVersion: v1\nkind: List\nitems: [{kind: KeptnTask}]": "3:9: error: the object has no apiVersion (",
	} {
		_, problems, _ := Load([]File{{Name: "f", Data: []byte(text)}}, Options{Namespace: "default"})
		if want == "" && len(problems) > 0 || want != "" && (len(problems) == 0 || !strings.HasPrefix(problems[0].String(), "f:"+want)) {
			t.Errorf("%s\nwant %q, got %v", text, want, problems)
		}
	}
}

// TestUnreadable checks that a document that cannot be parsed is a warning, unless it names Keptn or may belong to the document
// before it. In a file that the user names, a document of a kind that ktask reads is an error, and so is everything if no document
// is a manifest.
func TestUnreadable(t *testing.T) {
	const (
		own     = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n---\n"
		foreign = "apiVersion: v1\nkind: Service\nmetadata: {name: a}\n---\n"
	)
	for text, want := range map[string][2]Severity{ // in a directory, and named
		"a: b\na: c":                         {Warning, Error}, // values.yaml
		"{\n  // a comment\n  \"a\": {},\n}": {Warning, Error}, // tsconfig.json
		"a: [b":                              {Warning, Error},
		"# of any kind: here\na: [b":         {Warning, Error},
		"a: {{ .Values.a }}":                 {Warning, Error},
		"\xff":                               {Warning, Error},
		own + "print(":                       {Error, Error}, // the rest of a script
		own + "print('a')\na: b":             {Error, Error},
		own + "apiVersion: v1\nkind: Service\na: [b": {Warning, Warning},
		foreign + "a: [b": {Warning, Warning},
		foreign + "apiVersion: v1\nkind: Secret\na: [b":                {Warning, Error},
		"apiVersion: apps/v1\nkind: Deployment\nspec: {{ .Values.a }}": {Warning, Warning},
		"apiVersion: apps/v1\nkind: Deployment\n{{ .Values.a }}\n":     {Warning, Error},
		"apiVersion: lifecycle.keptn.sh/v1\nspec: [":                   {Error, Error},
		"- a: [b\n- kind: KeptnTask":                                   {Error, Error},
		"{\n  \"kind\": \"KeptnTask\",\n  \"a\": [":                    {Error, Error},
		"\xff\xfek\x00i\x00n\x00d\x00:\x00K\x00e\x00p\x00t\x00n\x00":   {Error, Error}, // in UTF-16
	} {
		for i, named := range []bool{false, true} {
			_, problems, _ := Load([]File{{Name: "f", Data: []byte(text), Named: named}}, Options{Namespace: "default"})
			if len(problems) == 0 || want[i] == Warning && len(problems) != 1 || problems[0].Severity != want[i] {
				t.Errorf("%q, named %t: want %s, got %v", text, named, want[i], problems)
			}
		}
	}
}

// TestNoHeader checks that an object without a header is one problem, and with a misspelt key one for each key of the header.
func TestNoHeader(t *testing.T) {
	for text, want := range map[string][]string{
		"a: 1":              {"f:1:1: error: this is not a Kubernetes object: it has neither apiVersion nor kind [not-an-object]"},
		"a: 1\n---\nb: 1\n": {"f:1:1: error: this is not", "f:3:1: error: this is not"},
		"{kind: A}":         {"f:1:1: error: the object has no apiVersion (every Kubernetes object has both) [not-an-object]"},
		"{kin: A}":          {"f:1:1: error: the object has no apiVersion (", `f:1:2: error: the object has no kind, but a key "kin" (did you mean "kind"?)`},
		"apiVersion: v1\nkind: Secret\nmetadata: {name: a}\n---\nb: 1\n": {"f:5:1: error: this is not a Kubernetes object: it has neither apiVersion nor kind (" + partOfScript},
	} {
		_, problems, _ := Load([]File{{Name: "f", Data: []byte(text), Named: true}}, Options{Namespace: "default"})
		wrong := len(problems) != len(want)
		for i := 0; i < len(want) && !wrong; i++ {
			wrong = !strings.HasPrefix(problems[i].String(), want[i])
		}
		if wrong {
			t.Errorf("%q\nwant %q, got %v", text, want, problems)
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
