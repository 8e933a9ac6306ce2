package endpoint

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/distribution/reference"
	"github.com/docker/docker/client"
)

// TestConfigurationOnlyStopsWhatNeedsIt has files as editors, shells and hands leave them. context is the host of the current
// context, or else what is wrong; credentials is the user for a registry, or else what is wrong.
func TestConfigurationOnlyStopsWhatNeedsIt(t *testing.T) {
	const (
		auth   = `"auths":{"x.io":{"auth":"bWU6cGFzcw=="}}`
		either = "config.json:1:1: "
	)
	for name, test := range map[string]struct{ content, context, credentials string }{
		"a byte order mark":  {"\ufeff{\"currentContext\":\"default\"," + auth + "}", client.DefaultDockerHost, "me"},
		"empty":              {"", client.DefaultDockerHost, ""},
		"auths is a number":  {`{"auths": 3, "currentContext": "default"}`, client.DefaultDockerHost, "config.json:1:11: auths must be an object, not a number [wrong-type]"},
		"auths is a list":    {`{"auths": [], "currentContext": "default"}`, client.DefaultDockerHost, "auths must be an object, not a list [wrong-type]"},
		"an entry is a list": {"{\n\t\"auths\": {\"x.io\": []}}", client.DefaultDockerHost, "config.json:2:20: auths must be an object, not a list"},
		"a store is a map":   {`{"credsStore": {}}`, client.DefaultDockerHost, "credsStore must be a string, not an object"},
		"other settings":     {`{"detachKeys": 3, "experimental": true, ` + auth + `}`, client.DefaultDockerHost, "me"},
		"context is a list":  {`{"currentContext": ["x"], ` + auth + `}`, "config.json:1:20: currentContext must be a string, not a list", "me"},
		"a list":             {"[]", either + "the file must be an object, not a list [wrong-type]", either + "the file must be"},
		"cut off":            {"{\"auths\":\n  {\"é\":", "config.json:2:7: the JSON ends too early [syntax]", "config.json:2:7: "},
		"no JSON":            {"{\n  auths: {}}", "config.json:2:3: not valid JSON: invalid character 'a'", "config.json:2:3: "},
		"UTF-16":             {"\xff\xfe{\x00}\x00", either + "the file is in UTF-16", either + "the file is in UTF-16"},
		"broken credentials": {`{"auths":{"x.io":{"auth":"x"}}}`, client.DefaultDockerHost, `get the credentials for registry "x.io" from `},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, filepath.Join(dir, "config.json"), test.content)
			at, err := Resolve(Options{ConfigDir: dir})
			if strings.Contains(test.context, "://") {
				if err != nil || at.Host != test.context {
					t.Errorf("host %q, error %v", at.Host, err)
				}
			} else {
				fails(t, err, test.context, "DOCKER_HOST")
			}
			for _, o := range []Options{{ConfigDir: dir, Host: "unix:///x"}, {ConfigDir: dir, DefaultHost: "unix:///x"}, {ConfigDir: dir, Context: "default"}} {
				if _, err := Resolve(o); err != nil {
					t.Errorf("%+v: error %v", o, err)
				}
			}
			all, err := Stores{ConfigDir: dir}.Credentials(named(t, "x.io/a"))
			if strings.Contains(test.credentials, " ") {
				fails(t, err, test.credentials, "docker login")
			} else if user := usersOf(all); err != nil || user != test.credentials {
				t.Errorf("user %q, error %v", user, err)
			}
		})
	}
}

func TestContextsOfOtherEditors(t *testing.T) {
	for content, says := range map[string]string{
		"\ufeff{\"Endpoints\":{\"docker\":{\"Host\":\"unix:///x\"}}}": "",
		`{"Endpoints":3}`: "meta.json:1:14: Endpoints must be an object, not a number",
		`{"Endpoints":`:   "meta.json:1:13: the JSON ends too early",
		"":                "names no Docker endpoint",
		`{"Endpoints":{"docker":{"Host":"unix:/x"}}}`: `the Docker context "secure": the Docker host "unix:/x" has no :// after unix`,
	} {
		dir := configDir(t)
		files, err := filepath.Glob(filepath.Join(dir, "contexts", "meta", "*", "meta.json"))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			write(t, file, content)
		}
		_, err = Resolve(Options{ConfigDir: dir, Context: "secure"})
		if says == "" && err != nil {
			t.Errorf("%q: error %v", content, err)
		} else if says != "" {
			fails(t, err, says)
		}
	}
}

func named(t *testing.T, image string) reference.Named {
	t.Helper()
	name, err := reference.ParseNormalizedNamed(image)
	if err != nil {
		t.Fatal(err)
	}
	return name
}
