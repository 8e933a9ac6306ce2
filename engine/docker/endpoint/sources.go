package endpoint

import (
	"maps"
	"os/exec"
	"slices"
)

// CredentialSource is a place from which credentials for registries come.
type CredentialSource struct {
	// Source is a file, a variable or the name of a program.
	Source string `json:"source"`
	// Registries are those that the configuration names for it. A credential store may have more.
	Registries []string `json:"registries"`
	// Problem is why the source cannot be used, or "".
	Problem string `json:"problem"`
}

// Sources returns where Credentials gets its results from, without the results. It starts no program. The error is an *Error.
func (s Stores) Sources() ([]CredentialSource, error) {
	var all []CredentialSource
	for _, store := range s.stores() {
		file, err := store.file()
		if err != nil {
			return nil, err
		}
		all = append(all, file.sources(store.source)...)
	}
	return all, nil
}

// sources returns the sources that a file names. store is the file's own name.
func (f authFile) sources(store string) []CredentialSource {
	registries := map[string][]string{}
	if f.CredsStore != "" {
		registries[helper(f.CredsStore)] = nil
	}
	for _, registry := range slices.Sorted(maps.Keys(f.Auths)) {
		source := store
		if entry := f.Auths[registry]; f.CredHelpers[registry] != "" {
			continue
		} else if entry.Auth == "" && entry.IdentityToken == "" && entry.Username == "" {
			if f.CredsStore == "" {
				continue // `docker logout` may leave such an entry
			}
			source = helper(f.CredsStore)
		}
		registries[source] = append(registries[source], registry)
	}
	for _, registry := range slices.Sorted(maps.Keys(f.CredHelpers)) {
		source := helper(f.CredHelpers[registry])
		registries[source] = append(registries[source], registry)
	}
	var all []CredentialSource
	for _, source := range slices.Sorted(maps.Keys(registries)) {
		found := CredentialSource{Source: source, Registries: append([]string{}, registries[source]...)}
		if _, err := exec.LookPath(source); err != nil && source != store {
			found.Problem = "it is not in PATH: install it, or remove it from " + store
		}
		all = append(all, found)
	}
	return all
}

// helper returns the program of a credential helper.
func helper(name string) string { return "docker-credential-" + name }
