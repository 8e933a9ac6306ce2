package resolve

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/distribution/reference"
	corev1 "k8s.io/api/core/v1"

	"github.com/ktask/ktask/engine/plan"
	"github.com/ktask/ktask/spec"
)

// pullSecret is what a Secret has for registries. err is why a kubelet could not use it.
type pullSecret struct {
	entries []registryEntry
	err     error
}

// registryEntry are the credentials for the registries that a pattern matches.
type registryEntry struct {
	// pattern is HOST[:PORT][/PATH]. In each part of HOST, * stands for any characters.
	pattern string
	auth    plan.Secret
}

// pullCredentials sets what the pull secrets of the task have for the registry of its image, in the order in which a kubelet tries it
// (pkg/credentialprovider/keyring.go): the most exact patterns come first. See "Pull secrets" in docs/fidelity.md.
func (b *builder) pullCredentials() {
	if len(b.definition.ImagePullSecrets) == 0 {
		return // do not parse the image again
	}
	name, err := reference.ParseNormalizedNamed(b.out.Container.Image)
	if err != nil {
		return // no registry has such an image
	}
	type credential struct {
		registryEntry
		plan.PullCredential
	}
	var all []credential
	for _, secret := range b.definition.ImagePullSecrets {
		found, from := b.pullSecret(secret)
		if b.spend(len(found.entries) * perEntry); b.exhausted() {
			return // many tasks with large Secrets are a lot of work
		}
		for _, e := range found.entries {
			all = append(all, credential{e, plan.PullCredential{Secret: secret.Value, Auth: e.auth, Origin: from}})
		}
	}
	slices.SortStableFunc(all, func(a, b credential) int { return cmp.Compare(b.pattern, a.pattern) })
	matching := filter(all, func(c credential) bool { return registryMatches(c.pattern, name.Name()) })
	if len(matching) == 0 && reference.Domain(name) == "docker.io" {
		matching = filter(all, func(c credential) bool { return c.pattern == "index.docker.io" })
	}
	for _, c := range matching {
		b.out.Container.PullCredentials = append(b.out.Container.PullCredentials, c.PullCredential)
	}
}

// pullSecret returns a pull secret of the task: that of the user, or else that of a Secret in the namespace of the task. A kubelet pulls
// without those that are missing or have another type.
func (b *builder) pullSecret(secret spec.Optional[string]) (pullSecret, plan.Origin) {
	name := secret.Value
	for _, given := range slices.Backward(b.options.Secrets) {
		if given.Name != name || !isPullKey(given.Key) || given.Namespace != "" && given.Namespace != b.out.Namespace {
			continue
		}
		b.taken["secret "+name+"/"+given.Key] = true
		b.usable(given.registries, name, secret.Pos, given.Origin)
		return given.registries, given.Origin
	}
	s, found := find(b.index.secrets, name, b.out.Namespace)
	switch {
	case !found && b.broken("Secret", name, b.out.Namespace):
		return pullSecret{}, plan.Origin{}
	case !found && b.options.OnCluster: // the cluster may have it
		return pullSecret{}, plan.Origin{}
	case !found:
		fact, _ := b.index.secrets.absence(name, []string{b.out.Namespace})
		b.add(spec.Note, secret.Pos, "no-local-meaning", "", "%s has no effect here: it names Secret %q, %s; images are pulled with your own credentials", secret.Pos.Field, name, fact)
		return pullSecret{}, plan.Origin{}
	case s.PullKey == "":
		b.warn(secret.Pos, "secret-type", "set its type to "+string(corev1.SecretTypeDockerConfigJson), "%s names Secret %q (%s), whose type is not that of credentials for registries: a kubelet ignores it",
			secret.Pos.Field, name, origin(atLine(s.Pos)))
		return pullSecret{}, plan.Origin{}
	}
	read, known := b.registries[s]
	if !known {
		value, _ := s.Data.Value(s.PullKey)
		read = readPullSecret(name, s.PullKey, value)
		b.registries[s] = read
	}
	b.usable(read, name, s.PullPos, plan.Origin{})
	return read, origin(atLine(s.Pos))
}

// usable reports a pull secret that a kubelet cannot use. from is where it comes from if that is not at.
func (b *builder) usable(s pullSecret, name string, at spec.Pos, from plan.Origin) {
	if s.err == nil {
		return
	}
	place := ""
	if from.Known() {
		place = fmt.Sprintf(" (%s)", from)
	}
	b.relax(at, "invalid-pull-secret", "make it with `kubectl create secret docker-registry`", "Secret %q%s cannot be used to pull images: %v", name, place, s.err)
}

func pullSecretNames(d *spec.Definition) []string {
	var all []string
	for _, secret := range d.ImagePullSecrets {
		all = append(all, secret.Value)
	}
	return all
}

func isPullKey(key string) bool {
	return key == corev1.DockerConfigJsonKey || key == corev1.DockerConfigKey
}

// readPullSecret reads the value of a key of a pull secret. If the key is another one, the result is empty. No error contains the value.
func readPullSecret(name, key string, value []byte) pullSecret {
	type entry struct{ Username, Password, Auth string }
	var config struct{ Auths map[string]entry }
	var err error
	switch key {
	case corev1.DockerConfigJsonKey:
		err = json.Unmarshal(value, &config)
	case corev1.DockerConfigKey:
		err = json.Unmarshal(value, &config.Auths)
	}
	if err != nil { // its text may show a part of the value
		return pullSecret{err: fmt.Errorf("the value of %s is not JSON of the right form", key)}
	}
	var read pullSecret
	for _, registry := range slices.Sorted(maps.Keys(config.Auths)) {
		e := config.Auths[registry]
		pattern := patternOf(registry)
		auth := e.Username + ":" + e.Password
		if e.Auth != "" {
			if auth, err = decodedAuth(e.Auth); err != nil {
				return pullSecret{err: fmt.Errorf("auth of registry %q %w", registry, err)}
			}
		}
		if plan.FlawOf(auth) != (plan.Flaw{}) {
			return pullSecret{err: fmt.Errorf("the user or password for registry %q has a NUL byte or is not valid UTF-8", registry)}
		}
		if pattern != "" && auth != ":" {
			read.entries = append(read.entries, registryEntry{pattern, plan.NewSecret(name+"/"+key, auth)})
		}
	}
	return read
}

// decodedAuth decodes USER:PASSWORD in base64, with or without padding.
func decodedAuth(text string) (string, error) {
	text = strings.TrimRight(strings.TrimSpace(text), "=")
	decoded, err := base64.RawStdEncoding.DecodeString(text)
	if err != nil {
		return "", errors.New("is not valid base64")
	}
	if !strings.Contains(string(decoded), ":") {
		return "", errors.New("is not USER:PASSWORD in base64")
	}
	return string(decoded), nil
}

// patternOf returns the pattern of a key of a Docker configuration, without a scheme and the version of an API. It returns "" for a key
// that is none, which a kubelet ignores.
func patternOf(key string) string {
	if !strings.HasPrefix(key, "https://") && !strings.HasPrefix(key, "http://") {
		key = "https://" + key
	}
	parsed, err := url.Parse(key)
	if err != nil {
		return ""
	}
	if strings.HasPrefix(parsed.Path, "/v1/") || strings.HasPrefix(parsed.Path, "/v2/") {
		parsed.Path = parsed.Path[len("/v1"):]
	}
	if parsed.Path == "/" {
		parsed.Path = ""
	}
	return parsed.Host + parsed.Path
}

// registryMatches reports whether a pattern matches the name of an image, HOST[:PORT]/PATH.
func registryMatches(pattern, image string) bool {
	patternHost, patternPath, _ := strings.Cut(pattern, "/")
	host, imagePath, _ := strings.Cut(image, "/")
	wanted, wantedPort := hostParts(patternHost)
	parts, port := hostParts(host)
	if port != wantedPort || len(parts) != len(wanted) || !strings.HasPrefix(imagePath, patternPath) {
		return false
	}
	for i, part := range parts {
		if ok, err := path.Match(wanted[i], part); err != nil || !ok {
			return false
		}
	}
	return true
}

func hostParts(host string) (parts []string, port string) {
	if name, p, err := net.SplitHostPort(host); err == nil {
		host, port = name, p
	}
	return strings.Split(host, "."), port
}
