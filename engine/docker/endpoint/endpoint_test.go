package endpoint

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/docker/docker/client"
)

// write makes a file and its directory.
func write(t *testing.T, file, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// configDir is Docker's configuration with two contexts, of which "current" is the current one.
func configDir(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	put := func(content string, path ...string) {
		write(t, filepath.Join(append([]string{dir}, path...)...), content)
	}
	put(`{"currentContext":"current"}`, "config.json")
	for name, endpoint := range map[string]string{
		"current": `{"docker":{"Host":"unix:///current.sock"}}`,
		"secure":  `{"docker":{"Host":"tcp://secure:2376"}}`,
		"lax":     `{"docker":{"Host":"tcp://lax:2376","SkipTLSVerify":true}}`,
		"ssh":     `{"docker":{"Host":"ssh://user@far"}}`,
		"other":   `{"kubernetes":{"Host":"https://x"}}`,
		"empty":   `{"docker":{"Host":""}}`,
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
		"ssh":                         {Options{ConfigDir: dir, Context: "ssh"}, "ssh://user@far"},
		"ssh with a port and a path":  {Options{Host: "ssh://far:22/run/x.sock", TLSVerify: true}, "ssh://far:22/run/x.sock"},
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

// fails fails the test unless err has the texts, each in what is wrong or in the remedy.
func fails(t *testing.T, err error, texts ...string) {
	t.Helper()
	failure, ok := errors.AsType[*Error](err)
	if !ok || failure.Remedy == "" {
		t.Fatalf("error %v has no remedy", err)
	}
	for _, text := range texts {
		if all := err.Error() + "; " + failure.Remedy; !strings.Contains(all, text) {
			t.Errorf("error %s, want %q in it", all, text)
		}
	}
}

func TestResolveSaysWhatIsWrong(t *testing.T) {
	dir := configDir(t)
	tests := map[string]struct {
		options Options
		says    string
	}{
		"no such context":        {Options{ConfigDir: dir, Context: "missing"}, `there is no Docker context "missing" in "` + dir + `"; ` + "`docker context ls` lists"},
		"a context without host": {Options{ConfigDir: dir, Context: "other"}, "no Docker endpoint"},
		"an empty host":          {Options{ConfigDir: dir, Context: "empty"}, "no Docker endpoint"},
		"ssh with an option":     {Options{Host: "ssh://-oProxyCommand=x/"}, "begins with a hyphen; write ssh://USER@HOST"},
		"a user as an option":    {Options{Host: "ssh://-oProxyCommand=x@far"}, "begins with a hyphen"},
		"ssh with a password":    {Options{Host: "ssh://me:pass@far"}, `"ssh://me@far" is not valid: invalid SSH URL: plain-text password is not supported`},
		"ssh with a query":       {Options{Host: "ssh://far?x=1"}, "query parameters are not allowed"},
		"ssh without a host":     {Options{Host: "ssh://"}, "hostname is empty"},
		"ssh with a line break":  {Options{Host: "ssh://far/a%0ab"}, "has a control character"},
		"no scheme we know":      {Options{Host: "ftp://x"}, `the Docker host "ftp://x" has the unknown scheme "ftp"; begin it with unix://`},
		"a socket, one slash":    {Options{Host: "unix:/run/docker.sock"}, `the Docker host "unix:/run/docker.sock" has no :// after unix; write unix:///run/docker.sock`},
		"a socket, no slash":     {Options{DefaultHost: "unix:run/docker.sock"}, "write unix:///run/docker.sock"},
		"a socket, two slashes":  {Options{Host: "unix://run/docker.sock"}, "and there is none; write unix:///run/docker.sock"},
		"no socket":              {Options{Host: "unix://"}, "names no socket"},
		"a pipe":                 {Options{Host: "npipe:docker_engine"}, "write npipe:////./pipe/docker_engine"},
		"tcp, no slash":          {Options{Host: "tcp:far:2375"}, "write tcp://far:2375"},
		"a port that is a word":  {Options{Host: "tcp://x:abc"}, `the Docker host "tcp://x:abc" has the port "abc", which is not a number from 1 to 65535; write tcp://HOST:PORT`},
		"a port that is too big": {Options{Host: "tcp://x:99999"}, `the port "99999"`},
		"a port that is zero":    {Options{Host: "http://x:0/v"}, `the port "0"`},
		"an empty port":          {Options{Host: "x:"}, `the port ""`},
		"no host":                {Options{Host: "tcp://"}, "names no host"},
		"no pipe":                {Options{Host: "npipe://"}, "names no socket"},
		"no scheme, a password":  {Options{Host: "tcp:me:pass@x"}, `the Docker host "tcp:me@x" has no :// after tcp; write tcp://me@x`},
		"an open bracket":        {Options{Host: "tcp://[::1"}, "missing ']'"},
		"no brackets":            {Options{Host: "tcp://::1"}, "an IPv6 address in brackets"},
		"a blank":                {Options{Host: "tcp://x y"}, "is not valid: invalid character"},
		"a user":                 {Options{Host: "tcp://me:pass@x:1"}, `"tcp://me@x:1" has a user`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := Resolve(test.options)
			fails(t, err, test.says)
			if failure, _ := errors.AsType[*Error](err); strings.Contains(err.Error()+failure.Remedy, "pass@") {
				t.Errorf("error %v or its remedy %q shows a password", err, failure.Remedy)
			}
		})
	}
}

func TestResolveChecksCertificates(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"empty/x", "cert/ca.pem", "cert/cert.pem", "key/ca.pem", "key/key.pem", "client/cert.pem", "client/key.pem"} {
		write(t, filepath.Join(dir, name), "")
	}
	for name, test := range map[string]struct {
		path   string
		verify bool
		says   string
	}{
		"no directory":             {"nowhere", true, "the directory of DOCKER_CERT_PATH, " + dir},
		"no directory, unverified": {"nowhere", false, "correct DOCKER_CERT_PATH"},
		"a file":                   {"cert/ca.pem", true, "ca.pem is not a directory"},
		"nothing in it":            {"empty", false, "there is no ca.pem, cert.pem or key.pem in DOCKER_CERT_PATH " + filepath.Join(dir, "empty")},
		"no authority":             {"client", true, "there is no ca.pem in DOCKER_CERT_PATH"},
		"no key":                   {"cert", true, "no key.pem in " + filepath.Join(dir, "cert") + "; put the key of cert.pem beside it"},
		"no certificate":           {"key", false, "no cert.pem in " + filepath.Join(dir, "key") + "; put the certificate of key.pem beside it"},
	} {
		t.Run(name, func(t *testing.T) {
			o := Options{Host: "tcp://x:1", TLS: true, TLSVerify: test.verify, CertPath: filepath.Join(dir, test.path)}
			_, err := Resolve(o)
			fails(t, err, test.says)
			o.Host = "unix:///x"
			if _, err := Resolve(o); err != nil {
				t.Errorf("a socket: error %v", err)
			}
			o.Host, o.TLS, o.TLSVerify = "tcp://x:1", false, false
			if _, err := Resolve(o); err != nil {
				t.Errorf("without TLS: error %v", err)
			}
		})
	}
}
