package resolve

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ktask/ktask/engine/plan"
	"github.com/ktask/ktask/spec"
)

// secret looks a key up: what the user gave first, then the secrets of the task's namespaces. With optional, what is
// missing is no problem. In a cluster the container would never start without it and wait for its deadline.
func (r *resolver) secret(u use, name, key string, at spec.Pos, optional bool) (text plan.Text, from plan.Origin, ok bool) {
	if name == "" || key == "" {
		return text, "", false // spec reports it
	}
	for _, given := range slices.Backward(r.options.Secrets) {
		if given.Name == name && given.Key == key && r.holds(given, u) {
			return plan.Hidden(given.Value), given.Origin, true
		}
	}
	line := fmt.Sprintf("--secret %s/%s=VALUE gives it", name, key)
	if key == "SECURE_DATA" {
		line = fmt.Sprintf("--secret %s=VALUE gives it", name)
	}
	namespaces := r.namespaces(u.meta().Namespace)
	s, found := find(r.index.secrets, name, namespaces...)
	if !found {
		if !optional {
			remedy := line
			if len(r.index.secrets.objects) > 0 {
				remedy = missing(r.index.secrets, "Secret", name, namespaces...) + "; " + line
			}
			r.fail(at, "missing-secret", remedy, "there is no Secret %q, of which task %q wants key %q; in a cluster its pod would wait for it until the deadline", name, u.name(), key)
		}
		return text, "", false
	}
	r.elsewhere(u, at, "Secret", name, s.Namespace)
	value, found := s.Data.Value(key)
	if !found {
		if !optional {
			has := "it has no keys"
			if keys := s.Data.Keys(); len(keys) > 0 {
				has = "its keys are " + strings.Join(keys, ", ")
			}
			r.fail(at, "missing-key", has+"; "+line, "Secret %q (%s) has no key %q, which task %q wants; in a cluster its pod would wait for it until the deadline", name, origin(atLine(s.Pos)), key, u.name())
		}
		return text, "", false
	}
	return r.hidden(name, key, value, at, origin(s.Pos))
}

// holds tells whether a secret from outside the manifests is one of the task's namespace, or of Keptn's.
func (r *resolver) holds(given SecretValue, u use) bool {
	return given.Namespace == "" || slices.Contains(r.namespaces(u.meta().Namespace), given.Namespace)
}

func (r *resolver) hidden(name, key string, value []byte, at spec.Pos, from plan.Origin) (plan.Text, plan.Origin, bool) {
	ref := name + "/" + key
	if slices.Contains(value, 0) {
		r.fail(at, "nul-byte", "encode it, or pass a file with --mount", "Secret key %s holds a NUL byte, which no environment variable can", ref)
		return plan.Text{}, "", false
	}
	return plan.Hidden(plan.NewSecret(ref, string(value))), from, true
}
