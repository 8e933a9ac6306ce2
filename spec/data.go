package spec

import (
	"encoding/json"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/ktask/ktask/spec/internal/api"
)

func (l *loader) configMap() {
	var raw api.ConfigMap
	l.decode(&raw)
	meta, ok := l.meta(raw.Header)
	s := l.cursor()
	m := &ConfigMap{Meta: meta, Data: pairs(pointers(raw.Data), s.sub("data")), CodeLine: s.find("data", "code").TextLine()}
	size := 0
	for _, pair := range m.Data {
		l.dataKey(s.sub("data"), pair.Key)
		size += len(pair.Value)
	}
	for _, key := range slices.Sorted(maps.Keys(raw.BinaryData)) {
		l.dataKey(s.sub("binaryData"), key)
		if _, twice := raw.Data[key]; twice {
			l.fail(s.At("binaryData", key), "duplicate-key", "keep one of them", "key %q is in data, too", key)
		}
		m.BinaryKeys = append(m.BinaryKeys, key)
		size += len(raw.BinaryData[key])
	}
	l.dataSize(size)
	m.BinaryCode = raw.BinaryData["code"]
	if ok && l.remember(meta) {
		l.manifests.ConfigMaps = append(l.manifests.ConfigMaps, m)
	}
}

func (l *loader) secret() {
	var raw api.Secret
	l.decode(&raw)
	meta, ok := l.meta(raw.Header)
	values := make(map[string][]byte, len(raw.Data)+len(raw.StringData))
	for key, value := range raw.Data {
		l.dataKey(l.cursor().sub("data"), key)
		values[key] = value
	}
	for key, value := range raw.StringData {
		l.dataKey(l.cursor().sub("stringData"), key)
		values[key] = []byte(value)
	}
	size := 0
	for _, value := range values {
		size += len(value)
	}
	l.dataSize(size)
	l.secretType(raw, values)
	secret := &Secret{Meta: meta, Data: NewSecretData(values)}
	if ok && l.remember(meta) {
		l.manifests.Secrets = append(l.manifests.Secrets, secret)
	}
}

func (l *loader) dataKey(s cursor, key string) {
	l.refused(validation.IsConfigMapKey(key), s.keyAt(key), "invalid-key", "%q is not a valid key of a %s", key, l.kind)
}

// dataSize checks the combined size of the values. The API server has the same limit for a ConfigMap and a Secret.
func (l *loader) dataSize(size int) {
	if size > corev1.MaxSecretSize {
		l.fail(l.at(), "too-large", "a cluster takes 1 MiB", "%s with %d bytes of data", l.kind, size)
	}
}

// secretType checks the keys that a type of Secret needs, like ValidateSecret in k8s.io/kubernetes pkg/apis/core/validation.
func (l *loader) secretType(raw api.Secret, values map[string][]byte) {
	s := l.cursor()
	if s.bad("data") || s.bad("stringData") || s.bad("type") {
		return
	}
	need := func(keys ...string) {
		for _, key := range keys {
			if _, ok := values[key]; !ok && !s.bad("data", key) && !s.bad("stringData", key) {
				l.fail(s.At("type"), "required", "", "a Secret of type %s needs a key %q", raw.Type, key)
			}
		}
	}
	config := func(key string) {
		need(key)
		if text, ok := values[key]; ok && json.Unmarshal(text, &map[string]any{}) != nil {
			l.fail(s.At("type"), "invalid-value", "", "key %q of a Secret of type %s must be a JSON object", key, raw.Type)
		}
	}
	switch raw.Type {
	case corev1.SecretTypeDockercfg:
		config(corev1.DockerConfigKey)
	case corev1.SecretTypeDockerConfigJson:
		config(corev1.DockerConfigJsonKey)
	case corev1.SecretTypeTLS:
		need(corev1.TLSCertKey, corev1.TLSPrivateKeyKey)
	case corev1.SecretTypeSSHAuth:
		if len(values[corev1.SSHAuthPrivateKey]) == 0 {
			delete(values, corev1.SSHAuthPrivateKey) // the API server ignores an empty one
		}
		need(corev1.SSHAuthPrivateKey)
	case corev1.SecretTypeBasicAuth:
		if _, password := values[corev1.BasicAuthPasswordKey]; !password {
			need(corev1.BasicAuthUsernameKey)
		}
	case corev1.SecretTypeServiceAccountToken:
		if raw.Metadata.Annotations[corev1.ServiceAccountNameKey] == "" {
			l.fail(s.At("type"), "required", "", "a Secret of type %s needs an annotation %q", raw.Type, corev1.ServiceAccountNameKey)
		}
	}
}
