package resolve

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ktask/ktask/engine/plan"
	"github.com/ktask/ktask/spec"
)

// secret returns the value of a key: that of the user, or else that of a Secret in the namespaces of the task. A missing value is a
// problem unless it is optional: in a cluster the container would never start.
func (r *resolver) secret(u use, name, key string, at spec.Pos, optional bool) (text plan.Text, from plan.Origin, ok bool) {
	if name == "" || key == "" {
		return text, plan.Origin{}, false // spec reports it
	}
	if given := r.given(u, name, key); given != nil {
		r.taken["secret "+name+"/"+key] = true
		return r.hidden(name, key, given.Value, at, given.Origin)
	}
	namespaces := r.namespaces(u.meta().Namespace)
	s, found := find(r.index.secrets, name, namespaces...)
	if found {
		r.elsewhere(u, at, "Secret", name, s.Namespace)
		if value, has := s.Data.Value(key); has {
			return r.hidden(name, key, plan.NewSecret(name+"/"+key, string(value)), at, origin(s.Pos))
		}
		namespaces = []string{s.Namespace}
	}
	if !optional && !r.broken("Secret", name, namespaces...) {
		r.missingKey(u, name, key, at)
	}
	return text, plan.Origin{}, false
}

// given returns the last secret with the name from outside the manifests, and with the key unless that is "".
func (r *resolver) given(u use, name, key string) *SecretValue {
	for i, given := range slices.Backward(r.options.Secrets) {
		if given.Name == name && (key == "" || given.Key == key) && r.holds(given, u) {
			return &r.options.Secrets[i]
		}
	}
	return nil
}

// missingKey reports a missing key of a secret, or a missing secret.
func (r *resolver) missingKey(u use, name, key string, at spec.Pos) {
	keys, found := r.secretKeys(u, name)
	if !found {
		r.fail(at, "missing-secret", r.giveSecret(u, name, key), "there is no Secret %q, of which task %q wants key %q; in a cluster its pod would wait for it until the deadline", name, u.name(), key)
		return
	}
	has := "it has no keys"
	if len(keys) > 0 {
		has = "its keys are " + strings.Join(keys, ", ")
	}
	var place plan.Origin
	if given := r.given(u, name, ""); given != nil {
		place = given.Origin
	}
	if s, found := find(r.index.secrets, name, r.namespaces(u.meta().Namespace)...); found {
		place = origin(atLine(s.Pos))
	}
	r.fail(at, "missing-key", has+"; "+secretFlag(name, key), "Secret %q (%s) has no key %q, which task %q wants; in a cluster its pod would wait for it until the deadline", name, place, key, u.name())
}

// giveSecret returns the remedy for a missing secret.
func (r *resolver) giveSecret(u use, name, key string) string {
	if len(r.index.secrets.objects)+len(r.index.secrets.given) == 0 {
		return secretFlag(name, key)
	}
	return missing(r.index.secrets, name, r.namespaces(u.meta().Namespace)...) + "; " + secretFlag(name, key)
}

func secretFlag(name, key string) string {
	if key == "SECURE_DATA" {
		return fmt.Sprintf("ktask run --secret %s=VALUE gives it", name)
	}
	return fmt.Sprintf("ktask run --secret %s/%s=VALUE gives it", name, key)
}

// holds reports whether a secret from outside the manifests is in the namespace of the task or of Keptn.
func (r *resolver) holds(given SecretValue, u use) bool {
	return given.Namespace == "" || slices.Contains(r.namespaces(u.meta().Namespace), given.Namespace)
}

// hidden returns a value that a task uses as a secret. Only used values are checked, because a Secret may have other keys.
func (r *resolver) hidden(name, key string, value plan.Secret, at spec.Pos, from plan.Origin) (plan.Text, plan.Origin, bool) {
	text := plan.Hidden(value)
	if flaw := text.Flaw(); flaw != (plan.Flaw{}) {
		r.fail(at, flaw.Rule, encodeIt, "key %s of Secret %q (%s) %s", key, name, from, flaw.Message)
		return plan.Text{}, plan.Origin{}, false
	}
	return text, from, true
}

// encodeIt is the remedy for a value that cannot be passed to a process.
const encodeIt = "encode it, for example in base64, or pass a file with --mount"
