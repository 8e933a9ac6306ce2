package spec

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

// SchemaURL is where editors find the schema.
const SchemaURL = "https://raw.githubusercontent.com/ktask/ktask/main/ktask.schema.json"

// object is a JSON object; encoding/json writes its keys sorted, so the same schema is the same bytes.
type object = map[string]any

// Schema is a JSON Schema (draft-07, which yaml-language-server reads) of the manifests that ktask reads: the
// KeptnTaskDefinitions and KeptnTasks of every version, ConfigMaps, Secrets and Lists of them. It is made from the types
// that Load decodes into, so both know the same fields. Objects of other kinds pass. It is stricter than Load where an
// editor should speak up: a null, which is no value to Kubernetes, is mostly a line that was not finished.
func Schema() []byte {
	b := schemaBuilder{definitions: object{}, notes: containerNotes()}
	var rules []any
	for _, kind := range []string{"KeptnTaskDefinition", "KeptnTask"} {
		rules = append(rules, b.keptnKind(kind)...)
	}
	rules = append(rules, b.coreKind("ConfigMap", rawConfigMap{})...)
	rules = append(rules, b.coreKind("Secret", rawSecret{})...)
	rules = append(rules, when(is("v1", "List"), b.list(object{"$ref": "#"})))
	rules = append(rules, groupRules()...)
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	err := encoder.Encode(object{
		"$schema":     "http://json-schema.org/draft-07/schema#",
		"$id":         SchemaURL,
		"description": "Manifests that ktask reads: KeptnTaskDefinition and KeptnTask resources, the ConfigMaps and Secrets that they use, and Lists of them. Other resources pass.",
		"type":        "object",
		"required":    []string{"apiVersion", "kind"},
		"properties":  b.header(),
		"allOf":       rules,
		"definitions": b.definitions,
	})
	if err != nil {
		panic(err) // maps, slices and strings always have JSON
	}
	return text.Bytes()
}

// header suggests the API versions and kinds, and allows all others.
func (b *schemaBuilder) header() object {
	versions := []string{"v1"}
	for _, v := range slices.Backward(keptnVersions) {
		versions = append(versions, lifecycleGroup+"/"+v)
	}
	return object{
		"apiVersion": object{"type": "string", "description": "The group and version of the resource.", "anyOf": []any{object{"enum": versions}, object{}}},
		"kind": object{"type": "string", "description": "The kind of the resource.",
			"anyOf": []any{object{"enum": []string{"KeptnTaskDefinition", "KeptnTask", "ConfigMap", "Secret", "List"}}, object{}}},
	}
}

// keptnKind gives rules for each set of versions that have the same fields, the newest of which names the definition.
func (b *schemaBuilder) keptnKind(kind string) []any {
	types := map[string]any{"KeptnTaskDefinition": rawDefinition{}, "KeptnTask": rawTask{}}
	var names, bodies []string
	versions := map[string][]string{}
	for _, version := range slices.Backward(keptnKinds(lifecycleGroup)[kind]) {
		b.version = version
		schema := b.root(types[kind])
		body, _ := json.Marshal(schema) // as in Schema
		if i := slices.Index(bodies, string(body)); i >= 0 {
			versions[names[i]] = append(versions[names[i]], lifecycleGroup+"/"+version)
			continue
		}
		name := kind + "." + version
		names, bodies = append(names, name), append(bodies, string(body))
		versions[name] = []string{lifecycleGroup + "/" + version}
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

// kindRules hold objects of a kind, and the items of its lists, against a definition.
func (b *schemaBuilder) kindRules(apiVersions []string, kind, definition string) []any {
	reference := object{"$ref": "#/definitions/" + definition}
	item := object{ // an item may leave out what the list says already
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

// list is a list whose items are all like item.
func (b *schemaBuilder) list(item object) object {
	if b.definitions["List"] == nil {
		b.definitions["List"] = b.root(rawList{})
	}
	items := object{"items": object{"type": "array", "items": item}}
	return object{"allOf": []any{object{"$ref": "#/definitions/List"}}, "properties": items}
}

// groupRules refuse kinds and versions that Keptn's groups do not have, and what is meant to be one of Keptn's or of those
// of version v1, which Load takes for mistakes. They are patterns and no enumerations, which editors would offer.
func groupRules() []any {
	var rules []any
	given := object{"type": "string"}
	rule := func(kind, apiVersion object, field, pattern, message string) {
		rules = append(rules, when(object{"properties": object{"kind": kind, "apiVersion": apiVersion}},
			object{"properties": object{field: matches(pattern, message)}}))
	}
	var groups, meant, ofKeptn, inAnyCase []string
	for _, group := range keptnGroups() {
		kinds := keptnKinds(group)
		names := slices.Sorted(maps.Keys(kinds))
		escaped := strings.ReplaceAll(group, ".", `\.`)
		groups = append(groups, escaped)
		meant = append(meant, anyCase(strings.TrimSuffix(group, ".keptn.sh")))
		for _, kind := range names {
			apiVersion := matches("^"+escaped+"/", "") // other groups may have such a kind, too
			if isKeptnKind(kind) {
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

// matches is a string of a pattern; message is what yaml-language-server says of another one.
func matches(pattern, message string) object {
	schema := object{"type": "string", "pattern": pattern}
	if message != "" {
		schema["patternErrorMessage"] = message
	}
	return schema
}

func is(apiVersion, kind string) object {
	properties := object{"kind": object{"const": kind}}
	if apiVersion != "" {
		properties["apiVersion"] = object{"const": apiVersion}
	}
	return object{"properties": properties}
}

// when makes a rule of what an object has. Where apiVersion or kind is missing, the root says so, and no rule holds.
func when(condition, then object) object {
	condition["required"] = []string{"apiVersion", "kind"}
	return object{"if": condition, "then": then}
}
