package endpoint

import (
	"maps"
	"os/exec"
	"path/filepath"
	"slices"
)

// CredentialSource is a place from which credentials for registries come.
type CredentialSource struct {
	// Source is a file or the name of a program.
	Source string `json:"source"`
	// Registries are those that the configuration names for it. A credential store may have more.
	Registries []string `json:"registries"`
	// Problem is why the source cannot be used, or "".
	Problem string `json:"problem"`
}

// CredentialSources returns where Credentials gets its results from, without the results. It starts no program. The error is an
// *Error.
func CredentialSources(configDir string) ([]CredentialSource, error) {
	var read struct {
		Auths map[string]struct {
			Auth, IdentityToken, Username string
		} `json:"auths"`
		CredsStore  string            `json:"credsStore"`
		CredHelpers map[string]string `json:"credHelpers"`
	}
	if err := readConfig(configDir, &read); err != nil {
		return nil, failure("correct the file, or move it away and use `docker login` again", "read the credentials: %w", err)
	}
	registries := map[string][]string{}
	if read.CredsStore != "" {
		registries[helper(read.CredsStore)] = nil
	}
	file := filepath.Join(configDir, "config.json")
	for _, registry := range slices.Sorted(maps.Keys(read.Auths)) {
		source := file
		if entry := read.Auths[registry]; read.CredHelpers[registry] != "" {
			continue
		} else if entry.Auth == "" && entry.IdentityToken == "" && entry.Username == "" {
			if read.CredsStore == "" {
				continue // `docker logout` may leave such an entry
			}
			source = helper(read.CredsStore)
		}
		registries[source] = append(registries[source], registry)
	}
	for _, registry := range slices.Sorted(maps.Keys(read.CredHelpers)) {
		source := helper(read.CredHelpers[registry])
		registries[source] = append(registries[source], registry)
	}
	var all []CredentialSource
	for _, source := range slices.Sorted(maps.Keys(registries)) {
		found := CredentialSource{Source: source, Registries: append([]string{}, registries[source]...)}
		if _, err := exec.LookPath(source); err != nil && source != file {
			found.Problem = "it is not in PATH: install it, or remove it from " + file
		}
		all = append(all, found)
	}
	return all, nil
}

// helper returns the program of a credential helper.
func helper(name string) string { return "docker-credential-" + name }
