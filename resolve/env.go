package resolve

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/ktask/ktask/engine/plan"
	"github.com/ktask/ktask/spec"
)

// containerEnv returns the environment of a container task as the kubelet builds it (pkg/kubelet/kubelet_pods.go,
// makeEnvironmentVariables): envFrom, then env. KEPTN_CONTEXT replaces a variable of the user or is the last one.
func (r *resolver) containerEnv(u use, c *spec.Container) *variables {
	v := r.variables(u)
	for i, source := range c.EnvFrom {
		if r.exhausted() {
			return v
		}
		r.envFrom(u, c, i, source, v)
	}
	context, own := r.context(u), false
	for i, e := range c.Env {
		at := c.At("env", i)
		if e.Name == context.Name {
			own = true
			if e.Value != "" {
				r.ownContext(c.At("env", i, "value"))
			}
			if e.ValueFrom != nil {
				r.fail(at, "context-conflict", "leave KEPTN_CONTEXT to Keptn", "Keptn sets the value of KEPTN_CONTEXT, which cannot have a valueFrom beside it")
			}
			v.expanded(context)
			continue
		}
		if v.overridden(e.Name) {
			continue
		}
		if e.ValueFrom == nil {
			v.expanded(plan.EnvVar{Name: e.Name, Value: plan.Plain(e.Value), Origin: origin(c.At("env", i, "value"))})
			continue
		}
		if text, from, ok := r.valueFrom(u, c, i, e.ValueFrom); ok {
			v.set(plan.EnvVar{Name: e.Name, Value: text, Origin: from})
		}
	}
	if !own {
		v.expanded(context)
	}
	r.added(v)
	return v
}

// ownContext warns of a value of KEPTN_CONTEXT in a manifest.
func (r *resolver) ownContext(at spec.Pos) {
	r.warn(at, "context-replaced", "--context FIELD=VALUE sets a field of it", "Keptn replaces this value of KEPTN_CONTEXT with its own")
}

// envFrom declares the variables of item i of envFrom.
func (r *resolver) envFrom(u use, c *spec.Container, i int, source corev1.EnvFromSource, v *variables) {
	var all []plan.EnvVar
	if ref := source.ConfigMapRef; ref != nil {
		all = r.configMapEnv(u, ref, c.At("envFrom", i, "configMapRef", "name"))
	}
	if ref := source.SecretRef; ref != nil {
		all = append(all, r.secretEnv(u, ref, c.At("envFrom", i, "secretRef", "name"))...)
	}
	for _, e := range all {
		if r.exhausted() {
			return
		}
		e.Name = source.Prefix + e.Name
		if validation.IsEnvVarName(e.Name) != nil {
			r.warn(c.At("envFrom", i), "invalid-variable", "", "key %q makes no name of a variable and is left out, as in a cluster", e.Name)
			continue
		}
		if e.Name == "KEPTN_CONTEXT" {
			r.ownContext(c.At("envFrom", i))
		}
		if !v.overridden(e.Name) {
			v.spend(e.Value.Len())
			v.set(e)
		}
	}
}

// configMapEnv returns a variable for each key of a ConfigMap.
func (r *resolver) configMapEnv(u use, ref *corev1.ConfigMapEnvSource, at spec.Pos) (all []plan.EnvVar) {
	namespaces := r.namespaces(u.meta().Namespace)
	m, ok := find(r.index.configMaps, ref.Name, namespaces...)
	if !ok {
		if !isTrue(ref.Optional) && !r.broken("ConfigMap", ref.Name, namespaces...) {
			r.fail(at, "missing-configmap", missing(r.index.configMaps, ref.Name, namespaces...),
				"there is no ConfigMap %q, whose keys task %q wants", ref.Name, u.name())
		}
		return nil
	}
	r.elsewhere(u, at, "ConfigMap", m.Name, m.Namespace)
	for _, p := range m.Data {
		all = append(all, plan.EnvVar{Name: p.Key, Value: plan.Plain(p.Value), Origin: origin(p.Pos)})
	}
	return all
}

// secretEnv returns a variable for each key of a Secret.
func (r *resolver) secretEnv(u use, ref *corev1.SecretEnvSource, at spec.Pos) (all []plan.EnvVar) {
	keys, ok := r.secretKeys(u, ref.Name)
	if !ok && !isTrue(ref.Optional) && !r.broken("Secret", ref.Name, r.namespaces(u.meta().Namespace)...) {
		r.fail(at, "missing-secret", r.giveSecret(u, ref.Name, "KEY"), "there is no Secret %q, whose keys task %q wants", ref.Name, u.name())
	}
	for _, key := range keys {
		if text, from, ok := r.secret(u, ref.Name, key, at, false); ok {
			all = append(all, plan.EnvVar{Name: key, Value: text, Origin: from})
		}
	}
	return all
}

// secretKeys returns the sorted keys of a secret, including those that the user gives.
func (r *resolver) secretKeys(u use, name string) (keys []string, ok bool) {
	if s, found := find(r.index.secrets, name, r.namespaces(u.meta().Namespace)...); found {
		keys, ok = slices.Clone(s.Data.Keys()), true
	}
	for _, given := range r.options.Secrets {
		if given.Name == name && r.holds(given, u) {
			keys, ok = append(keys, given.Key), true
		}
	}
	slices.Sort(keys)
	return slices.Compact(keys), ok
}

func (r *resolver) valueFrom(u use, c *spec.Container, i int, from *corev1.EnvVarSource) (plan.Text, plan.Origin, bool) {
	switch {
	case from.SecretKeyRef != nil:
		ref := from.SecretKeyRef
		return r.secret(u, ref.Name, ref.Key, c.At("env", i, "valueFrom", "secretKeyRef"), isTrue(ref.Optional))
	case from.ConfigMapKeyRef != nil:
		return r.configMapKey(u, from.ConfigMapKeyRef, c.At("env", i, "valueFrom", "configMapKeyRef"))
	case from.FieldRef != nil:
		at := c.At("env", i, "valueFrom", "fieldRef")
		value, ok := r.podField(u, from.FieldRef.FieldPath, at)
		return plan.Plain(value), origin(at), ok
	case from.ResourceFieldRef != nil:
		at := c.At("env", i, "valueFrom", "resourceFieldRef")
		value, ok := r.resourceField(c, from.ResourceFieldRef, at)
		return plan.Plain(value), origin(at), ok
	}
	return plan.Text{}, plan.Origin{}, false // spec reports an empty valueFrom
}

func (r *resolver) configMapKey(u use, ref *corev1.ConfigMapKeySelector, at spec.Pos) (plan.Text, plan.Origin, bool) {
	if ref.Name == "" || ref.Key == "" {
		return plan.Text{}, plan.Origin{}, false // spec reports it
	}
	namespaces := r.namespaces(u.meta().Namespace)
	m, ok := find(r.index.configMaps, ref.Name, namespaces...)
	if !ok {
		if !isTrue(ref.Optional) && !r.broken("ConfigMap", ref.Name, namespaces...) {
			r.fail(at, "missing-configmap", missing(r.index.configMaps, ref.Name, namespaces...),
				"there is no ConfigMap %q, of which task %q wants key %q", ref.Name, u.name(), ref.Key)
		}
		return plan.Text{}, plan.Origin{}, false
	}
	r.elsewhere(u, at, "ConfigMap", m.Name, m.Namespace)
	var keys []string
	for _, p := range m.Data {
		if p.Key == ref.Key {
			return plan.Plain(p.Value), origin(p.Pos), true
		}
		keys = append(keys, p.Key)
	}
	if isTrue(ref.Optional) || r.broken("ConfigMap", m.Name, m.Namespace) {
		return plan.Text{}, plan.Origin{}, false
	}
	remedy := "its keys are " + strings.Join(keys, ", ")
	if slices.Contains(m.BinaryKeys, ref.Key) {
		remedy = "it is binaryData, which no environment variable takes"
	}
	r.fail(at, "missing-key", remedy, "ConfigMap %q has no key %q", ref.Name, ref.Key)
	return plan.Text{}, plan.Origin{}, false
}

func isTrue(b *bool) bool { return b != nil && *b }
