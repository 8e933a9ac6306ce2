package spec

import (
	"reflect"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// fieldDoc is what a schema says of a field beyond its type.
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

// doc is about a field of a type. Fields of Keptn have an entry here; those of Kubernetes have its own words, and an
// entry only for a rule that its types do not show.
func (b *schemaBuilder) doc(t reflect.Type, field string) fieldDoc {
	switch t {
	case reflect.TypeFor[corev1.Container]():
		return containerDoc(field, b.notes[field])
	case reflect.TypeFor[metav1.ObjectMeta]():
		return map[string]fieldDoc{
			"name":      {"The name of the resource, unique among those of its kind in a namespace.", true, subdomain()},
			"namespace": {"The namespace of the resource; \"default\" where there is none.", false, dnsLabel()},
			"labels":    {"Labels, by which --selector chooses tasks.", false, object{"additionalProperties": object{"type": "string", "maxLength": 63}}},
		}[field]
	}
	name := t.Name() + "." + field
	if rules, ok := kubernetesRules()[name]; ok {
		return fieldDoc{rules: rules, required: name == "ExecAction.command"}
	}
	return keptnDocs()[name]
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

// containerNotes say what becomes of the fields of a container that are not simply honoured.
func containerNotes() map[string]string {
	notes := map[string]string{}
	for _, f := range ContainerFields() {
		switch f.Support {
		case Approximated:
			notes[f.Path] = "ktask: accepted, without effect: " + f.Reason + "."
		case Rejected:
			notes[f.Path] = "ktask: an error without --lenient: " + f.Reason + "."
		}
	}
	return notes
}

// keptnDocs are the fields of Keptn's types, and of those of Kubernetes that have no words of their own.
func keptnDocs() map[string]fieldDoc {
	timeout := object{"pattern": timeoutPattern.String(), "examples": []string{"30s", "5m", "1h30m"}}
	data := object{"propertyNames": dataKey()}
	texts := object{"propertyNames": dataKey(), "additionalProperties": object{"type": []string{"string", "null"}}} // a null is an empty text
	return map[string]fieldDoc{
		"rawDefinition.apiVersion": {}, "rawDefinition.kind": {},
		"rawDefinition.metadata": {"Name, namespace, labels and annotations.", true, nil},
		"rawDefinition.spec":     {"What the task runs, and how often and how long it may try.", true, nil},
		"rawDefinition.status":   {"Written by a cluster; not read.", false, nil},

		"rawDefinitionSpec.function":                     {"The deno runner, by its old name. Write deno.", false, nil},
		"rawDefinitionSpec.deno":                         {"Run JavaScript or TypeScript with Deno.", false, nil},
		"rawDefinitionSpec.python":                       {"Run Python 3.", false, nil},
		"rawDefinitionSpec.container":                    {"Run a container of your own: a Kubernetes container.", false, nil},
		"rawDefinitionSpec.retries":                      {"How often a failed attempt is repeated. Unset: 0, or 10 in a cluster.", false, count()},
		"rawDefinitionSpec.timeout":                      {"How long all attempts together may take, with a unit. Unset: 5m.", false, timeout},
		"rawDefinitionSpec.serviceAccount":               {"The service account of the pod; without effect here.", false, nil},
		"rawDefinitionSpec.automountServiceAccountToken": {"Whether the pod gets its service account's token; without effect here.", false, nil},
		"rawDefinitionSpec.ttlSecondsAfterFinished":      {"How many seconds a cluster keeps the finished Job. Unset: 300. Without effect here.", false, count()},
		"rawDefinitionSpec.imagePullSecrets":             {"Credentials for a cluster to pull images with. Here those of docker login count.", false, nil},

		"rawServiceAccount.name": {"The name of the ServiceAccount.", true, optional(subdomain())},
		"rawAutomount.type":      {"Whether the token is mounted.", true, nil},

		"rawFunction.functionRef":      {"Run the code of another KeptnTaskDefinition, with the parameters and the secret given here.", false, nil},
		"rawFunction.inline":           {"Code in this manifest.", false, nil},
		"rawFunction.httpRef":          {"Code that the runtime fetches when the task runs.", false, nil},
		"rawFunction.configMapRef":     {"Code in a ConfigMap, under the key \"code\".", false, nil},
		"rawFunction.parameters":       {"What the code gets as JSON in the environment variable DATA.", false, nil},
		"rawFunction.secureParameters": {"What the code gets from a Secret, in the environment variable SECURE_DATA.", false, nil},
		"rawFunction.cmdParameters":    {"Options of the interpreter, like -u; split at blanks. Deno ignores them.", false, nil},

		"rawNameRef.name":            {"The name of the resource, in the same namespace or in Keptn's.", false, optional(subdomain())},
		"rawInline.code":             {"The script.", false, nil},
		"rawHTTPRef.url":             {"Where the script is: an http or https URL.", false, nil},
		"rawParameters.map":          {"Names and values. All values are strings: quote numbers and booleans.", false, nil},
		"rawSecureParameters.secret": {"The name of the Secret, whose key SECURE_DATA is passed on.", false, nil},

		"rawTask.apiVersion": {}, "rawTask.kind": {},
		"rawTask.metadata": {"Name, namespace, labels and annotations.", true, nil},
		"rawTask.spec":     {"The definition to run, and what is special about this use of it.", true, nil},
		"rawTask.status":   {"Written by a cluster; not read.", false, nil},

		"rawTaskSpec.workload":         {"The workload; only the context is read.", true, nil},
		"rawTaskSpec.workloadVersion":  {"The version of the workload; only the context is read.", true, nil},
		"rawTaskSpec.app":              {"The app; only the context is read.", true, nil},
		"rawTaskSpec.appVersion":       {"The version of the app; only the context is read.", true, nil},
		"rawTaskSpec.taskDefinition":   {"The name of the KeptnTaskDefinition to run.", true, object{"minLength": 1}},
		"rawTaskSpec.context":          {"What the task learns of its app and workload, in the environment variable KEPTN_CONTEXT.", false, nil},
		"rawTaskSpec.parameters":       {"Parameters that the definition lacks; they do not override its own.", false, nil},
		"rawTaskSpec.secureParameters": {"The Secret that takes the place of the definition's.", false, nil},
		"rawTaskSpec.checkType":        {"The stage: pre, post or promotion.", false, nil},
		"rawTaskSpec.retries":          {"How often a failed attempt is repeated. Unset: as the definition says, or 10 in a cluster.", false, count()},
		"rawTaskSpec.timeout":          {"How long all attempts together may take, with a unit. Unset: as the definition says, or 5m in a cluster.", false, timeout},

		"rawContext.workloadName":    {"The name of the workload.", false, nil},
		"rawContext.appName":         {"The name of the app.", false, nil},
		"rawContext.appVersion":      {"The version of the app.", false, nil},
		"rawContext.workloadVersion": {"The version of the workload.", false, nil},
		"rawContext.taskType":        {"The stage: pre, post or promotion.", false, nil},
		"rawContext.objectType":      {"App or Workload.", false, nil},
		"rawContext.metadata":        {"Further names and values.", false, nil},

		"rawConfigMap.apiVersion": {}, "rawConfigMap.kind": {},
		"rawConfigMap.metadata":   {"Name, namespace, labels and annotations.", true, nil},
		"rawConfigMap.data":       {"Keys and texts. configMapRef runs the key \"code\".", false, texts},
		"rawConfigMap.binaryData": {"Keys and bytes, in base64.", false, data},
		"rawConfigMap.immutable":  {"Whether a cluster refuses changes; without effect here.", false, nil},

		"rawList.apiVersion": {}, "rawList.kind": {},
		"rawList.metadata": {"Written by a cluster; not read.", false, nil},
		"rawList.items":    {"The resources.", false, nil},

		"rawSecret.apiVersion": {}, "rawSecret.kind": {},
		"rawSecret.metadata":   {"Name, namespace, labels and annotations.", true, nil},
		"rawSecret.data":       {"Keys and values, in base64. secureParameters pass the key SECURE_DATA on.", false, data},
		"rawSecret.stringData": {"Keys and values as clear text; they win over data.", false, texts},
		"rawSecret.type":       {"The type of the Secret; without effect here.", false, nil},
		"rawSecret.immutable":  {"Whether a cluster refuses changes; without effect here.", false, nil},
	}
}
