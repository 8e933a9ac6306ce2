package endpoint

import (
	"os"
	"path/filepath"

	"github.com/docker/go-connections/tlsconfig"
)

// hostTLS returns the TLS files for a host that a flag or DOCKER_HOST names: those in DOCKER_CERT_PATH, which must be there, or
// those that are in Docker's configuration. The error is an *Error.
func (o Options) hostTLS() (*tlsconfig.Options, error) {
	if o.CertPath == "" {
		files := tlsFiles(o.ConfigDir, !o.TLSVerify)
		return files, pair(files, o.ConfigDir)
	}
	const remedy = "correct DOCKER_CERT_PATH, or unset DOCKER_TLS_VERIFY and DOCKER_TLS if the engine is to be reached without TLS"
	files := tlsFiles(o.CertPath, !o.TLSVerify)
	if info, err := os.Stat(o.CertPath); err != nil {
		return nil, failure(remedy, "the directory of DOCKER_CERT_PATH, %s: %w", o.CertPath, withoutPath(err))
	} else if !info.IsDir() {
		return nil, failure(remedy, "DOCKER_CERT_PATH %s is not a directory", o.CertPath)
	}
	if files.CAFile == "" && o.TLSVerify {
		return nil, failure(remedy, "there is no ca.pem in DOCKER_CERT_PATH %s, which DOCKER_TLS_VERIFY needs to verify the engine", o.CertPath)
	}
	if files.CAFile+files.CertFile+files.KeyFile == "" {
		return nil, failure(remedy, "there is no ca.pem, cert.pem or key.pem in DOCKER_CERT_PATH %s", o.CertPath)
	}
	return files, pair(files, o.CertPath)
}

// pair returns an error if there is a certificate without its key, or a key without its certificate.
func pair(files *tlsconfig.Options, dir string) error {
	switch {
	case files.CertFile == "" && files.KeyFile != "":
		return failure("put the certificate of key.pem beside it, or remove key.pem", "there is a key.pem but no cert.pem in %s", dir)
	case files.CertFile != "" && files.KeyFile == "":
		return failure("put the key of cert.pem beside it, or remove cert.pem", "there is a cert.pem but no key.pem in %s", dir)
	}
	return nil
}

// tlsFiles returns the paths of those of Docker's three TLS files that are in dir.
func tlsFiles(dir string, skipVerify bool) *tlsconfig.Options {
	existing := func(name string) string {
		path := filepath.Join(dir, name)
		if _, err := os.Stat(path); err != nil {
			return ""
		}
		return path
	}
	return &tlsconfig.Options{
		CAFile: existing("ca.pem"), CertFile: existing("cert.pem"), KeyFile: existing("key.pem"),
		InsecureSkipVerify: skipVerify,
	}
}
