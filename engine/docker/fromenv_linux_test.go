package docker

import (
	"slices"
	"testing"
)

func TestFromEnv(t *testing.T) {
	for name, value := range map[string]string{
		"DOCKER_HOST": "tcp://x:1", "DOCKER_CONTEXT": "c", "DOCKER_CONFIG": "/d", "DOCKER_API_VERSION": "1.41", "DOCKER_TLS": "1", "DOCKER_TLS_VERIFY": "", "DOCKER_CERT_PATH": "/p",
	} {
		t.Setenv(name, value)
	}
	want := Options{DefaultHost: "tcp://x:1", DefaultContext: "c", ConfigDir: "/d", APIVersion: "1.41", TLS: true, CertPath: "/p"}
	if got := FromEnv(); got.Host != "" || got.DefaultHost != want.DefaultHost || got.DefaultContext != want.DefaultContext || got.ConfigDir != want.ConfigDir ||
		got.APIVersion != want.APIVersion || !got.TLS || got.TLSVerify || got.CertPath != want.CertPath {
		t.Errorf("got %+v", got)
	}
	t.Setenv("DOCKER_CONFIG", "")
	t.Setenv("HOME", "/home/x")
	t.Setenv("XDG_RUNTIME_DIR", "/run/x")
	if got := FromEnv().Usual; !slices.Contains(got, Socket{Host: "unix:///home/x/.rd/docker.sock", Of: "Rancher Desktop"}) || !slices.Contains(got, Socket{Host: "unix:///run/x/docker.sock", Of: "rootless Docker"}) {
		t.Errorf("the usual sockets are %v", got)
	}
	if got := FromEnv().ConfigDir; got != "/home/x/.docker" {
		t.Errorf("the configuration is in %q", got)
	}
}
