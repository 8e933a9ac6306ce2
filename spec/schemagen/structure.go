package main

import (
	"encoding/json"
	"maps"
	"reflect"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/ktask/ktask/spec/internal/api"
)

// schemaBuilder builds schemas from Go types. Types of Kubernetes become definitions, which other schemas refer to. Types of
// Keptn are small and differ between versions, so they are written where they are used.
type schemaBuilder struct {
	version     string
	definitions object
	// notes are the remarks on fields of a container, see containerNotes.
	notes map[string]string
}

// quantityPattern is the pattern of a quantity in custom resource definitions.
const quantityPattern = `^(\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))(([KMGTPE]i)|[numkMGTPE]|([eE](\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))))?$`

// ownSchema returns the schema of a type that decodes its own JSON.
func ownSchema(t reflect.Type) object {
	switch t {
	case reflect.TypeFor[resource.Quantity]():
		return object{"type": []string{"string", "integer"}, "pattern": quantityPattern, "examples": []string{"200Mi", "1Gi", "500m"}}
	case reflect.TypeFor[intstr.IntOrString]():
		return object{"type": []string{"integer", "string"}}
	case reflect.TypeFor[metav1.Time]():
		return object{"type": []string{"string", "null"}, "format": "date-time"} // kubectl --dry-run prints null
	case reflect.TypeFor[metav1.FieldsV1]():
		return object{"type": "object"}
	}
	panic("schemagen: no schema for " + t.String() + ", which decodes its own JSON")
}

// enums returns the values of Kubernetes' string types. The list of a type of free text is empty.
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

// root returns the schema of a whole object.
func (b *schemaBuilder) root(of any) object {
	schema := b.structure(reflect.TypeOf(of))
	schema["properties"].(object)["apiVersion"] = object{"type": "string"}
	schema["properties"].(object)["kind"] = object{"type": "string"}
	return schema
}

// of returns the schema of a type.
func (b *schemaBuilder) of(t reflect.Type) object {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if reflect.PointerTo(t).Implements(reflect.TypeFor[json.Unmarshaler]()) {
		return ownSchema(t)
	}
	switch t.Kind() {
	case reflect.Struct:
		return b.reference(t)
	case reflect.Map:
		value := b.of(t.Elem())
		if t.Elem() == reflect.TypeFor[*string]() {
			value = object{"type": []string{"string", "null"}} // a null removes the key
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
	panic("schemagen: no manifest type has a " + t.Kind().String())
}

// reference returns the schema of a struct. For a type of Kubernetes it adds a definition, once, and refers to it.
func (b *schemaBuilder) reference(t reflect.Type) object {
	if t.PkgPath() == reflect.TypeFor[api.Header]().PkgPath() {
		return b.structure(t)
	}
	if _, made := b.definitions[t.Name()]; !made {
		b.definitions[t.Name()] = nil // being built
		b.definitions[t.Name()] = b.structure(t)
	}
	return object{"$ref": "#/definitions/" + t.Name()}
}

func (b *schemaBuilder) structure(t reflect.Type) object {
	properties, required := object{}, []string{}
	texts := swaggerDoc(t)
	for _, f := range (api.Fields{}).Of(t) {
		if !f.In(b.version) {
			continue
		}
		doc := b.doc(t, f.Name)
		if doc.text == "" {
			doc.text = firstSentence(texts[f.Name])
		}
		if doc.required || requiredByTag(t, f.Name) {
			required = append(required, f.Name)
		}
		properties[f.Name] = described(b.of(f.Type), doc)
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

// described adds a text and rules to a schema. Keywords next to a $ref are ignored, so the $ref moves into an allOf.
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

// requiredByTag reports whether a field of Kubernetes is required: by convention it is then no pointer and has no omitempty.
func requiredByTag(t reflect.Type, name string) bool {
	if t.PkgPath() == reflect.TypeFor[api.Header]().PkgPath() {
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

// swaggerDoc returns Kubernetes' descriptions of the fields of its type, including those of embedded types.
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
