package resolve

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/ktask/ktask/engine/plan"
	"github.com/ktask/ktask/spec"
)

// declare declares the variables as the kubelet does (pkg/kubelet/kubelet_pods.go, makeEnvironmentVariables): envFrom, then env.
// KEPTN_CONTEXT replaces a variable of the user or is the last one.
func (b *containerBuilder) declare() {
	for i, source := range b.from.EnvFrom {
		if b.exhausted() {
			return
		}
		b.declareFrom(i, source)
	}
	context, own := b.context(), false
	for i, e := range b.from.Env {
		at := b.from.At("env", i)
		switch {
		case e.Name == context.Name:
			own = true
			if e.Value != "" {
				b.warnOwnContext(b.from.At("env", i, "value"))
			}
			if e.ValueFrom != nil {
				b.fail(at, "context-conflict", "remove it", "KEPTN_CONTEXT cannot have a valueFrom, because Keptn sets its value")
			}
			b.env.expanded(context)
		case e.ValueFrom == nil:
			b.env.expanded(plan.EnvVar{Name: e.Name, Value: plan.Plain(e.Value), Origin: origin(b.from.At("env", i, "value"))})
		case !b.env.overridden(e.Name):
			if text, from, ok := b.valueFrom(i, e.ValueFrom); ok {
				b.env.set(plan.EnvVar{Name: e.Name, Value: text, Origin: from})
			}
		}
	}
	if !own {
		b.env.expanded(context)
	}
	b.env.addOverrides()
}

// warnOwnContext warns of a value of KEPTN_CONTEXT in a manifest.
func (b *containerBuilder) warnOwnContext(at spec.Pos) {
	b.warn(at, "context-replaced", "--context FIELD=VALUE sets a field of it", "Keptn replaces this value of KEPTN_CONTEXT with its own")
}

// declareFrom declares a variable for each key of the ConfigMap or Secret in item i of envFrom.
func (b *containerBuilder) declareFrom(i int, source corev1.EnvFromSource) {
	at := b.from.At("envFrom", i)
	for _, e := range append(b.configMapEnv(i, source.ConfigMapRef), b.secretEnv(i, source.SecretRef)...) {
		if b.exhausted() {
			return
		}
		e.Name = source.Prefix + e.Name
		switch {
		case validation.IsEnvVarName(e.Name) != nil:
			b.warn(at, "invalid-variable", "", "key %q is not a valid variable name and is left out, as in a cluster", e.Name)
			continue
		case e.Name == "KEPTN_CONTEXT":
			b.warnOwnContext(at)
		}
		if !b.env.overridden(e.Name) {
			b.spend(e.Value.Len())
			b.env.set(e)
		}
	}
}

// configMapEnv returns a variable for each key of a ConfigMap.
func (b *containerBuilder) configMapEnv(i int, ref *corev1.ConfigMapEnvSource) (all []plan.EnvVar) {
	if ref == nil {
		return nil
	}
	m, ok := b.configMap(ref.Name, isTrue(ref.Optional), b.from.At("envFrom", i, "configMapRef", "name"), "task %q needs the keys of", b.name())
	if !ok {
		return nil
	}
	for _, p := range m.Data {
		all = append(all, plan.EnvVar{Name: p.Key, Value: plan.Plain(p.Value), Origin: origin(p.Pos)})
	}
	return all
}

// configMap returns a ConfigMap for the environment. It is reported if it is missing and not optional.
func (b *containerBuilder) configMap(name string, optional bool, at spec.Pos, need string, needed ...any) (m *spec.ConfigMap, ok bool) {
	if optional {
		if m, ok = find(b.index.configMaps, name, b.namespaces...); !ok {
			b.broken("ConfigMap", name, b.namespaces...)
		}
	} else {
		m, ok = require(b.resolver, b.index.configMaps, name, b.namespaces, at, need, needed...)
	}
	if ok {
		b.inCluster.elsewhere(at, "ConfigMap", m.Name, m.Namespace)
	}
	return m, ok
}

// secretEnv returns a variable for each key of a Secret.
func (b *containerBuilder) secretEnv(i int, ref *corev1.SecretEnvSource) (all []plan.EnvVar) {
	if ref == nil {
		return nil
	}
	at := b.from.At("envFrom", i, "secretRef", "name")
	if _, found := find(b.index.secrets, ref.Name, b.namespaces...); !found && b.broken("Secret", ref.Name, b.namespaces...) {
		return nil
	}
	keys, ok := b.secretKeys(ref.Name)
	if !ok && !isTrue(ref.Optional) && !b.options.WithoutSecrets {
		b.missingSecret(ref.Name, "KEY", at, "the keys")
		if b.options.Preview { // the plan has none of its variables
			b.missingSecrets++
		}
	}
	var empty []string
	var place plan.Origin
	for _, key := range keys {
		text, from, ok := b.secretValue(ref.Name, key, at, false)
		if !ok {
			continue
		}
		all = append(all, plan.EnvVar{Name: key, Value: text, Origin: from})
		if text.Blank() {
			empty, place = append(empty, key), from
		}
	}
	if len(empty) > 0 {
		b.warnEmpty(ref.Name, at, place, empty...)
	}
	return all
}

// valueFrom returns the value of variable i of env, or false if it has none.
func (b *containerBuilder) valueFrom(i int, from *corev1.EnvVarSource) (plan.Text, plan.Origin, bool) {
	switch {
	case from.SecretKeyRef != nil:
		ref := from.SecretKeyRef
		return b.secret(ref.Name, ref.Key, b.from.At("env", i, "valueFrom", "secretKeyRef"), isTrue(ref.Optional))
	case from.ConfigMapKeyRef != nil:
		return b.configMapKey(from.ConfigMapKeyRef, b.from.At("env", i, "valueFrom", "configMapKeyRef"))
	case from.FieldRef != nil:
		at := b.from.At("env", i, "valueFrom", "fieldRef")
		if path := from.FieldRef.FieldPath; b.options.OnCluster && ofRunningPod(path) {
			return plan.FromPod(plan.Field{Path: path}), origin(at), true
		}
		value, ok := b.podField(from.FieldRef.FieldPath, at)
		return plan.Plain(value), origin(at), ok
	case from.ResourceFieldRef != nil:
		at := b.from.At("env", i, "valueFrom", "resourceFieldRef")
		return b.resourceField(from.ResourceFieldRef, at)
	}
	return plan.Text{}, plan.Origin{}, false // spec reports an empty valueFrom
}

func (b *containerBuilder) configMapKey(ref *corev1.ConfigMapKeySelector, at spec.Pos) (text plan.Text, from plan.Origin, ok bool) {
	if ref.Name == "" || ref.Key == "" {
		return text, from, false // spec reports it
	}
	m, ok := b.configMap(ref.Name, isTrue(ref.Optional), at, "task %q needs key %q of", b.name(), ref.Key)
	if !ok {
		return text, from, false
	}
	var keys []string
	for _, p := range m.Data {
		if p.Key == ref.Key {
			return plan.Plain(p.Value), origin(p.Pos), true
		}
		keys = append(keys, p.Key)
	}
	if !isTrue(ref.Optional) {
		remedy := keysAre(keys)
		if slices.Contains(m.BinaryKeys, ref.Key) {
			remedy = "it is in binaryData, which cannot be an environment variable"
		}
		b.fail(at, "missing-key", remedy, "task %q needs key %q of ConfigMap %q, which has no such key", b.name(), ref.Key, ref.Name)
	}
	return text, from, false
}

func isTrue(b *bool) bool { return b != nil && *b }
