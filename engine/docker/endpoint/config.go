package endpoint

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/cpuguy83/dockercfg"
	"github.com/distribution/reference"
	"github.com/docker/docker/api/types/registry"
)

// readConfig reads config.json of Docker's configuration. If there is none, it returns an empty configuration.
func readConfig(dir string) (dockercfg.Config, error) {
	var config dockercfg.Config
	if dir == "" {
		return config, nil
	}
	path := filepath.Join(dir, "config.json")
	content, err := readRegular(path)
	if errors.Is(err, fs.ErrNotExist) {
		return config, nil
	}
	if err == nil {
		err = json.NewDecoder(bytes.NewReader(content)).Decode(&config) // stops at the end of the object, as docker does
	}
	if err != nil {
		return config, fmt.Errorf("read Docker's configuration %q: %w", path, err)
	}
	return config, nil
}

// maxConfig is the size limit of a file of Docker's configuration, in bytes.
const maxConfig = 1 << 20

// readRegular returns the content of a regular file. It returns an error for pipes and devices, which may have no end.
func readRegular(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("not a regular file")
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	content, err := io.ReadAll(io.LimitReader(f, maxConfig+1))
	if err == nil && len(content) > maxConfig {
		return nil, fmt.Errorf("over %d MiB, which is too large", maxConfig>>20)
	}
	return content, err
}

// Credentials returns what the user's Docker configuration has for the registry of an image, encoded for the API's
// X-Registry-Auth header, or "" if it has nothing. It runs a credential helper only if the configuration names it.
func Credentials(configDir string, image reference.Named) (string, error) {
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
		// Without an entry the library would run the platform's helper, which the user has not named.
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
