package endpoint

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/docker/docker/client"
)

// configDir is Docker's configuration with two contexts, of which "current" is the current one.
func configDir(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	put := func(content string, path ...string) {
		file := filepath.Join(append([]string{dir}, path...)...)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	put(`{"currentContext":"current"}`, "config.json")
	for name, endpoint := range map[string]string{
		"current": `{"docker":{"Host":"unix:///current.sock"}}`,
		"secure":  `{"docker":{"Host":"tcp://secure:2376"}}`,
		"lax":     `{"docker":{"Host":"tcp://lax:2376","SkipTLSVerify":true}}`,
		"ssh":     `{"docker":{"Host":"ssh://user@far"}}`,
		"other":   `{"kubernetes":{"Host":"https://x"}}`,
	} {
		id := fmt.Sprintf("%x", sha256.Sum256([]byte(name)))
		put(fmt.Sprintf(`{"Name":%q,"Metadata":{},"Endpoints":%s}`, name, endpoint), "contexts", "meta", id, "meta.json")
		if name == "secure" {
			put("ca", "contexts", "tls", id, "docker", "ca.pem")
			put("cert", "contexts", "tls", id, "docker", "cert.pem")
			put("key", "contexts", "tls", id, "docker", "key.pem")
		}
	}
	return dir
}

func TestResolve(t *testing.T) {
	dir := configDir(t)
	tests := map[string]struct {
		options Options
		want    string
	}{
		"nothing":                     {Options{}, client.DefaultDockerHost},
		"nothing configured":          {Options{ConfigDir: t.TempDir()}, client.DefaultDockerHost},
		"the current context":         {Options{ConfigDir: dir}, "unix:///current.sock"},
		"DOCKER_CONTEXT":              {Options{ConfigDir: dir, DefaultContext: "secure"}, "tcp://secure:2376"},
		"the default context":         {Options{ConfigDir: dir, Context: "default"}, client.DefaultDockerHost},
		"the default with a host":     {Options{ConfigDir: dir, Context: "default", DefaultHost: "unix:///h"}, "unix:///h"},
		"DOCKER_HOST over contexts":   {Options{ConfigDir: dir, DefaultContext: "secure", DefaultHost: "unix:///h"}, "unix:///h"},
		"a context over DOCKER_HOST":  {Options{ConfigDir: dir, Context: "secure", DefaultHost: "unix:///h"}, "tcp://secure:2376"},
		"a host over all":             {Options{ConfigDir: dir, Host: "unix:///x", Context: "secure", DefaultHost: "unix:///h"}, "unix:///x"},
		"a path":                      {Options{Host: "/run/x.sock"}, "unix:///run/x.sock"},
		"a host and a port":           {Options{Host: "far:2375"}, "tcp://far:2375"},
		"a host alone":                {Options{Host: "far"}, "tcp://far:2375"},
		"a host alone with TLS":       {Options{Host: "tcp://[::1]", TLSVerify: true, ConfigDir: dir}, "tcp://[::1]:2376"},
		"a broken file is not needed": {Options{Host: "unix:///x", ConfigDir: "/dev/null"}, "unix:///x"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if got, err := Resolve(test.options); err != nil || got.Host != test.want {
				t.Errorf("got %q, error %v, want %q", got.Host, err, test.want)
			}
		})
	}
}

func TestResolveTLS(t *testing.T) {
	dir := configDir(t)
	certs := t.TempDir()
	if err := os.WriteFile(filepath.Join(certs, "ca.pem"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		options  Options
		tls, lax bool
		ca       string
	}{
		"a plain host":         {options: Options{Host: "tcp://x:1", CertPath: certs}},
		"a socket":             {options: Options{Host: "unix:///x", TLSVerify: true}},
		"DOCKER_TLS_VERIFY":    {options: Options{Host: "tcp://x:1", CertPath: certs, TLSVerify: true}, tls: true, ca: certs},
		"DOCKER_TLS":           {options: Options{Host: "tcp://x:1", ConfigDir: certs, TLS: true}, tls: true, lax: true, ca: certs},
		"a context":            {options: Options{ConfigDir: dir, Context: "secure"}, tls: true, ca: dir},
		"a lax context":        {options: Options{ConfigDir: dir, Context: "lax"}, tls: true, lax: true},
		"a context of its own": {options: Options{ConfigDir: dir, Context: "current", TLSVerify: true}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := Resolve(test.options)
			if err != nil || (got.TLS != nil) != test.tls {
				t.Fatalf("got %+v, error %v", got, err)
			}
			if test.tls && (got.TLS.InsecureSkipVerify != test.lax || !strings.HasPrefix(got.TLS.CAFile, test.ca)) {
				t.Errorf("got %+v", got.TLS)
			}
		})
	}
}

func TestResolveSaysWhatIsWrong(t *testing.T) {
	dir := configDir(t)
	tests := map[string]struct {
		options Options
		says    string
	}{
		"no such context":        {Options{ConfigDir: dir, Context: "missing"}, "docker context ls"},
		"a context without host": {Options{ConfigDir: dir, Context: "other"}, "no Docker endpoint"},
		"ssh":                    {Options{ConfigDir: dir, Context: "ssh"}, "ssh -nNT"},
		"no scheme we know":      {Options{Host: "ftp://x"}, "ftp://x"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if _, err := Resolve(test.options); err == nil || !strings.Contains(err.Error(), test.says) {
				t.Errorf("error %v, want %q in it", err, test.says)
			}
		})
	}
}
