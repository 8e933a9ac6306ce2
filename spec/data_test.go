package spec

import (
	"encoding/base64"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"
)

// TestTaggedBinary compares the value of a scalar in base64 with that of kubectl's reader.
func TestTaggedBinary(t *testing.T) {
	for _, scalar := range []string{"!!binary aGVsbG8=", "!!binary 'aGVsbG8='", "!!binary |\n    aGVs\n    bG8=\n", "!!binary \"\"", "!!binary gP+A", "!!binary aGk="} {
		text := configMapHead + "data:\n  a: " + scalar
		var want corev1.ConfigMap
		if err := yaml.Unmarshal([]byte(text), &want); err != nil {
			t.Fatal(err)
		}
		m, problems := load(text, false)
		if len(problems) > 0 || len(m.ConfigMaps) != 1 {
			t.Errorf("%s: %v", scalar, problems)
		} else if got := m.ConfigMaps[0].Data[0].Value; got != want.Data["a"] {
			t.Errorf("%s is %q, want %q", scalar, got, want.Data["a"])
		}
	}
	if _, problems := load(configMapHead+"data: {a: !!binary '*'}", false); len(problems) != 1 || problems[0].Rule != "invalid-base64" {
		t.Errorf("what is no base64: %v", problems)
	}
}

// TestNullData checks that a null in a ConfigMap or a Secret is an empty string, as in Kubernetes' types.
func TestNullData(t *testing.T) {
	const data = "{a: ~, b: c}"
	var configMap corev1.ConfigMap
	var secret corev1.Secret
	secretHead := strings.Replace(configMapHead, "ConfigMap", "Secret", 1)
	if err := yaml.UnmarshalStrict([]byte(configMapHead+"data: "+data), &configMap); err != nil {
		t.Fatal(err)
	}
	if err := yaml.UnmarshalStrict([]byte(secretHead+"data: {d: ~}\nstringData: "+data), &secret); err != nil {
		t.Fatal(err)
	}
	m, problems := load(configMapHead+"data: "+data+"\n---\n"+secretHead+"data: {d: ~}\nstringData: "+data, false)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	for _, pair := range m.ConfigMaps[0].Data {
		if want, ok := configMap.Data[pair.Key]; !ok || pair.Value != want {
			t.Errorf("%s is %q, want %q", pair.Key, pair.Value, want)
		}
	}
	if got := len(m.ConfigMaps[0].Data); got != len(configMap.Data) {
		t.Errorf("the ConfigMap has %d keys, want %d", got, len(configMap.Data))
	}
	if got := m.Secrets[0].Data.Keys(); len(got) != len(secret.Data)+len(secret.StringData) {
		t.Errorf("the Secret has the keys %v", got)
	}
}

// TestSizeOfData checks the limit of a MiB for all values combined.
func TestSizeOfData(t *testing.T) {
	half, more := strings.Repeat("a", corev1.MaxSecretSize/2), strings.Repeat("a", corev1.MaxSecretSize/2+1)
	encoded := base64.StdEncoding.EncodeToString([]byte(half))
	for kind, clear := range map[string]string{"ConfigMap": "data", "Secret": "stringData"} {
		bytes := map[string]string{"ConfigMap": "binaryData", "Secret": "data"}[kind]
		head := strings.Replace(configMapHead, "ConfigMap", kind, 1) + bytes + ": {b: " + encoded + "}\n"
		if _, problems := load(head+clear+": {a: "+half+"}", false); len(problems) > 0 {
			t.Errorf("%s of 1 MiB: %.300v", kind, problems)
		}
		if _, problems := load(head+clear+": {a: "+more+"}", false); len(problems) != 1 || problems[0].Rule != "too-large" {
			t.Errorf("%s of more than 1 MiB: %.300v", kind, problems)
		}
	}
}
