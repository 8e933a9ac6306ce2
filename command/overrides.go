package command

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/ktask/ktask/engine/plan"
	"github.com/ktask/ktask/resolve"
	"github.com/ktask/ktask/spec"
)

// params reads --params-file, then --param, which wins.
func (s settings) params() ([]resolve.Override, error) {
	var all []resolve.Override
	for _, v := range s.all("params-file") {
		data, err := os.ReadFile(v.text)
		if err != nil {
			return nil, usagef("read --params-file: %w", err)
		}
		var raw map[string]any
		if err := yaml.UnmarshalStrict(data, &raw); err != nil {
			return nil, usagef("--params-file %s: %w", v.text, err)
		}
		for _, key := range slices.Sorted(maps.Keys(raw)) {
			text, ok := raw[key].(string)
			if !ok {
				return nil, usagef("--params-file %s: %s must be a string: write %q", v.text, key, fmt.Sprint(raw[key]))
			}
			all = append(all, resolve.Override{Key: key, Value: text, Origin: v.origin + plan.Origin(" "+v.text)})
		}
	}
	flags, err := s.overrides("param")
	return append(all, flags...), err
}

// secrets reads --secret-file, then --secret, which wins. No message shows what stands behind the equals sign.
func (s settings) secrets() ([]resolve.SecretValue, error) {
	var all []resolve.SecretValue
	for _, v := range s.all("secret-file") {
		some, err := secretFile(v)
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
	}
	for i, v := range s.all("secret") {
		secret, err := secretValue(v.text, v.origin)
		if err != nil {
			return nil, usagef("--secret, number %d: %w", i+1, err)
		}
		all = append(all, secret)
	}
	return all, nil
}

// secretValue reads NAME[/KEY]=VALUE.
func secretValue(text string, from plan.Origin) (resolve.SecretValue, error) {
	name, word, ok := strings.Cut(text, "=")
	name, key, keyed := strings.Cut(name, "/")
	if !ok || name == "" || keyed && key == "" {
		return resolve.SecretValue{}, fmt.Errorf("it takes NAME[/KEY]=VALUE, where VALUE may be @FILE or env:VAR")
	}
	if !keyed {
		key = "SECURE_DATA"
	}
	if file, ok := strings.CutPrefix(word, "@"); ok {
		data, err := os.ReadFile(file)
		if err != nil {
			return resolve.SecretValue{}, fmt.Errorf("read the value of secret %s/%s: %w", name, key, err)
		}
		word = string(data)
	} else if variable, ok := strings.CutPrefix(word, "env:"); ok {
		if word, ok = os.LookupEnv(variable); !ok {
			return resolve.SecretValue{}, fmt.Errorf("secret %s/%s: the environment has no variable %s", name, key, variable)
		}
	}
	if strings.ContainsRune(word, 0) {
		return resolve.SecretValue{}, fmt.Errorf("secret %s/%s holds a NUL byte, which no environment variable can", name, key)
	}
	return resolve.SecretValue{Name: name, Key: key, Value: plan.NewSecret(name+"/"+key, word), Origin: from}, nil
}

// secretFile reads Secret manifests, or lines of NAME[/KEY]=VALUE.
func secretFile(v value) ([]resolve.SecretValue, error) {
	data, err := os.ReadFile(v.text)
	if err != nil {
		return nil, usagef("read --secret-file: %w", err)
	}
	from := v.origin + plan.Origin(" "+v.text)
	if bytes.Contains(data, []byte("kind:")) || bytes.Contains(data, []byte(`"kind"`)) {
		return secretManifests(v.text, data, from)
	}
	var all []resolve.SecretValue
	number := 0
	for line := range bytes.Lines(data) {
		number++
		text := strings.TrimRight(string(line), "\r\n")
		if trimmed := strings.TrimSpace(text); trimmed == "" || strings.HasPrefix(trimmed, "#") {
			continue
		}
		secret, err := secretValue(text, plan.Origin(fmt.Sprintf("%s:%d", from, number)))
		if err != nil {
			return nil, usagef("--secret-file %s:%d: %w", v.text, number, err)
		}
		all = append(all, secret)
	}
	return all, nil
}

func secretManifests(name string, data []byte, from plan.Origin) ([]resolve.SecretValue, error) {
	const anywhere = "*" // for a Secret that names no namespace: it holds for the tasks of all
	m, problems := spec.Load([]spec.File{{Name: name, Data: data, Named: true}}, spec.Options{Namespace: anywhere})
	for _, p := range problems.Errors() {
		return nil, usagef("--secret-file: %s", p)
	}
	if len(m.Secrets) == 0 {
		return nil, usagef("--secret-file %s holds no Secret", name)
	}
	var all []resolve.SecretValue
	for _, s := range m.Secrets {
		namespace := s.Namespace
		if namespace == anywhere {
			namespace = ""
		}
		for _, key := range s.Data.Keys() {
			text, _ := s.Data.Value(key)
			all = append(all, resolve.SecretValue{Namespace: namespace, Name: s.Name, Key: key, Value: plan.NewSecret(s.Name+"/"+key, string(text)), Origin: from})
		}
	}
	return all, nil
}
