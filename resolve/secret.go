package resolve

import (
	"fmt"
	"slices"

	"github.com/ktask/ktask/engine/plan"
	"github.com/ktask/ktask/spec"
)

// secret returns the value of a key, and warns if it is empty.
func (b *builder) secret(name, key string, at spec.Pos, optional bool) (text plan.Text, from plan.Origin, ok bool) {
	if text, from, ok = b.secretValue(name, key, at, optional); ok && text.Blank() {
		b.warnEmpty(name, at, from, key)
	}
	return text, from, ok
}

// warnEmpty warns of the empty keys of a secret that a task uses.
func (b *builder) warnEmpty(name string, at spec.Pos, from plan.Origin, keys ...string) {
	fact, remedy := "task %q uses key %q of Secret %q (%s), which is empty", "give it a value there, or "+secretFlag(name, keys[0])
	if len(keys) > 1 {
		fact, remedy = "task %q uses keys %s of Secret %q (%s), which are empty", fmt.Sprintf("give them values there, or pass each with --secret %s/KEY=VALUE", name)
	}
	b.warn(at, "empty-secret", remedy, fact, b.name(), enumerated(keys), name, from)
}

// secretValue returns the value of a key: that of the user, or else that of a Secret in the namespaces of the task. A missing value
// is a problem unless it is optional: in a cluster the container would never start. A plan that does not run shows that it is missing.
func (b *builder) secretValue(name, key string, at spec.Pos, optional bool) (text plan.Text, from plan.Origin, ok bool) {
	if name == "" || key == "" {
		return text, plan.Origin{}, false // spec reports it
	}
	b.known["secret "+name+"/"+key] = true
	if given := b.given(name, key); given != nil {
		b.taken["secret "+name+"/"+key] = true
		return b.hidden(name, key, given.Value, at, given.Origin)
	}
	namespaces := b.namespaces
	s, found := find(b.index.secrets, name, namespaces...)
	if found {
		b.inCluster.elsewhere(at, "Secret", name, s.Namespace)
		if value, has := s.Data.Value(key); has {
			return b.hidden(name, key, plan.NewSecret(name+"/"+key, string(value)), at, origin(s.Pos))
		}
		namespaces = []string{s.Namespace}
	}
	if b.broken("Secret", name, namespaces...) || optional {
		return text, plan.Origin{}, false
	}
	if !b.options.WithoutSecrets {
		b.missingKey(name, key, at)
		if !b.options.Preview {
			return text, plan.Origin{}, false
		}
		b.missingSecrets++
	}
	return plan.Hidden(plan.MissingSecret(name + "/" + key)), plan.Origin{}, true
}

// given returns the last secret with the name from outside the manifests, and with the key unless that is "".
func (b *builder) given(name, key string) *SecretValue {
	for i, given := range slices.Backward(b.options.Secrets) {
		if given.Name == name && (key == "" || given.Key == key) && b.holds(given) {
			return &b.options.Secrets[i]
		}
	}
	return nil
}

// missingKey reports a missing key of a secret, or a missing secret.
func (b *builder) missingKey(name, key string, at spec.Pos) {
	keys, found := b.secretKeys(name)
	if !found {
		b.missingSecret(name, key, at, fmt.Sprintf("key %q", key))
		return
	}
	var place plan.Origin
	if given := b.given(name, ""); given != nil {
		place = given.Origin
	}
	if s, found := find(b.index.secrets, name, b.namespaces...); found {
		place = origin(atLine(s.Pos))
	}
	b.fail(at, "missing-key", keysAre(keys)+"; "+secretFlag(name, key),
		"task %q needs key %q of Secret %q (%s), which has no such key; in a cluster its pod would wait for it until the deadline", b.name(), key, name, place)
}

// missingSecret reports a missing secret. Key is an example for the remedy.
func (b *builder) missingSecret(name, key string, at spec.Pos, needed string) {
	fact, remedy := b.index.secrets.absence(name, b.namespaces)
	switch misnamed := b.misnamed(name); {
	case misnamed != nil: // the manifests are those of a cluster too, so the flag is wrong
		remedy = fmt.Sprintf("%s gives %q: write %q there", misnamed.Origin, misnamed.Name, name)
	case len(b.index.secrets.objects)+len(b.index.secrets.given) == 0:
		remedy = secretFlag(name, key)
	default:
		remedy += "; or " + secretFlag(name, key)
	}
	b.fail(at, "missing-secret", remedy,
		"task %q needs %s of Secret %q, %s; in a cluster its pod would wait for it until the deadline", b.name(), needed, name, fact)
}

// misnamed returns a secret from outside the manifests whose name is similar to the one that a manifest names, or nil.
func (b *builder) misnamed(name string) *SecretValue {
	for i, given := range b.options.Secrets {
		if b.holds(given) && spec.Nearest(given.Name, []string{name}) == name {
			return &b.options.Secrets[i]
		}
	}
	return nil
}

func secretFlag(name, key string) string {
	if key == "SECURE_DATA" {
		return fmt.Sprintf("pass it with --secret %s=VALUE", name)
	}
	return fmt.Sprintf("pass it with --secret %s/%s=VALUE", name, key)
}

// holds reports whether a secret from outside the manifests is in the namespace of the task or of Keptn.
func (b *builder) holds(given SecretValue) bool {
	return given.Namespace == "" || slices.Contains(b.namespaces, given.Namespace)
}

// secretKeys returns the sorted keys of a secret, including those that the user gives.
func (b *builder) secretKeys(name string) (keys []string, ok bool) {
	if s, found := find(b.index.secrets, name, b.namespaces...); found {
		keys, ok = slices.Clone(s.Data.Keys()), true
	}
	for _, given := range b.options.Secrets {
		if given.Name == name && b.holds(given) {
			keys, ok = append(keys, given.Key), true
		}
	}
	slices.Sort(keys)
	return slices.Compact(keys), ok
}

// hidden returns a value that a task uses as a secret. Only used values are checked, because a Secret may have other keys.
func (b *builder) hidden(name, key string, value plan.Secret, at spec.Pos, from plan.Origin) (plan.Text, plan.Origin, bool) {
	text := plan.Hidden(value)
	if flaw := text.Flaw(); flaw != (plan.Flaw{}) {
		b.fail(at, flaw.Rule, encodeIt, "key %s of Secret %q (%s) %s", key, name, from, flaw.Message)
		return plan.Text{}, plan.Origin{}, false
	}
	return text, from, true
}
