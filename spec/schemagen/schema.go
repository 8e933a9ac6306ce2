package main

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/ktask/ktask/spec"
	"github.com/ktask/ktask/spec/internal/api"
)

// object is a JSON object. encoding/json sorts its keys, so the same schema always has the same bytes.
type object = map[string]any

// schema returns the JSON Schema of manifests: KeptnTaskDefinitions and KeptnTasks of every version, ConfigMaps, Secrets and
// Lists of them, and TaskTests. Objects of other kinds are valid. The fields are those of the types that spec.Load decodes into. The schema is
// stricter in one case: spec.Load ignores a null, as Kubernetes does, but in an editor it is usually an unfinished line.
func schema() []byte {
	b := schemaBuilder{definitions: object{}, notes: containerNotes()}
	var rules []any
	for _, kind := range []string{"KeptnTaskDefinition", "KeptnTask"} {
		rules = append(rules, b.keptnKind(kind)...)
	}
	rules = append(rules, b.coreKind("ConfigMap", api.ConfigMap{})...)
	rules = append(rules, b.coreKind("Secret", api.Secret{})...)
	rules = append(rules, when(is("v1", "List"), b.list(object{"$ref": "#"})))
	b.version = "v1"
	b.definitions["TaskTest"] = b.root(api.TaskTest{})
	rules = append(rules, b.kindRules([]string{api.OwnGroup + "/v1"}, "TaskTest", "TaskTest")...)
	rules = append(rules, groupRules()...)
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	err := encoder.Encode(object{
		"$schema":     "http://json-schema.org/draft-07/schema#",
		"$id":         spec.SchemaURL,
		"description": "Manifests that ktask reads: KeptnTaskDefinition and KeptnTask resources, the ConfigMaps and Secrets that they use, and Lists of them, and TaskTests of those tasks. Other resources pass.",
		"type":        "object",
		"required":    []string{"apiVersion", "kind"},
		"properties":  b.header(),
		"allOf":       rules,
		"definitions": b.definitions,
	})
	if err != nil {
		panic(err) // never for maps, slices and strings
	}
	return text.Bytes()
}

// header returns the schemas of apiVersion and kind, which suggest values and allow all others.
func (b *schemaBuilder) header() object {
	versions := []string{"v1"}
	for _, v := range slices.Backward(api.Versions()) {
		versions = append(versions, api.LifecycleGroup+"/"+v)
	}
	versions = append(versions, api.OwnGroup+"/v1")
	return object{
		"apiVersion": object{"type": "string", "description": "The group and version of the resource.", "anyOf": []any{object{"enum": versions}, object{}}},
		"kind": object{"type": "string", "description": "The kind of the resource.",
			"anyOf": []any{object{"enum": []string{"KeptnTaskDefinition", "KeptnTask", "ConfigMap", "Secret", "List", "TaskTest"}}, object{}}},
	}
}

// keptnKind returns the rules of a kind of Keptn. Versions with the same fields share a definition with the name of the newest.
func (b *schemaBuilder) keptnKind(kind string) []any {
	types := map[string]any{"KeptnTaskDefinition": api.Definition{}, "KeptnTask": api.Task{}}
	var names, bodies []string
	versions := map[string][]string{}
	for _, version := range slices.Backward(api.Kinds(api.LifecycleGroup)[kind]) {
		b.version = version
		schema := b.root(types[kind])
		body, _ := json.Marshal(schema) // never fails, see schema
		if i := slices.Index(bodies, string(body)); i >= 0 {
			versions[names[i]] = append(versions[names[i]], api.LifecycleGroup+"/"+version)
			continue
		}
		name := kind + "." + version
		names, bodies = append(names, name), append(bodies, string(body))
		versions[name] = []string{api.LifecycleGroup + "/" + version}
		b.definitions[name] = schema
	}
	var rules []any
	for _, name := range names {
		rules = append(rules, b.kindRules(versions[name], kind, name)...)
	}
	return rules
}

func (b *schemaBuilder) coreKind(kind string, raw any) []any {
	b.version = "v1"
	b.definitions[kind] = b.root(raw)
	return b.kindRules([]string{"v1"}, kind, kind)
}

// kindRules returns the rules that check objects of a kind, and the items of its lists, against a definition.
func (b *schemaBuilder) kindRules(apiVersions []string, kind, definition string) []any {
	reference := object{"$ref": "#/definitions/" + definition}
	item := object{ // an item of a typed list may omit apiVersion and kind
		"if":   object{"required": []string{"apiVersion", "kind"}},
		"then": object{"$ref": "#"},
		"else": reference,
	}
	condition := func(kind string) object {
		c := is("", kind)
		c["properties"].(object)["apiVersion"] = object{"enum": apiVersions}
		return c
	}
	return []any{
		when(condition(kind), reference),
		when(condition(kind+"List"), b.list(item)),
	}
}

// list returns the schema of a list with items of the given schema.
func (b *schemaBuilder) list(item object) object {
	if b.definitions["List"] == nil {
		b.definitions["List"] = b.root(api.List{})
	}
	items := object{"items": object{"type": "array", "items": item}}
	return object{"allOf": []any{object{"$ref": "#/definitions/List"}}, "properties": items}
}

// groupRules returns the rules that reject kinds and versions which Keptn's groups do not have, and misspelt kinds of Keptn and
// of version v1, as spec.Load does. They are patterns, because editors would suggest the values of enumerations.
func groupRules() []any {
	var rules []any
	given := object{"type": "string"}
	rule := func(kind, apiVersion object, field, pattern, message string) {
		rules = append(rules, when(object{"properties": object{"kind": kind, "apiVersion": apiVersion}},
			object{"properties": object{field: matches(pattern, message)}}))
	}
	var groups, meant, ofKeptn, inAnyCase []string
	for _, group := range append(api.Groups(), api.OwnGroup) {
		kinds := api.Kinds(group)
		names := slices.Sorted(maps.Keys(kinds))
		escaped := strings.ReplaceAll(group, ".", `\.`)
		if group != api.OwnGroup {
			groups = append(groups, escaped)
			meant = append(meant, anyCase(strings.TrimSuffix(group, ".keptn.sh")))
		}
		for _, kind := range names {
			apiVersion := matches("^"+escaped+"/", "") // other groups may have the same kind
			if strings.HasPrefix(kind, "Keptn") {
				apiVersion, ofKeptn, inAnyCase = given, append(ofKeptn, kind), append(inAnyCase, anyCase(kind))
			}
			rule(matches("^"+kind+"(List)?$", ""), apiVersion, "apiVersion", "^"+escaped+"/("+strings.Join(kinds[kind], "|")+")$",
				kind+" is in "+group+", versions "+strings.Join(kinds[kind], ", "))
		}
		rule(given, matches("^"+escaped+"/", ""), "kind", "^("+strings.Join(names, "|")+")(List)?$", group+" has no such kind")
	}
	rule(given, matches("^("+strings.Join(meant, "|")+`)\.`+anyCase("keptn")+`(\.[A-Za-z]{0,3})?(/|$)`, ""),
		"apiVersion", "^("+strings.Join(groups, "|")+")/", "Keptn has no such group")
	rule(matches("^("+strings.Join(inAnyCase, "|")+")("+anyCase("List")+")?$", ""), given,
		"kind", "^("+strings.Join(ofKeptn, "|")+")(List)?$", "Keptn has no such kind")
	core := matches("^[^/]*$", "")
	rule(matches("^(ConfigMap|Secret)$", ""), core, "apiVersion", "^v1$", "ConfigMap and Secret have version v1")
	rule(matches("^"+anyCase("List")+"$", ""), core, "kind", "^List$", "the kind is List")
	for _, kind := range []string{"ConfigMap", "Secret"} {
		rule(matches("^"+anyCase(kind)+"("+anyCase("List")+")?$", ""), core, "kind", "^"+kind+"(List)?$", "the kind is "+kind)
	}
	return rules
}

// matches returns the schema of a string with a pattern. yaml-language-server shows the message for any other string.
func matches(pattern, message string) object {
	schema := object{"type": "string", "pattern": pattern}
	if message != "" {
		schema["patternErrorMessage"] = message
	}
	return schema
}

// is returns the condition that an object has an apiVersion, unless it is empty, and a kind.
func is(apiVersion, kind string) object {
	properties := object{"kind": object{"const": kind}}
	if apiVersion != "" {
		properties["apiVersion"] = object{"const": apiVersion}
	}
	return object{"properties": properties}
}

// when returns a rule that applies to objects with apiVersion and kind; the root schema requires both.
func when(condition, then object) object {
	condition["required"] = []string{"apiVersion", "kind"}
	return object{"if": condition, "then": then}
}
