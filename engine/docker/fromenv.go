package docker

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"

	"github.com/ktask/ktask/engine/docker/endpoint"
)

// FromEnv returns the Options that the environment sets, with the variables of the docker command: DOCKER_HOST,
// DOCKER_CONTEXT, DOCKER_CONFIG (default ~/.docker), DOCKER_AUTH_CONFIG, DOCKER_API_VERSION, DOCKER_TLS, DOCKER_TLS_VERIFY and
// DOCKER_CERT_PATH. The usual sockets are in HOME, XDG_RUNTIME_DIR, TMPDIR, COLIMA_HOME and LIMA_HOME. Nothing else in this
// package reads the environment.
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
	home, err := os.UserHomeDir()
	if o.ConfigDir == "" && err == nil {
		o.ConfigDir = filepath.Join(home, ".docker")
	}
	o.Usual = endpoint.Places{
		Home: home, Runtime: cmp.Or(os.Getenv("XDG_RUNTIME_DIR"), fmt.Sprintf("/run/user/%d", os.Getuid())), Temp: os.TempDir(),
		Colima: os.Getenv("COLIMA_HOME"), Lima: os.Getenv("LIMA_HOME"),
	}.Sockets()
	return o
}

// Contexts returns the names of the Docker contexts in a directory of the docker command's settings.
func Contexts(configDir string) []string { return endpoint.Contexts(configDir) }
