package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"sigs.k8s.io/yaml"

	"github.com/ktask/ktask/spec"
	"github.com/ktask/ktask/spec/internal/api"
	"github.com/ktask/ktask/spec/yamltree"
)

const schemaFile = "../../ktask.schema.json"

func TestSchemaFileIsGenerated(t *testing.T) {
	file, err := os.ReadFile(schemaFile)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(file, schema()) {
		t.Error("ktask.schema.json is not what schemagen writes: run go generate . and check the change")
	}
}

// validator returns the schema as an independent library understands it.
func validator(t *testing.T) func(manifest any) error {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(schema()))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource(spec.SchemaURL, doc); err != nil {
		t.Fatal(err)
	}
	compiled, err := c.Compile(spec.SchemaURL) // checks it against the schema of draft-07 too
	if err != nil {
		t.Fatal(err)
	}
	return compiled.Validate
}

// load returns the errors of a file, and the faults of its ConfigMaps and Secrets.
func load(text string) error {
	m, problems, _ := spec.Load([]spec.File{{Name: "f", Data: []byte(text), Named: true}}, spec.Options{Namespace: "default", Tests: true})
	return append(problems, m.Faults...).Err()
}

// documents returns the documents of a file as kubectl reads them.
func documents(t *testing.T, text string) []any {
	t.Helper()
	var all []any
	for _, part := range yamltree.Split([]byte(text), func(p yamltree.Problem) { t.Error(p) }) {
		data, err := yaml.YAMLToJSON(part.Text)
		if err != nil {
			t.Fatalf("%v:\n%s", err, part.Text)
		}
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, doc)
	}
	return all
}

func TestSchemaAcceptsTheExamples(t *testing.T) {
	validate := validator(t)
	names, err := filepath.Glob("../../examples/*/task.yaml")
	if err != nil || len(names) < 11 {
		t.Fatalf("%d examples (%v)", len(names), err)
	}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if first, _, _ := strings.Cut(string(text), "\n"); first != "# yaml-language-server: $schema=../../ktask.schema.json" {
			t.Errorf("%s begins with %q, which shows editors no schema", name, first)
		}
		for i, doc := range documents(t, string(text)) {
			if err := validate(doc); err != nil {
				t.Errorf("%s, document %d: %v", name, i+1, err)
			}
		}
	}
}

// TestSchemaAcceptsWhatLoads checks manifests without errors against the schema.
func TestSchemaAcceptsWhatLoads(t *testing.T) {
	validate := validator(t)
	names, err := filepath.Glob("../../*/testdata/rules/*.txtar")
	if err != nil || len(names) < 30 {
		t.Fatalf("%d cases (%v)", len(names), err)
	}
	checked := 0
	for _, name := range names {
		archive, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range strings.Split("\n"+string(archive), "\n-- ")[1:] {
			title, text, _ := strings.Cut(file, " --\n")
			if !strings.HasSuffix(title, ".yaml") || strings.Contains(text, "null") || strings.Contains(text, "~") {
				continue
			}
			if strings.Contains(text, "generateName") {
				continue // ktask ignores such a ConfigMap or Secret, but an author is asked for a name
			}
			for _, part := range yamltree.Split([]byte(text), func(p yamltree.Problem) { t.Error(p) }) {
				if load(string(part.Text)) != nil {
					continue
				}
				if _, err := yaml.YAMLToJSON(part.Text); err != nil {
					continue // a document of others, which ktask passes over
				}
				for _, doc := range documents(t, string(part.Text)) {
					checked++
					if err := validate(doc); err != nil {
						t.Errorf("%s %s: %v\n%s", name, title, err, part.Text)
					}
				}
			}
		}
	}
	if checked < 50 {
		t.Errorf("only %d manifests were checked", checked)
	}
}

// TestSchemaVersusLoad checks that the schema and Load accept and reject the same manifests.
func TestSchemaVersusLoad(t *testing.T) {
	validate := validator(t)
	definition := func(version, fields string) string {
		return "apiVersion: lifecycle.keptn.sh/" + version + "\nkind: KeptnTaskDefinition\nmetadata: {name: a}\nspec: " + fields
	}
	deno := func(fields string) string { return definition("v1", "{deno: {inline: {code: x}}, "+fields+"}") }
	container := func(fields string) string {
		return definition("v1", "{container: {name: a, image: b, "+fields+"}}")
	}
	test := func(fields string) string {
		return "apiVersion: ktask.dev/v1\nkind: TaskTest\nmetadata: {name: a}\nspec: {task: b, cases: [{name: c, " + fields + "}]}"
	}
	secret := func(kind, fields string) string {
		return "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\ntype: kubernetes.io/" + kind + "\n" + fields
	}
	right := []string{
		definition("v1", "{deno: {inline: {code: x}}}"),
		definition("v1alpha1", "{function: {inline: {code: x}}}"),
		definition("v1alpha3", "{function: {inline: {code: x}, cmdParameters: -u}}"),
		definition("v1beta1", "{python: {functionRef: {name: b}, parameters: {map: {a: '1', b: null}}, secureParameters: {secret: s}}}"),
		deno("retries: 0, timeout: 1h30m, ttlSecondsAfterFinished: 0"), deno("timeout: 0.5s"), deno("timeout: 5µs"),
		deno("serviceAccount: {name: x}, automountServiceAccountToken: {type: false}, imagePullSecrets: [{name: x}]"),
		container("imagePullPolicy: Never, resources: {limits: {memory: 200Mi, cpu: 2}}"),
		container("env: [{name: A, value: b}, {name: B, valueFrom: {secretKeyRef: {name: a, key: b}}}], volumeMounts: [{name: a, mountPath: /a}]"),
		container("livenessProbe: {httpGet: {port: http}, initialDelaySeconds: 3}, securityContext: {runAsUser: 5, capabilities: {add: [SYS_TIME]}}"),
		"apiVersion: lifecycle.keptn.sh/v1\nkind: KeptnTask\nmetadata: {name: a, labels: {a: b}}\nspec: {taskDefinition: b, retries: 1, context: {appName: x, metadata: {a: b}}}",
		"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, creationTimestamp: null}\ndata: {code: x}\nbinaryData: {b: aGVsbG8=}",
		"apiVersion: v1\nkind: Secret\nmetadata: {name: a}\ntype: Opaque\nstringData: {a: b}\ndata: {SECURE_DATA: aGVsbG8=}",
		"apiVersion: v1\nkind: List\nitems: [{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}]",
		"apiVersion: lifecycle.keptn.sh/v1\nkind: KeptnTaskDefinitionList\nitems: [{metadata: {name: a}, spec: {deno: {inline: {code: x}}}}]",
		"apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {anything: goes}",
		"apiVersion: lifecycle.keptn.sh/v1\nkind: KeptnEvaluation\nmetadata: {name: a}\nspec: {}",
		"apiVersion: serving.knative.dev/v1\nkind: Service\nmetadata: {name: a}",
		"apiVersion: argoproj.io/v1alpha1\nkind: Analysis\nmetadata: {name: a}", "apiVersion: example.com/v1\nkind: list",
		"apiVersion: spec.keptn.sh/0.2.2\nkind: Shipyard", "apiVersion: keptn.sh/v1\nkind: KeptnProject", "apiVersion: example.com/v1\nkind: KeptnFlag",
		"apiVersion: v1\nkind: List\nmetadata: {resourceVersion: '', selfLink: ''}\nitems: []",
		deno("serviceAccount: {name: ''}"), container("ports: [{containerPort: 80, name: '', hostPort: 0}, {containerPort: 80, protocol: UDP, name: a-1}]"),
		container("readinessProbe: {grpc: {port: 65535}, successThreshold: 2}, startupProbe: {tcpSocket: {port: 80}, successThreshold: 1, terminationGracePeriodSeconds: 1}"),
		container("lifecycle: {preStop: {sleep: {seconds: 30}}, postStart: {exec: {command: [a]}}}, resizePolicy: [{resourceName: cpu, restartPolicy: NotRequired}]"),
		container("resources: {requests: {ephemeral-storage: 1Gi}}, securityContext: {capabilities: {add: [net_admin, CAP_SYS_TIME, Cap_Bpf], drop: [all]}}"),
		container("env: [{name: A, valueFrom: {configMapKeyRef: {name: a.b, key: .c}}}], envFrom: [{secretRef: {name: a.b}}]"),
		"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {a: ~}", "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData: {a: ~}",
		definition("v1", "{deno: {inline: {code: x}, functionRef: {}, configMapRef: {name: ''}, httpRef: {url: ''}}}"), definition("v1", "{deno: {httpRef: {url: x}, inline: {}}}"),
		secret("tls", "data: {tls.crt: aGVsbG8=}\nstringData: {tls.key: x}"), secret("basic-auth", "stringData: {password: x}"), secret("other", ""),
		test("params: {a: b}, secrets: {t: hunter22, t/K: hunter22}, context: {appName: x, metadata: {a: b}}, env: {A: b}"), test("expect: {}"), test("expect: {status: timed-out, reason: X, exitCode: 3, attempts: 1, under: 5s}"),
		test("expect: {output: [a, '', {regex: x}, {json: 1}, {json: {a: [b]}}, {not: x}, {not: {json: {a: b}}}]}"),
	}
	wrong := []string{
		test("expects: {}"), test("expect: []"), test("expect: {status: errored}"), test("expect: {attempts: 0}"), test("expect: {under: 5}"), test("expect: {exitCode: x}"), test("params: {a: 1}"),
		test("expect: {output: x}"), test("expect: {output: [1]}"), test("expect: {output: [{}]}"), test("expect: {output: [{regex: a, json: b}]}"), test("expect: {output: [{not: {not: a}}]}"), test("expect: {output: [\"a\\nb\"]}"), test("expect: {output: [{regexp: a}]}"),
		strings.Replace(test(""), "task: b, ", "", 1), strings.Replace(test(""), "name: c, ", "params: {}", 1), strings.Replace(test(""), "ktask.dev/v1", "ktask.dev/v2", 1), strings.Replace(test(""), "TaskTest", "Tasktest", 1), "apiVersion: ktask.dev/v1\nkind: TaskTest\nmetadata: {name: a}\nspec: {task: b, cases: []}",
		container("ports: [{containerPort: 99999}]"), container("ports: [{containerPort: 0}]"), container("ports: [{name: a}]"), container("ports: [{containerPort: 80, hostPort: -1}]"),
		container("ports: [{containerPort: 80, name: A}]"), container("ports: [{containerPort: 80, name: '12'}]"), container("ports: [{containerPort: 80, name: a--b}]"),
		container("ports: [{containerPort: 80, name: a234567890123456}]"), container("ports: [{containerPort: 80, protocol: tcp}]"),
		container("livenessProbe: {}"), container("livenessProbe: {exec: {command: [a]}, tcpSocket: {port: 80}}"), container("livenessProbe: {httpGet: {path: /}}"), container("livenessProbe: {httpGet: {port: 0}}"),
		container("livenessProbe: {httpGet: {port: -}}"), container("livenessProbe: {tcpSocket: {}}"), container("livenessProbe: {grpc: {}}"), container("livenessProbe: {grpc: {port: 70000}}"), container("livenessProbe: {exec: {}}"),
		container("livenessProbe: {tcpSocket: {port: 80}, periodSeconds: -3}"), container("startupProbe: {tcpSocket: {port: 80}, successThreshold: 2}"), container("startupProbe: {tcpSocket: {port: 80}, terminationGracePeriodSeconds: 0}"),
		container("readinessProbe: {tcpSocket: {port: 80}, terminationGracePeriodSeconds: 5}"), container("readinessProbe: {httpGet: {port: 80, httpHeaders: [{name: a b, value: c}]}}"),
		container("readinessProbe: {httpGet: {port: 80, httpHeaders: [{name: a}]}}"), container("lifecycle: {preStop: {}}"), container("lifecycle: {postStart: {sleep: {seconds: 31}}}"),
		container("resizePolicy: [{resourceName: foo, restartPolicy: NotRequired}]"), container("resizePolicy: [{resourceName: cpu}]"), container("resources: {requests: {memori: 1}}"), container("resources: {requests: {example.com/gpu: 1}}"),
		container("resources: {limits: {memori: 1}}"), container("securityContext: {capabilities: {add: [FOO]}}"), container("securityContext: {capabilities: {drop: ['']}}"), container("securityContext: {capabilities: {drop: [CAP_ALL]}}"),
		container("env: [{name: A, valueFrom: {secretKeyRef: {name: X, key: a, optional: true}}}]"), container("env: [{name: A, valueFrom: {configMapKeyRef: {name: a, key: a b, optional: true}}}]"),
		container("env: [{name: A, valueFrom: {configMapKeyRef: {name: a, key: ..b}}}]"), container("envFrom: [{secretRef: {name: A_b}}]"), deno("serviceAccount: {name: A_b}"),
		"apiVersion: v1\nkind: List\nitmes: []", "apiVersion: v1\nkind: List\nitems: [~]", "apiVersion: v1\nkind: SecretList\nextra: 1", "apiVersion: lifecycle.keptn.sh/v1\nkind: KeptnTaskList\nmetadata: {name: a}",
		"apiVersion: v1\nkind: Configmap\nmetadata: {name: a}", "apiVersion: v1\nkind: secretlist", "apiVersion: v1\nkind: list", "apiVersion: lifecycle.keptn.sh\nkind: KeptnApp", "apiVersion: lifecycle.keptn.io/v1\nkind: KeptnApp",
		"apiVersion: Lifecycle.Keptn.sh/v1\nkind: KeptnApp", "apiVersion: lifecycle.keptn/v1\nkind: Keptntaskdefinition", "apiVersion: LIFECYCLE.keptn/v1\nkind: Deployment", "apiVersion: lifecycle.keptn.sh/v1\nkind: List", "apiVersion: example.com/v1\nkind: keptntasklist", "apiVersion: metrics.keptn.sh/v1beta2\nkind: Analysis",
		"apiVersion: lifecycle.keptn.sh/v1\nKind: KeptnApp", "apiVersion: 3\nkind: KeptnApp",
		"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {..a: c}", secret("dockercfg", ""), secret("dockerconfigjson", "stringData: {a: b}"), secret("tls", "stringData: {tls.crt: x}"), secret("ssh-auth", ""),
		secret("basic-auth", "stringData: {user: x}"), secret("service-account-token", ""),
		"{}", "kind: ConfigMap\nmetadata: {name: a}", "apiVersion: v1", "[]", "x",
		definition("v1", "{}"), definition("v1", "{deno: {}}"), definition("v1", "{deno: {parameters: {map: {a: b}}}}"),
		definition("v1", "{deno: {inline: {code: x}}, python: {inline: {code: x}}}"), definition("v1", "{deno: {inline: {code: x}}, container: {name: a, image: b}}"),
		definition("v1", "{function: {inline: {code: x}}}"), definition("v1alpha2", "{deno: {inline: {code: x}}}"), definition("v1alpha1", "{function: {inline: {code: x}}, retries: 1}"),
		definition("v1alpha2", "{function: {inline: {code: x}, cmdParameters: -u}}"), definition("v2", "{deno: {inline: {code: x}}}"),
		definition("v1", "{deno: {inlineRef: {code: x}}}"), definition("v1", "{deno: {ConfigMapRef: {name: x}}}"), definition("v1", "{deno: {httpRef: [{url: x}]}}"),
		definition("v1", "{deno: {httpRef: {URL: x}}}"), definition("v1", "{deno: {functionRef: {name: A_B}}}"), definition("v1", "{deno: {inline: {code: ''}}}"), definition("v1", "{deno: {functionRef: {}, httpRef: {url: ''}}}"),
		definition("v1", "{deno: {inline: {code: x}, parameters: {map: {a: 1}}}}"), definition("v1", "{deno: {inline: {code: x}, parameters: {map: {a: true}}}}"),
		definition("v1", "{deno: {inline: {code: x}, parameters: {a: b}}}"), definition("v1", "{deno: {inline: {code: x}, parameters: {map: {a: {b: c}}}}}"),
		deno("timeout: 5"), deno("timeout: '5'"), deno("timeout: 1d"), deno("timeout: -5s"), deno("timeout: ''"), deno("timeout: abc5s"), deno("timeout: 5 m"),
		deno("retries: -1"), deno("retries: '3'"), deno("retries: 1.5"), deno("retries: 2147483648"), deno("ttlSecondsAfterFinished: -1"), deno("retry: 3"),
		deno("serviceAccount: {}"), deno("serviceAccount: x"), deno("automountServiceAccountToken: {}"), deno("automountServiceAccountToken: false"), deno("imagePullSecrets: [x]"),
		definition("v1", "{container: {name: a}}"), definition("v1", "{container: {image: a}}"), definition("v1", "{container: {name: A b, image: b}}"), definition("v1", "{container: [{name: a, image: b}]}"),
		container("imagePullPolicy: always"), container("imagePullPolicy: Sometimes"), container("command: sh"), container("args: [1]"), container("env: {A: b}"), container("env: [{value: x}]"),
		container("env: [{name: A, value: 1}]"), container("env: [{name: A, valueFrom: {secretKeyRef: {name: a}}}]"), container("resources: {limits: {memory: 200MB}}"),
		container("resources: {limits: {memory: 1.5}}"), container("resource: {}"), container("volumeMounts: [{name: a}]"), container("volumeMounts: [{mountPath: /a}]"),
		container("securityContext: {runAsUser: root}"), container("securityContext: {seccompProfile: {type: Sometimes}}"), container("tty: 'true'"), container("terminationMessagePolicy: Log"),
		strings.Replace(definition("v1", "{deno: {inline: {code: x}}}"), "{name: a}", "{}", 1), strings.Replace(definition("v1", "{deno: {inline: {code: x}}}"), "{name: a}", "{name: A_b}", 1),
		strings.Replace(definition("v1", "{deno: {inline: {code: x}}}"), "name: a", "name: a, lables: {}", 1), definition("v1", "{deno: {inline: {code: x}}}") + "\nspecs: {}",
		strings.Replace(definition("v1", "{deno: {inline: {code: x}}}"), "KeptnTaskDefinition", "KeptnTaskdefinition", 1),
		strings.Replace(definition("v1", "{deno: {inline: {code: x}}}"), "lifecycle.keptn.sh/v1", "lifecycle.keptn.sh/v1alpha4", 1),
		"apiVersion: lifecycle.keptn.sh/v1\nkind: KeptnTask\nmetadata: {name: a}\nspec: {}", "apiVersion: lifecycle.keptn.sh/v1\nkind: KeptnTask\nmetadata: {name: a}\nspec: {taskDefinition: ''}",
		"apiVersion: lifecycle.keptn.sh/v1\nkind: KeptnTask\nmetadata: {name: a}\nspec: {taskDefinition: b, workload: x}", "apiVersion: lifecycle.keptn.sh/v1alpha1\nkind: KeptnTask\nmetadata: {name: a}\nspec: {taskDefinition: b}",
		"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {a: 1}", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {a b: c}", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\nspec: {}",
		"apiVersion: v2\nkind: ConfigMap\nmetadata: {name: a}", "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\ndata: {a: clear text}", "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData: {a: 1}",
		"apiVersion: v1\nkind: List\nitems: {}", "apiVersion: v1\nkind: List\nitems: [{apiVersion: v1, kind: ConfigMap, metadata: {}}]", "apiVersion: v1\nkind: List\nitems: [{}]",
		"apiVersion: lifecycle.keptn.sh/v1\nkind: KeptnTaskDefinitionList\nitems: [{metadata: {name: a}, spec: {}}]", "apiVersion: v1\nkind: SecretList\nitems: [{metadata: {name: a}, data: {a: 5}}]",
	}
	for want, texts := range map[bool][]string{true: right, false: wrong} {
		for _, text := range texts {
			err := validate(documents(t, text)[0])
			if (err == nil) != want {
				t.Errorf("the schema says %v, want it accepted: %v\n%s", err, want, text)
			}
			if err := load(text); (err == nil) != want {
				t.Errorf("Load returns %v, want it accepted: %v\n%s", err, want, text)
			}
		}
	}
}

// TestSchemaKnowsEveryType checks that every string type is an enumeration or known to be free text, and that exactly the
// fields of package api are described.
func TestSchemaKnowsEveryType(t *testing.T) {
	known, docs, seen := enums(), keptnDocs(), map[reflect.Type]bool{}
	described := map[string]bool{}
	var visit func(reflect.Type)
	visit = func(typ reflect.Type) {
		if seen[typ] {
			return
		}
		seen[typ] = true
		switch typ.Kind() {
		case reflect.Pointer, reflect.Slice:
			visit(typ.Elem())
		case reflect.Map:
			visit(typ.Key())
			visit(typ.Elem())
		case reflect.String:
			if _, ok := known[typ]; !ok && typ.PkgPath() != "" && !strings.HasSuffix(typ.PkgPath(), "/types") {
				t.Errorf("%s is no enumeration and not known as free text", typ)
			}
		case reflect.Struct:
			if reflect.PointerTo(typ).Implements(reflect.TypeFor[json.Unmarshaler]()) {
				ownSchema(typ)
				return
			}
			cache := api.Fields{}
			for _, f := range cache.Of(typ) {
				visit(f.Type)
				if name := typ.Name() + "." + f.Name; typ.PkgPath() == reflect.TypeFor[api.List]().PkgPath() {
					described[name] = true
					if doc, ok := docs[name]; !ok || doc.text == "" && f.Name != "apiVersion" && f.Name != "kind" {
						t.Errorf("%s is not described", name)
					}
				}
			}
		}
	}
	for _, root := range []any{api.Definition{}, api.Task{}, api.ConfigMap{}, api.Secret{}, api.List{}, api.TaskTest{}, api.Match{}} {
		visit(reflect.TypeOf(root))
	}
	for name := range docs {
		if !described[name] {
			t.Errorf("%s is described, but there is no such field", name)
		}
	}
}

// TestSchemaHelpsEditors checks that the schema has what completion and hovering need.
func TestSchemaHelpsEditors(t *testing.T) {
	var parsed struct {
		Definitions map[string]struct {
			Properties map[string]json.RawMessage
			Required   []string
		}
	}
	if err := json.Unmarshal(schema(), &parsed); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"KeptnTaskDefinition.v1", "KeptnTaskDefinition.v1beta1", "KeptnTaskDefinition.v1alpha2", "KeptnTask.v1", "TaskTest", "ConfigMap", "Secret", "Container", "ObjectMeta"} {
		if len(parsed.Definitions[name].Properties) == 0 {
			t.Errorf("there is no definition %s", name)
		}
	}
	for name, d := range parsed.Definitions {
		for field, raw := range d.Properties {
			var property struct{ Description string }
			if err := json.Unmarshal(raw, &property); err != nil {
				t.Fatal(err)
			}
			if property.Description == "" && field != "apiVersion" && field != "kind" {
				t.Errorf("%s.%s has no description", name, field)
			}
		}
	}
}
