package spec

import (
	"k8s.io/apimachinery/pkg/util/validation"
)

func (l *loader) task() {
	var raw rawTask
	l.decode(&raw)
	meta, ok := l.meta(raw.rawHeader)
	s := l.section().sub("spec")
	t := &Task{
		Meta:       meta,
		Definition: required(l, raw.Spec.TaskDefinition, s.sub("taskDefinition")),
		Retries:    l.count(raw.Spec.Retries, s.sub("retries"), "retries"),
		Timeout:    l.timeout(raw.Spec.Timeout, s.sub("timeout")),
	}
	if t.Definition.Given && t.Definition.Value == "" {
		l.fail(s.At("taskDefinition"), "required", "", "spec.taskDefinition is empty")
	}
	if raw.Spec.Parameters != nil {
		t.Parameters = pairs(raw.Spec.Parameters.Map, s.sub("parameters", "map"))
	}
	if p := raw.Spec.SecureParameters; p != nil && p.Secret != "" {
		t.Secret = given(&p.Secret, s.sub("secureParameters", "secret"))
		l.reference(p.Secret, t.Secret.Pos)
	}
	if c := raw.Spec.Context; c != nil {
		t.Context = Context{
			WorkloadName: c.WorkloadName, AppName: c.AppName, AppVersion: c.AppVersion, WorkloadVersion: c.WorkloadVersion,
			TaskType: c.TaskType, ObjectType: c.ObjectType, Metadata: pairs(c.Metadata, s.sub("context", "metadata")), Pos: s.At("context"),
		}
	}
	if ok && l.remember(meta) && t.Definition.Value != "" {
		l.manifests.Tasks = append(l.manifests.Tasks, t)
	}
}

func (l *loader) configMap() {
	var raw rawConfigMap
	l.decode(&raw)
	meta, ok := l.meta(raw.rawHeader)
	s := l.section()
	m := &ConfigMap{Meta: meta, Data: pairs(raw.Data, s.sub("data")), CodeLine: s.textLine("data", "code")}
	for _, pair := range m.Data {
		l.dataKey(pair.Key, pair.Pos)
	}
	for key := range raw.BinaryData {
		l.dataKey(key, s.At("binaryData", key))
		m.BinaryKeys = append(m.BinaryKeys, key)
	}
	if ok && l.remember(meta) {
		l.manifests.ConfigMaps = append(l.manifests.ConfigMaps, m)
	}
}

func (l *loader) secret() {
	l.sensitive = true
	defer func() { l.sensitive = false }()
	var raw rawSecret
	l.decode(&raw)
	meta, ok := l.meta(raw.rawHeader)
	secret := &Secret{Meta: meta}
	for key, value := range raw.Data {
		l.dataKey(key, l.at("data", key))
		secret.Data.set(key, value)
	}
	for key, value := range raw.StringData {
		l.dataKey(key, l.at("stringData", key))
		if value != nil {
			secret.Data.set(key, []byte(*value))
		}
	}
	if ok && l.remember(meta) {
		l.manifests.Secrets = append(l.manifests.Secrets, secret)
	}
}

func (l *loader) dataKey(key string, at Pos) {
	if problems := validation.IsConfigMapKey(key); problems != nil {
		l.fail(at, "invalid-key", problems[0], "%q is no key of a %s", key, l.kind)
	}
}
