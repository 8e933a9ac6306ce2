package spec

import (
	"maps"
	"reflect"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// schemaBuilder turns Go types into schemas. Kubernetes' types become definitions that others refer to; Keptn's
// are small, differ between versions and stand where they are used.
type schemaBuilder struct {
	version     string
	definitions object
	// notes say of fields of a container what becomes of them here.
	notes map[string]string
}

// quantityPattern is that of the schemas of custom resources.
const quantityPattern = `^(\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))(([KMGTPE]i)|[numkMGTPE]|([eE](\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))))?$`

// ownSchema is for types that read their JSON themselves.
func ownSchema(t reflect.Type) object {
	switch t {
	case reflect.TypeFor[resource.Quantity]():
		return object{"type": []string{"string", "integer"}, "pattern": quantityPattern, "examples": []string{"200Mi", "1Gi", "500m"}}
	case reflect.TypeFor[intstr.IntOrString]():
		return object{"type": []string{"integer", "string"}}
	case reflect.TypeFor[metav1.Time]():
		return object{"type": []string{"string", "null"}, "format": "date-time"} // null is what kubectl's --dry-run prints
	case reflect.TypeFor[metav1.FieldsV1]():
		return object{"type": "object"}
	}
	panic("spec: no schema for " + t.String() + ", which reads its own JSON")
}

// enums are the values of Kubernetes' types of string. Types that are free text have an empty list; the test of the
// schema finds a type that has none at all.
func enums() map[reflect.Type][]string {
	return map[reflect.Type][]string{
		reflect.TypeFor[corev1.PullPolicy]():                  {"Always", "IfNotPresent", "Never"},
		reflect.TypeFor[corev1.TerminationMessagePolicy]():    {"File", "FallbackToLogsOnError"},
		reflect.TypeFor[corev1.Protocol]():                    {"TCP", "UDP", "SCTP"},
		reflect.TypeFor[corev1.URIScheme]():                   {"HTTP", "HTTPS"},
		reflect.TypeFor[corev1.MountPropagationMode]():        {"None", "HostToContainer", "Bidirectional"},
		reflect.TypeFor[corev1.RecursiveReadOnlyMode]():       {"Disabled", "IfPossible", "Enabled"},
		reflect.TypeFor[corev1.ProcMountType]():               {"Default", "Unmasked"},
		reflect.TypeFor[corev1.SeccompProfileType]():          {"RuntimeDefault", "Unconfined", "Localhost"},
		reflect.TypeFor[corev1.AppArmorProfileType]():         {"RuntimeDefault", "Unconfined", "Localhost"},
		reflect.TypeFor[corev1.ResourceResizeRestartPolicy](): {"NotRequired", "RestartContainer"},
		reflect.TypeFor[corev1.ContainerRestartPolicy]():      {"Always"},
		reflect.TypeFor[corev1.Capability]():                  {},
		reflect.TypeFor[corev1.ResourceName]():                {},
		reflect.TypeFor[corev1.SecretType]():                  {},
		reflect.TypeFor[metav1.ManagedFieldsOperationType]():  {"Apply", "Update"},
	}
}

// root is the schema of a whole object.
func (b *schemaBuilder) root(of any) object {
	schema := b.structure(reflect.TypeOf(of))
	schema["properties"].(object)["apiVersion"] = object{"type": "string"}
	schema["properties"].(object)["kind"] = object{"type": "string"}
	return schema
}

func (b *schemaBuilder) of(t reflect.Type) object {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if reflect.PointerTo(t).Implements(unmarshaler) {
		return ownSchema(t)
	}
	switch t.Kind() {
	case reflect.Struct:
		return b.reference(t)
	case reflect.Map:
		value := b.of(t.Elem())
		if t.Elem() == reflect.TypeFor[*string]() {
			value = object{"type": []string{"string", "null"}} // a null drops the key
		}
		return object{"type": "object", "additionalProperties": value}
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 {
			return object{"type": "string", "contentEncoding": "base64", "pattern": `^[A-Za-z0-9+/\r\n]*=?[\r\n]*=?[\r\n]*$`}
		}
		return object{"type": "array", "items": b.of(t.Elem())}
	case reflect.String:
		if t == reflect.TypeFor[corev1.Capability]() {
			b.definitions[t.Name()] = capability()
			return object{"$ref": "#/definitions/" + t.Name()}
		}
		schema := object{"type": "string"}
		if values := enums()[t]; len(values) > 0 {
			schema["enum"] = values
		}
		return schema
	case reflect.Bool:
		return object{"type": "boolean"}
	case reflect.Int32, reflect.Int64:
		return object{"type": "integer"}
	case reflect.Interface:
		return object{}
	}
	panic("spec: no manifest type has a " + t.Kind().String())
}

// reference makes a definition of a type of Kubernetes, once.
func (b *schemaBuilder) reference(t reflect.Type) object {
	if t.PkgPath() == reflect.TypeFor[rawHeader]().PkgPath() {
		return b.structure(t)
	}
	if _, made := b.definitions[t.Name()]; !made {
		b.definitions[t.Name()] = nil // under way
		b.definitions[t.Name()] = b.structure(t)
	}
	return object{"$ref": "#/definitions/" + t.Name()}
}

func (b *schemaBuilder) structure(t reflect.Type) object {
	properties, required := object{}, []string{}
	cache := fieldCache{}
	texts := swaggerDoc(t)
	for _, f := range cache.of(t) {
		if !f.in(b.version) {
			continue
		}
		doc := b.doc(t, f.name)
		if doc.text == "" {
			doc.text = firstSentence(texts[f.name])
		}
		if doc.required || requiredByTag(t, f.name) {
			required = append(required, f.name)
		}
		properties[f.name] = described(b.of(f.kind), doc)
	}
	schema := object{"type": "object", "properties": properties, "additionalProperties": false}
	if len(required) > 0 {
		schema["required"] = required
	}
	for key, value := range b.extra(t) {
		schema[key] = value
	}
	return schema
}

// described adds a text and rules to a schema. What stands beside a $ref counts for nothing, so that goes below an allOf.
func described(schema object, doc fieldDoc) object {
	if _, reference := schema["$ref"]; reference && (doc.text != "" || doc.rules != nil) {
		schema = object{"allOf": []any{schema}}
	}
	if doc.text != "" {
		schema["description"] = doc.text
	}
	for key, value := range doc.rules {
		schema[key] = value
	}
	return schema
}

// requiredByTag follows the convention of Kubernetes' types: what is required is no pointer and has no omitempty.
func requiredByTag(t reflect.Type, name string) bool {
	if t.PkgPath() == reflect.TypeFor[rawHeader]().PkgPath() {
		return false
	}
	for i := range t.NumField() {
		f := t.Field(i)
		tag, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case f.Anonymous && tag == "" && requiredByTag(f.Type, name):
			return true
		case tag == name:
			return f.Type.Kind() != reflect.Pointer && !strings.Contains(options, "omit")
		}
	}
	return false
}

// swaggerDoc is what Kubernetes says of the fields of its type, and of those that it embeds.
func swaggerDoc(t reflect.Type) map[string]string {
	texts := map[string]string{}
	for i := range t.NumField() {
		if f := t.Field(i); f.Anonymous {
			maps.Copy(texts, swaggerDoc(f.Type))
		}
	}
	if documented, ok := reflect.Zero(t).Interface().(interface{ SwaggerDoc() map[string]string }); ok {
		maps.Copy(texts, documented.SwaggerDoc())
	}
	return texts
}

func firstSentence(text string) string {
	text, _, _ = strings.Cut(text, "\n")
	if first, _, more := strings.Cut(text, ". "); more {
		return first + "."
	}
	return text
}
