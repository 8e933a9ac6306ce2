package endpoint

import (
	"errors"
	"io/fs"
	"path/filepath"
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
