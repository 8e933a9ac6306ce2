package docker

import (
	"os"
	"path/filepath"

	"github.com/ktask/ktask/engine/docker/endpoint"
)

// FromEnv returns the Options that the environment sets, with the variables of the docker command: DOCKER_HOST,
// DOCKER_CONTEXT, DOCKER_CONFIG (default ~/.docker), DOCKER_AUTH_CONFIG, DOCKER_API_VERSION, DOCKER_TLS, DOCKER_TLS_VERIFY and DOCKER_CERT_PATH.
// Nothing else in this package reads the environment.
func FromEnv() Options {
	o := Options{
		DefaultHost:    os.Getenv("DOCKER_HOST"),
		DefaultContext: os.Getenv("DOCKER_CONTEXT"),
		ConfigDir:      os.Getenv("DOCKER_CONFIG"),
		AuthConfig:     os.Getenv(endpoint.AuthVariable),
		APIVersion:     os.Getenv("DOCKER_API_VERSION"),
		TLS:            os.Getenv("DOCKER_TLS") != "",
		TLSVerify:      os.Getenv("DOCKER_TLS_VERIFY") != "",
		CertPath:       os.Getenv("DOCKER_CERT_PATH"),
	}
	if o.ConfigDir == "" {
		if home, err := os.UserHomeDir(); err == nil {
			o.ConfigDir = filepath.Join(home, ".docker")
		}
	}
	return o
}
