package docker

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/cpuguy83/dockercfg"
	"github.com/distribution/reference"
	"github.com/docker/docker/api/types/registry"
)

// readConfig reads config.json of Docker's configuration; a missing one is empty.
func readConfig(dir string) (dockercfg.Config, error) {
	var config dockercfg.Config
	if dir == "" {
		return config, nil
	}
	path := filepath.Join(dir, "config.json")
	if err := dockercfg.FromFile(path, &config); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return config, fmt.Errorf("read Docker's configuration %q: %w", path, err)
	}
	return config, nil
}

// credentials gives what the user's Docker configuration has for the registry of an image, in the form of the
// API's X-Registry-Auth, or "" where it has nothing. A credential helper that the configuration names is run; one
// that it does not name is not.
func credentials(configDir string, image reference.Named) (string, error) {
	config, err := readConfig(configDir)
	if err != nil {
		return "", err
	}
	host := dockercfg.ResolveRegistryHost(reference.Domain(image))
	_, listed := config.AuthConfigs[host]
	_, helped := config.CredentialHelpers[host]
	if !listed && !helped && config.CredentialsStore == "" {
		return "", nil
	}
	if config.CredentialsStore != "" && !helped && !listed {
		// The library would go on to the platform's own helper, which the user has not named.
		config.AuthConfigs = map[string]dockercfg.AuthConfig{host: {}}
	}
	user, password, err := config.GetRegistryCredentials(host)
	if err != nil {
		return "", fmt.Errorf("get the credentials for registry %q: %w", host, err)
	}
	if user == "" && password == "" {
		return "", nil
	}
	auth := registry.AuthConfig{Username: user, Password: password, ServerAddress: host}
	if user == "" {
		auth = registry.AuthConfig{IdentityToken: password, ServerAddress: host}
	}
	return registry.EncodeAuthConfig(auth)
}
