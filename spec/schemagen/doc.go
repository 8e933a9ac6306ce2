package main

import (
	"maps"
	"reflect"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ktask/ktask/spec"
	"github.com/ktask/ktask/spec/internal/api"
)

// fieldDoc describes a field beyond its type.
type fieldDoc struct {
	text     string
	required bool
	rules    object
}

// The patterns of names, see https://kubernetes.io/docs/concepts/overview/working-with-objects/names.
const (
	subdomainPattern = `^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$`
	labelPattern     = `^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`
)

func subdomain() object { return object{"pattern": subdomainPattern, "maxLength": 253} }
func dnsLabel() object  { return object{"pattern": labelPattern, "maxLength": 63} }
func count() object     { return object{"minimum": 0, "maximum": 1<<31 - 1} }

// doc returns the description of a field. Fields of Keptn are described here. Those of Kubernetes have its own description, and
// an entry here only for rules that the types do not express.
func (b *schemaBuilder) doc(t reflect.Type, field string) fieldDoc {
	switch t {
	case reflect.TypeFor[corev1.Container]():
		return containerDoc(field, b.notes[field])
	case reflect.TypeFor[metav1.ObjectMeta]():
		return map[string]fieldDoc{
			"name":      {"The name of the resource, unique among those of its kind in a namespace.", true, subdomain()},
			"namespace": {"The namespace of the resource; \"default\" if it has none.", false, dnsLabel()},
			"labels":    {"Labels, by which --selector chooses tasks.", false, object{"additionalProperties": object{"type": "string", "maxLength": 63}}},
		}[field]
	}
	name := t.Name() + "." + field
	if rules, ok := kubernetesRules()[name]; ok {
		return fieldDoc{rules: rules, required: name == "ExecAction.command"}
	}
	doc := keptnDocs()[name]
	if name == "Expect.output" {
		doc.rules = object{"items": b.matchItem(true)}
	}
	return doc
}

func containerDoc(field, note string) fieldDoc {
	doc := fieldDoc{}
	switch field {
	case "name":
		doc.rules = dnsLabel()
	case "image":
		doc.required, doc.rules = true, object{"minLength": 1}
	case "livenessProbe", "startupProbe":
		doc.rules = object{"properties": object{"successThreshold": object{"maximum": 1}, "terminationGracePeriodSeconds": object{"minimum": 1}}}
	case "readinessProbe":
		doc.rules = object{"not": object{"required": []string{"terminationGracePeriodSeconds"}}}
	}
	if note != "" {
		doc.text = firstSentence(corev1.Container{}.SwaggerDoc()[field]) + "\n\n" + note
	}
	return doc
}

// containerNotes returns remarks on the fields of a container that are not fully supported.
func containerNotes() map[string]string {
	notes := map[string]string{}
	for _, f := range spec.ContainerFields() {
		switch f.Support {
		case spec.Approximated:
			notes[f.Path] = "ktask: accepted, without effect: " + f.Reason + "."
		case spec.Rejected:
			notes[f.Path] = "ktask: an error without --lenient: " + f.Reason + "."
		}
	}
	return notes
}

// keptnDocs returns the descriptions of the fields of package api.
func keptnDocs() map[string]fieldDoc {
	all := definitionDocs()
	maps.Copy(all, taskDocs())
	maps.Copy(all, dataDocs())
	maps.Copy(all, testDocs())
	return all
}

// timeoutRules are the rules of a timeout.
func timeoutRules() object {
	return object{"pattern": api.TimeoutPattern, "examples": []string{"30s", "5m", "1h30m"}}
}

// definitionDocs describes a KeptnTaskDefinition.
func definitionDocs() map[string]fieldDoc {
	return map[string]fieldDoc{
		"Definition.apiVersion": {}, "Definition.kind": {},
		"Definition.metadata": {"Name, namespace, labels and annotations.", true, nil},
		"Definition.spec":     {"What the task runs, and how often and how long it may try.", true, nil},
		"Definition.status":   {"Written by a cluster; not read.", false, nil},

		"DefinitionSpec.function":                     {"The deno runner, by its old name. Write deno.", false, nil},
		"DefinitionSpec.deno":                         {"Run JavaScript or TypeScript with Deno.", false, nil},
		"DefinitionSpec.python":                       {"Run Python 3.", false, nil},
		"DefinitionSpec.container":                    {"Run a container of your own: a Kubernetes container.", false, nil},
		"DefinitionSpec.retries":                      {"How often a failed attempt is repeated. Unset: 0, or 10 in a cluster.", false, count()},
		"DefinitionSpec.timeout":                      {"How long all attempts together may take, with a unit. Unset: 5m.", false, timeoutRules()},
		"DefinitionSpec.serviceAccount":               {"The service account of the pod; without effect here.", false, nil},
		"DefinitionSpec.automountServiceAccountToken": {"Whether the pod gets its service account's token; without effect here.", false, nil},
		"DefinitionSpec.ttlSecondsAfterFinished":      {"How many seconds a cluster keeps the finished Job. Unset: 300. Without effect here.", false, count()},
		"DefinitionSpec.imagePullSecrets":             {"Secrets with credentials to pull images with. Those that are not among the manifests have no effect here.", false, nil},

		"ServiceAccount.name": {"The name of the ServiceAccount.", true, optional(subdomain())},
		"Automount.type":      {"Whether the token is mounted.", true, nil},

		"Function.functionRef":      {"Run the code of another KeptnTaskDefinition, with the parameters and the secret given here.", false, nil},
		"Function.inline":           {"Code in this manifest.", false, nil},
		"Function.httpRef":          {"Code that the runtime fetches when the task runs.", false, nil},
		"Function.configMapRef":     {"Code in a ConfigMap, under the key \"code\".", false, nil},
		"Function.parameters":       {"What the code gets as JSON in the environment variable DATA.", false, nil},
		"Function.secureParameters": {"What the code gets from a Secret, in the environment variable SECURE_DATA.", false, nil},
		"Function.cmdParameters":    {"Options of the interpreter, like -u; split at blanks. Deno ignores them.", false, nil},

		"NameRef.name":            {"The name of the resource, in the same namespace or in Keptn's.", false, optional(subdomain())},
		"Inline.code":             {"The script.", false, nil},
		"HTTPRef.url":             {"Where the script is: an http or https URL.", false, nil},
		"Parameters.map":          {"Names and values. All values are strings: quote numbers and booleans.", false, nil},
		"SecureParameters.secret": {"The name of the Secret, whose key SECURE_DATA is passed on.", false, nil},
	}
}

// taskDocs describes a KeptnTask.
func taskDocs() map[string]fieldDoc {
	return map[string]fieldDoc{
		"Task.apiVersion": {}, "Task.kind": {},
		"Task.metadata": {"Name, namespace, labels and annotations.", true, nil},
		"Task.spec":     {"The definition to run, and what is special about this use of it.", true, nil},
		"Task.status":   {"Written by a cluster; not read.", false, nil},

		"TaskSpec.workload":         {"The workload; only the context is read.", true, nil},
		"TaskSpec.workloadVersion":  {"The version of the workload; only the context is read.", true, nil},
		"TaskSpec.app":              {"The app; only the context is read.", true, nil},
		"TaskSpec.appVersion":       {"The version of the app; only the context is read.", true, nil},
		"TaskSpec.taskDefinition":   {"The name of the KeptnTaskDefinition to run.", true, object{"minLength": 1}},
		"TaskSpec.context":          {"What the task learns of its app and workload, in the environment variable KEPTN_CONTEXT.", false, nil},
		"TaskSpec.parameters":       {"Parameters that the definition lacks; they do not override its own.", false, nil},
		"TaskSpec.secureParameters": {"The Secret that takes the place of the definition's.", false, nil},
		"TaskSpec.checkType":        {"The stage: pre, post or promotion.", false, nil},
		"TaskSpec.retries":          {"How often a failed attempt is repeated. Unset: as the definition says, or 10 in a cluster.", false, count()},
		"TaskSpec.timeout":          {"How long all attempts together may take, with a unit. Unset: as the definition says, or 5m in a cluster.", false, timeoutRules()},

		"Context.workloadName":    {"The name of the workload.", false, nil},
		"Context.appName":         {"The name of the app.", false, nil},
		"Context.appVersion":      {"The version of the app.", false, nil},
		"Context.workloadVersion": {"The version of the workload.", false, nil},
		"Context.taskType":        {"The stage: pre, post or promotion.", false, nil},
		"Context.objectType":      {"App or Workload.", false, nil},
		"Context.metadata":        {"Further names and values.", false, nil},
	}
}

// dataDocs describes a ConfigMap, a Secret and a list.
func dataDocs() map[string]fieldDoc {
	data := object{"propertyNames": dataKey()}
	texts := object{"propertyNames": dataKey(), "additionalProperties": object{"type": []string{"string", "null"}}} // a null is an empty string
	return map[string]fieldDoc{
		"ConfigMap.apiVersion": {}, "ConfigMap.kind": {},
		"ConfigMap.metadata":   {"Name, namespace, labels and annotations.", true, nil},
		"ConfigMap.data":       {"Keys and texts. configMapRef runs the key \"code\".", false, texts},
		"ConfigMap.binaryData": {"Keys and bytes, in base64.", false, data},
		"ConfigMap.immutable":  {"Whether a cluster refuses changes; without effect here.", false, nil},

		"List.apiVersion": {}, "List.kind": {},
		"List.metadata": {"Written by a cluster; not read.", false, nil},
		"List.items":    {"The resources.", false, nil},

		"Secret.apiVersion": {}, "Secret.kind": {},
		"Secret.metadata":   {"Name, namespace, labels and annotations.", true, nil},
		"Secret.data":       {"Keys and values, in base64. secureParameters pass the key SECURE_DATA on.", false, data},
		"Secret.stringData": {"Keys and values as clear text; they win over data.", false, texts},
		"Secret.type":       {"The type of the Secret; without effect here.", false, nil},
		"Secret.immutable":  {"Whether a cluster refuses changes; without effect here.", false, nil},
	}
}
