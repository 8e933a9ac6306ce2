package endpoint

import (
	"errors"
	"io/fs"
	"path/filepath"
	"slices"
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

// Contexts returns the names of the Docker contexts, sorted. Those that cannot be read are left out.
func Contexts(configDir string) []string {
	names := []string{"default"}
	files, _ := filepath.Glob(filepath.Join(configDir, "contexts", "meta", "*", "meta.json")) // the pattern is valid
	for _, file := range files {
		var meta struct{ Name string }
		if readJSON(file, &meta) == nil && meta.Name != "" {
			names = append(names, meta.Name)
		}
	}
	slices.Sort(names)
	return names
}
