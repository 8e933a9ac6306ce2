package main

import (
	"reflect"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/ktask/ktask/spec/internal/api"
)

// kubernetesRules returns the rules of the API server for fields of its types that the types do not express.
func kubernetesRules() map[string]object {
	port := object{"minimum": 1, "maximum": 65535}
	count := object{"minimum": 0}
	name := optional(portName())
	limits := object{"propertyNames": object{"enum": []string{"cpu", "memory"}}} // others are not supported
	requests := object{"propertyNames": object{"enum": api.Resources()}}         // others need a limit
	rules := map[string]object{
		"ContainerPort.containerPort": port, "ContainerPort.hostPort": {"minimum": 0, "maximum": 65535}, "ContainerPort.name": name,
		"HTTPGetAction.port":   {"minimum": 1, "maximum": 65535, "allOf": portName()["allOf"], "maxLength": 15},
		"TCPSocketAction.port": {"minimum": 1, "maximum": 65535, "allOf": portName()["allOf"], "maxLength": 15},
		"GRPCAction.port":      port, "ExecAction.command": {"minItems": 1}, "HTTPHeader.name": {"pattern": "^[-A-Za-z0-9]+$"},
		"SleepAction.seconds":                {"minimum": 1, "maximum": 30},
		"ContainerResizePolicy.resourceName": {"enum": []string{"cpu", "memory"}},
		"ResourceRequirements.limits":        limits, "ResourceRequirements.requests": requests,
		"SecretEnvSource.name": subdomain(), "ConfigMapEnvSource.name": subdomain(),
		"SecretKeySelector.name": subdomain(), "ConfigMapKeySelector.name": subdomain(),
		"SecretKeySelector.key": dataKey(), "ConfigMapKeySelector.key": dataKey(),
	}
	for _, field := range []string{"initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold"} {
		rules["Probe."+field] = count
	}
	return rules
}

// dataKey matches a key of a ConfigMap or Secret, which begins with at most one dot.
func dataKey() object {
	return object{"pattern": `^\.?[-_a-zA-Z0-9][-._a-zA-Z0-9]*$`, "maxLength": 253}
}

// portName matches a service name of IANA, which has at least one letter.
func portName() object {
	return object{"maxLength": 15, "allOf": []any{object{"pattern": "^[a-z0-9]+(-[a-z0-9]+)*$"}, object{"pattern": "[a-z]"}}}
}

// optional also allows the empty string, which in Kubernetes usually means that the field is missing.
func optional(rules object) object { return object{"anyOf": []any{object{"maxLength": 0}, rules}} }

// capability suggests the usual names and allows the other ways to write them.
func capability() object {
	var names []string
	for _, name := range api.Capabilities() {
		if name != "ALL" {
			names = append(names, anyCase(name))
		}
	}
	pattern := "^(" + anyCase("ALL") + "|(" + anyCase("CAP_") + ")?(" + strings.Join(names, "|") + "))$"
	return object{"type": "string", "anyOf": []any{object{"enum": api.Capabilities()}, object{"pattern": pattern}}}
}

// anyCase returns the pattern of a word in any case: patterns of a JSON Schema have no flag for it.
func anyCase(word string) string {
	var pattern strings.Builder
	for _, letter := range word {
		upper, lower := strings.ToUpper(string(letter)), strings.ToLower(string(letter))
		if upper == lower {
			pattern.WriteString(lower)
			continue
		}
		pattern.WriteString("[" + upper + lower + "]")
	}
	return pattern.String()
}

// secretTypes returns the rules for the keys that types of Secret need, in data or stringData.
func secretTypes() []any {
	key := func(name string) object {
		in := func(field string) object {
			return object{"required": []string{field}, "properties": object{field: object{"required": []string{name}}}}
		}
		return object{"anyOf": []any{in("data"), in("stringData")}}
	}
	annotation := object{"properties": object{"metadata": object{"required": []string{"annotations"},
		"properties": object{"annotations": object{"required": []string{corev1.ServiceAccountNameKey}}}}}}
	var rules []any
	for _, r := range []struct {
		of    corev1.SecretType
		needs object
	}{
		{corev1.SecretTypeDockercfg, key(corev1.DockerConfigKey)},
		{corev1.SecretTypeDockerConfigJson, key(corev1.DockerConfigJsonKey)},
		{corev1.SecretTypeTLS, object{"allOf": []any{key(corev1.TLSCertKey), key(corev1.TLSPrivateKeyKey)}}},
		{corev1.SecretTypeSSHAuth, key(corev1.SSHAuthPrivateKey)},
		{corev1.SecretTypeBasicAuth, object{"anyOf": []any{key(corev1.BasicAuthUsernameKey), key(corev1.BasicAuthPasswordKey)}}},
		{corev1.SecretTypeServiceAccountToken, annotation},
	} {
		rules = append(rules, object{"if": object{"required": []string{"type"}, "properties": object{"type": object{"const": r.of}}}, "then": r.needs})
	}
	return rules
}

// extra returns the rules about a whole object of a type.
func (b *schemaBuilder) extra(t reflect.Type) object {
	switch t {
	case reflect.TypeFor[api.DefinitionSpec]():
		return object{"oneOf": b.alternatives(t, "deno", "python", "container", "function")}
	case reflect.TypeFor[api.Function]():
		// Keptn ignores an empty source.
		source := func(field, leaf string) object {
			given := object{"required": []string{leaf}, "properties": object{leaf: object{"minLength": 1}}}
			return object{"required": []string{field}, "properties": object{field: given}}
		}
		return object{"anyOf": []any{source("inline", "code"), source("functionRef", "name"), source("configMapRef", "name"), source("httpRef", "url")}}
	case reflect.TypeFor[api.Secret]():
		return object{"allOf": secretTypes()}
	case reflect.TypeFor[api.Match]():
		return object{"oneOf": b.alternatives(t, "regex", "json", "not")}
	case reflect.TypeFor[corev1.Probe]():
		return object{"oneOf": b.alternatives(t, "exec", "httpGet", "tcpSocket", "grpc")}
	case reflect.TypeFor[corev1.LifecycleHandler]():
		return object{"oneOf": b.alternatives(t, "exec", "httpGet", "tcpSocket", "sleep")}
	}
	return nil
}

// alternatives returns a condition for each of the fields that the version has.
func (b *schemaBuilder) alternatives(t reflect.Type, fields ...string) []any {
	var all []any
	for _, name := range fields {
		for _, f := range (api.Fields{}).Of(t) {
			if f.Name == name && f.In(b.version) {
				all = append(all, object{"required": []string{name}})
			}
		}
	}
	return all
}
