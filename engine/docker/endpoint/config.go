package endpoint

import (
	"errors"
	"fmt"
	"io/fs"
	"os/exec"
	"path/filepath"

	"github.com/cpuguy83/dockercfg"
	"github.com/distribution/reference"
	"github.com/docker/docker/api/types/registry"
)

// readConfig decodes the fields of to from config.json of Docker's configuration. Without that file, it leaves them as they
// are. Faults in other fields do not matter.
func readConfig(dir string, to any) error {
	if dir == "" {
		return nil
	}
	err := readJSON(filepath.Join(dir, "config.json"), to)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// currentContext returns the name of the configuration's current context, or "".
func currentContext(configDir string) (string, error) {
	var config struct {
		CurrentContext string `json:"currentContext"`
	}
	if err := readConfig(configDir, &config); err != nil {
		return "", failure("correct the file, or name the engine with DOCKER_HOST", "read the current Docker context: %w", err)
	}
	return config.CurrentContext, nil
}

// Credentials returns what the user's Docker configuration has for the registry of an image, encoded for the API's
// X-Registry-Auth header, or "" if it has nothing. It runs a credential helper only if the configuration names it. The error
// is an *Error.
func Credentials(configDir string, image reference.Named) (string, error) {
	var read struct {
		Auths       map[string]dockercfg.AuthConfig `json:"auths"`
		CredsStore  string                          `json:"credsStore"`
		CredHelpers map[string]string               `json:"credHelpers"`
	}
	if err := readConfig(configDir, &read); err != nil {
		return "", failure("correct the file, or move it away and use `docker login` again", "read the credentials: %w", err)
	}
	config := dockercfg.Config{AuthConfigs: read.Auths, CredentialsStore: read.CredsStore, CredentialHelpers: read.CredHelpers}
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
	if err == nil && user == "" && password == "" {
		return "", nil
	}
	auth := registry.AuthConfig{Username: user, Password: password, ServerAddress: host}
	if user == "" {
		auth = registry.AuthConfig{IdentityToken: password, ServerAddress: host}
	}
	var header string
	if err == nil {
		header, err = registry.EncodeAuthConfig(auth)
	}
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		err = fmt.Errorf("the credential helper failed: %w", exit) // the library's text has what the helper printed: maybe a secret
	}
	if err != nil {
		return "", failure(fmt.Sprintf("renew the credentials with `docker login %s`", reference.Domain(image)), "get the credentials for registry %q: %w", host, err)
	}
	return header, nil
}
