package endpoint

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/cpuguy83/dockercfg"
	"github.com/distribution/reference"
	"github.com/docker/docker/api/types/registry"
)

// AuthVariable is the variable that can hold the content of a config.json with credentials, as for the docker command,
// GitLab's runners and testcontainers.
const AuthVariable = "DOCKER_AUTH_CONFIG"

// Credential is what a source has for a registry. It prints as its source.
type Credential struct {
	Auth registry.AuthConfig
	// Source names where the credential comes from: "DOCKER_AUTH_CONFIG" or the path of config.json.
	Source string
	// Entry is the key of an entry for a path of the registry, or "".
	Entry string
}

// Format prints only the source and the entry, with every verb.
func (c Credential) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprint(f, c.Source)
	if c.Entry != "" {
		_, _ = fmt.Fprintf(f, " (%s)", c.Entry)
	}
}

// Stores are the places that hold the user's credentials, in the order in which they are asked.
type Stores struct {
	// Variable is the value of DOCKER_AUTH_CONFIG, or "".
	Variable string
	// ConfigDir is the directory of Docker's configuration, or "" for none.
	ConfigDir string
}

// authFile is the part of a config.json that names credentials.
type authFile struct {
	Auths       map[string]dockercfg.AuthConfig `json:"auths"`
	CredsStore  string                          `json:"credsStore"`
	CredHelpers map[string]string               `json:"credHelpers"`
}

// store is one of the places.
type store struct {
	// source names it, and remedy says what to do if it cannot be read.
	source, remedy string
	read           func(to any) error
}

// stores returns the places in their order.
func (s Stores) stores() []store {
	return []store{
		{AuthVariable, "correct or unset the variable " + AuthVariable, func(to any) error { return decodeJSON(AuthVariable, []byte(s.Variable), to) }},
		{
			filepath.Join(s.ConfigDir, "config.json"), "correct the file, or move it away and use `docker login` again",
			func(to any) error { return readConfig(s.ConfigDir, to) },
		},
	}
}

// file reads the store. It is empty if it does not exist.
func (s store) file() (file authFile, err error) {
	if err := s.read(&file); err != nil {
		return authFile{}, failure(s.remedy, "read the credentials: %w", err)
	}
	return file, nil
}

// Credentials returns the user's credentials for the registry of an image: those of DOCKER_AUTH_CONFIG, then those of
// config.json. In each, entries for a path of the registry that has the image come first, the longest one first. It runs a
// credential helper only if one of the two names it. The error is an *Error.
func (s Stores) Credentials(image reference.Named) ([]Credential, error) {
	var all []Credential
	for _, store := range s.stores() {
		file, err := store.file()
		if err != nil {
			return nil, err
		}
		found, err := file.of(image)
		if err != nil {
			return nil, failure(renewal(reference.Domain(image), store.source), "get the credentials for registry %q from %s: %w", reference.Domain(image), store.source, err)
		}
		for _, c := range found {
			c.Source = store.source
			all = append(all, c)
		}
	}
	return all, nil
}

// renewal returns what to do about credentials that do not work.
func renewal(domain, source string) string {
	if source == AuthVariable {
		return "renew the credentials for " + domain + " in the variable " + AuthVariable
	}
	return "renew the credentials with `docker login " + domain + "`"
}

// Renewal returns what to do if the registry refuses the credential.
func (c Credential) Renewal(domain string) string {
	if c.Entry != "" {
		return "renew the credentials for " + c.Entry + " in " + c.Source
	}
	return renewal(domain, c.Source)
}

// ServerAddress returns the name of an image's registry in credentials. That of Docker Hub is a URL.
func ServerAddress(image reference.Named) string {
	return dockercfg.ResolveRegistryHost(reference.Domain(image))
}

// of returns the credentials for an image, without their source: those for a path, then those for the registry.
func (f authFile) of(image reference.Named) ([]Credential, error) {
	host := ServerAddress(image)
	paths, entry, listed := f.entries(host, reference.Path(image))
	configs := make([]dockercfg.Config, 0, len(paths)+1)
	for _, key := range paths {
		configs = append(configs, dockercfg.Config{AuthConfigs: map[string]dockercfg.AuthConfig{host: f.Auths[key]}})
	}
	// Without an entry the library would run the platform's helper, which the user has not named.
	if _, helped := f.CredHelpers[host]; listed || helped || f.CredsStore != "" {
		configs = append(configs, dockercfg.Config{
			AuthConfigs: map[string]dockercfg.AuthConfig{host: entry}, CredentialsStore: f.CredsStore, CredentialHelpers: f.CredHelpers,
		})
	}
	var all []Credential
	for i, config := range configs {
		user, password, err := config.GetRegistryCredentials(host)
		c := Credential{Auth: registry.AuthConfig{Username: user, Password: password, ServerAddress: host}}
		if i < len(paths) {
			c.Entry = paths[i]
		}
		switch {
		case err != nil:
			return nil, withoutOutput(err)
		case user == "" && password == "":
			continue
		case user == "":
			c.Auth = registry.AuthConfig{IdentityToken: password, ServerAddress: host}
		}
		all = append(all, c)
	}
	return all, nil
}

// entries returns the keys of auths for a path of a registry, the longest one first, and the entry for the whole registry: that
// under its name or, as docker reads it, under a URL with that host.
func (f authFile) entries(host, path string) (paths []string, whole dockercfg.AuthConfig, listed bool) {
	whole, listed = f.Auths[host]
	prefixes := map[string]string{} // the keys by their paths
	for _, key := range slices.Backward(slices.Sorted(maps.Keys(f.Auths))) {
		name, of := splitKey(key)
		if dockercfg.ResolveRegistryHost(name) == host {
			prefixes[of] = key
		}
	}
	if key, ok := prefixes[""]; ok && !listed {
		whole, listed = f.Auths[key], true
	}
	for of := path; of != ""; of = of[:max(strings.LastIndex(of, "/"), 0)] {
		if key, ok := prefixes[of]; ok {
			paths = append(paths, key)
		}
	}
	return paths, whole, listed
}

// splitKey returns the registry and the path of a key of auths, which may be a URL with the version of an API.
func splitKey(key string) (host, path string) {
	name := strings.TrimPrefix(strings.TrimPrefix(key, "https://"), "http://")
	host, path, _ = strings.Cut(name, "/")
	version, rest, more := strings.Cut(path, "/")
	if (version == "v1" || version == "v2") && (more || name != key) {
		path = rest
	}
	return host, strings.Trim(path, "/")
}

// withoutOutput returns an error without what a credential helper printed, which may be a secret and which the library has
// in its text.
func withoutOutput(err error) error {
	var (
		exit   *exec.ExitError
		syntax *json.SyntaxError
		wrong  *json.UnmarshalTypeError
	)
	switch {
	case errors.As(err, &exit):
		return fmt.Errorf("the credential helper failed: %w", exit)
	case errors.As(err, &syntax), errors.As(err, &wrong):
		return errors.New("the credential helper prints something else than credentials in JSON")
	}
	return err
}
