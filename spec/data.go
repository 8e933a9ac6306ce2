package spec

import (
	"encoding/json"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/ktask/ktask/spec/internal/api"
)

func readConfigMap(o *object) *ConfigMap {
	var raw api.ConfigMap
	o.decode(&raw)
	o.readMeta(raw.Header)
	s := o.top()
	m := &ConfigMap{Meta: o.meta, Data: pairs(pointers(raw.Data), s.sub("data")), CodeLine: s.find("data", "code").TextLine()}
	size := 0
	for _, pair := range m.Data {
		checkDataKey(s.in("data"), pair.Key)
		size += len(pair.Value)
	}
	for _, key := range slices.Sorted(maps.Keys(raw.BinaryData)) {
		checkDataKey(s.in("binaryData"), key)
		if _, twice := raw.Data[key]; twice {
			s.fail(s.At("binaryData", key), "duplicate-key", "keep one of them", "key %q is in data, too", key)
		}
		m.BinaryKeys = append(m.BinaryKeys, key)
		size += len(raw.BinaryData[key])
	}
	checkDataSize(s, size)
	m.BinaryCode = raw.BinaryData["code"]
	return m
}

func readSecret(o *object) *Secret {
	var raw api.Secret
	o.decode(&raw)
	o.readMeta(raw.Header)
	s := o.top()
	values := make(map[string][]byte, len(raw.Data)+len(raw.StringData))
	for key, value := range raw.Data {
		checkDataKey(s.in("data"), key)
		values[key] = value
	}
	for key, value := range raw.StringData {
		checkDataKey(s.in("stringData"), key)
		values[key] = []byte(value)
	}
	size := 0
	for _, value := range values {
		size += len(value)
	}
	checkDataSize(s, size)
	checkSecretType(s, raw, values)
	secret := &Secret{Meta: o.meta, Data: NewSecretData(values), PullKey: pullKeys[raw.Type]}
	if secret.PullKey != "" {
		secret.PullPos = s.At("data", secret.PullKey)
		if s.Given("stringData", secret.PullKey) {
			secret.PullPos = s.At("stringData", secret.PullKey)
		}
	}
	return secret
}

// pullKeys are the keys with credentials for registries by the types of Secrets.
var pullKeys = map[corev1.SecretType]string{
	corev1.SecretTypeDockerConfigJson: corev1.DockerConfigJsonKey, corev1.SecretTypeDockercfg: corev1.DockerConfigKey,
}

func checkDataKey(s part, key string) {
	s.refused(validation.IsConfigMapKey(key), s.keyAt(key), "invalid-key", "%q is not a valid key of a %s", key, s.kind)
}

// checkDataSize checks the combined size of the values. The API server has the same limit for a ConfigMap and a Secret.
func checkDataSize(s part, size int) {
	if size > corev1.MaxSecretSize {
		s.fail(s.At(), "too-large", "a cluster allows at most 1 MiB", "the %s has %d bytes of data", s.kind, size)
	}
}

// checkSecretType checks the keys that a type of Secret needs, like ValidateSecret in k8s.io/kubernetes pkg/apis/core/validation.
func checkSecretType(s part, raw api.Secret, values map[string][]byte) {
	if s.bad("data") || s.bad("stringData") || s.bad("type") {
		return
	}
	need := func(keys ...string) {
		for _, key := range keys {
			if _, ok := values[key]; !ok && !s.bad("data", key) && !s.bad("stringData", key) {
				s.fail(s.At("type"), "required", "", "a Secret of type %s needs a key %q", raw.Type, key)
			}
		}
	}
	config := func(key string) {
		need(key)
		if text, ok := values[key]; ok && json.Unmarshal(text, &map[string]any{}) != nil {
			s.fail(s.At("type"), "invalid-value", "", "key %q of a Secret of type %s must be a JSON object", key, raw.Type)
		}
	}
	switch raw.Type {
	case corev1.SecretTypeDockercfg, corev1.SecretTypeDockerConfigJson:
		config(pullKeys[raw.Type])
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
			s.fail(s.At("type"), "required", "", "a Secret of type %s needs an annotation %q", raw.Type, corev1.ServiceAccountNameKey)
		}
	}
}
