package endpoint

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestCredentialSources(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "docker-credential-s"), "")
	if err := os.Chmod(filepath.Join(dir, "docker-credential-s"), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir)
	const missing = "it is not in PATH: install it, or remove it from DIR/config.json"
	for config, want := range map[string]string{
		``:                          `[]`,
		`{"auths":{"a":{}}}`:        `[]`,
		`{"auths":{"a":{"auth":1}}`: `read the credentials: DIR/config.json:1:25: the JSON ends too early [syntax]`,
		`{"credsStore":"x"}`:        `[{docker-credential-x [] ` + missing + `}]`,
		`{"auths":{"b":{"auth":"x"},"a":{"identitytoken":"x"}}}`:                       `[{DIR/config.json [a b] }]`,
		`{"auths":{"a":{},"b":{"auth":"x"}},"credsStore":"s","credHelpers":{"b":"x"}}`: `[{docker-credential-s [a] } {docker-credential-x [b] ` + missing + `}]`,
	} {
		write(t, filepath.Join(dir, "config.json"), config)
		got, err := Stores{ConfigDir: dir}.Sources()
		text := fmt.Sprint(got)
		if err != nil {
			text = err.Error()
		}
		if text = strings.ReplaceAll(text, dir, "DIR"); text != want {
			t.Errorf("%s: got %s, want %s", config, text, want)
		}
	}
	write(t, filepath.Join(dir, "config.json"), `{"auths":{"a":{"auth":"x"}}}`)
	got, err := Stores{Variable: `{"auths":{"z":{"auth":"x"}},"credHelpers":{"y":"x"}}`, ConfigDir: dir}.Sources()
	want := "[{DOCKER_AUTH_CONFIG [z] } {docker-credential-x [y] it is not in PATH: install it, or remove it from DOCKER_AUTH_CONFIG} {DIR/config.json [a] }]"
	if text := strings.ReplaceAll(fmt.Sprint(got), dir, "DIR"); err != nil || text != want {
		t.Errorf("got %s, %v; want %s", text, err, want)
	}
}
