package endpoint

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// usersOf returns the users of credentials in their order.
func usersOf(all []Credential) string {
	var users []string
	for _, c := range all {
		users = append(users, c.Auth.Username+c.Auth.IdentityToken)
	}
	return strings.Join(users, " ")
}

// TestCredentialsOfTheRegistryAlone has entries and images whose names look alike: a manifest chooses the image, and must not
// choose where credentials go.
func TestCredentialsOfTheRegistryAlone(t *testing.T) {
	const auth = `{"auth":"bWU6cGFzcw=="}` // me:pass
	entry := func(key string) string { return fmt.Sprintf(`{"auths":{%q:%s}}`, key, auth) }
	const teams = `{"auths":{"x.io":{"username":"all","password":"p"},"x.io/a":{"username":"a","password":"p"},
		"x.io/b":{"username":"b","password":"p"},"https://x.io/b/c/":{"username":"bc","password":"p"}}}`
	programs := t.TempDir()
	// "pass" and "secretservice" are the platform's own, which nothing here names.
	for helper, user := range map[string]string{"own": "helped", "none": "", "pass": "platform", "secretservice": "platform", "osxkeychain": "platform"} {
		file := filepath.Join(programs, "docker-credential-"+helper)
		write(t, file, fmt.Sprintf("#!/bin/sh\necho '{\"Username\":%q,\"Secret\":%[1]q}'\n", user))
		if err := os.Chmod(file, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", programs+string(filepath.ListSeparator)+os.Getenv("PATH"))
	for _, test := range []struct{ variable, file, image, want string }{
		{entry("x.io"), "{}", "x.io/a", "me"},
		{entry("https://x.io/v2/"), "{}", "x.io/a", "me"},
		{entry("http://x.io"), "{}", "x.io/a", "me"},
		{entry("https://index.docker.io/v1/"), "{}", "busybox", "me"},
		{entry("docker.io"), "{}", "busybox", "me"},
		{entry("x.io:5000"), "{}", "x.io:5000/a", "me"},
		{`{"auths":{"x.io":{"identitytoken":"token"}}}`, "{}", "x.io/a", "token"},
		{`{"auths":{"x.io":{"username":"you","password":"p"}}}`, entry("x.io"), "x.io/a", "you me"},
		{entry("y.io"), entry("x.io"), "x.io/a", "me"},
		{`{"auths":{"https://x.io":{"username":"url","password":"p"},"x.io":{"username":"name","password":"p"}}}`, "{}", "x.io/a", "name"},
		{`{"credHelpers":{"x.io":"own"}}`, "{}", "x.io/a", "helped"},
		{`{"credsStore":"own"}`, "{}", "x.io/a", "helped"},
		{`{"credHelpers":{"y.io":"own"}}`, "{}", "x.io/a", ""},
		{`{"auths":{"x.io":{}},"credHelpers":{"x.io":"none"}}`, "{}", "x.io/a", ""},
		{"", entry("x.io"), "x.io/a", "me"},
		{"", "", "x.io/a", ""},
		{entry("x.io"), "{}", "x.io:5000/a", ""},
		{entry("x.io:5000"), "{}", "x.io/a", ""},
		{entry("x.io"), "{}", "x.io.evil.example/a", ""},
		{entry("x.io"), "{}", "evil.example/x.io/a", ""},
		{entry("x.io"), "{}", "sub.x.io/a", ""},
		{entry("https://x.io@evil.example"), "{}", "evil.example/a", ""},
		{entry("https://evil.example#x.io"), "{}", "x.io/a", ""},
		{entry("*"), "{}", "x.io/a", ""},
		{entry(""), "{}", "x.io/a", ""},
		{entry("x.io"), "{}", "busybox", ""},
		{entry("x.io"), "{}", "docker.io/x.io/a", ""},
		{teams, "{}", "x.io/b/a", "b all"},
		{teams, "{}", "x.io/b/c/d", "bc b all"},
		{teams, "{}", "x.io/b/c", "bc b all"},
		{teams, "{}", "x.io/bb/a", "all"},
		{teams, teams, "x.io/c", "all all"},
		{`{"auths":{"x.io/other":{"username":"other","password":"p"}}}`, "{}", "x.io/a", ""},
		{entry("x.io/v2"), "{}", "x.io/a", ""},
		{entry("https://x.io/v2"), "{}", "x.io/a", "me"},
		{entry("https://x.io/v2/b"), "{}", "x.io/b/a", "me"},
		{entry("index.docker.io/v1/"), "{}", "busybox", "me"},
		{entry("docker.io/library"), "{}", "busybox", "me"},
		{entry("docker.io/mine"), "{}", "busybox", ""},
	} {
		dir := t.TempDir()
		write(t, filepath.Join(dir, "config.json"), test.file)
		all, err := Stores{Variable: test.variable, ConfigDir: dir}.Credentials(named(t, test.image))
		if err != nil || usersOf(all) != test.want {
			t.Errorf("%s, %s: image %s gets %q, %v; want %q", test.variable, test.file, test.image, usersOf(all), err, test.want)
		}
		for _, c := range all {
			if text := fmt.Sprintf("%v %+v %#v", c, c, all); strings.Contains(text, "pass") || strings.Contains(text, "me:") {
				t.Errorf("a credential prints as %s", text)
			}
		}
	}
}

func TestBrokenVariable(t *testing.T) {
	for variable, says := range map[string]string{
		`{"auths":`:                          "DOCKER_AUTH_CONFIG:1:9: the JSON ends too early",
		"{\n \"auths\": [\"hunter2\"]}":      "DOCKER_AUTH_CONFIG:2:11: auths must be an object, not a list",
		`{"auths":{"x.io":{"auth":"%%%"}}}`:  `get the credentials for registry "x.io" from DOCKER_AUTH_CONFIG: decode auth: illegal base64`,
		`{"auths":{"x.io":{"auth":"Ym8="}}}`: "invalid auth: missing",
	} {
		_, err := Stores{Variable: variable}.Credentials(named(t, "x.io/a"))
		fails(t, err, says, "the variable DOCKER_AUTH_CONFIG")
	}
}

// TestHelpersThatFail holds that an error does not repeat what a credential helper printed.
func TestHelpersThatFail(t *testing.T) {
	for script, says := range map[string]string{
		"echo hunter2; echo hunter2 >&2; exit 3":  "the credential helper failed: exit status 3",
		"echo hunter2":                            "the credential helper prints something else than credentials in JSON",
		`echo '{"Username":"me","Secret":12345}'`: "the credential helper prints something else than credentials in JSON",
		`echo '"hunter2"'`:                        "the credential helper prints something else than credentials in JSON",
	} {
		dir := t.TempDir()
		for name, content := range map[string]string{
			"config.json":             `{"credsStore": "leaky"}`,
			"docker-credential-leaky": "#!/bin/sh\n" + script + "\n",
		} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o700); err != nil {
				t.Fatal(err)
			}
		}
		t.Setenv("PATH", dir+string(filepath.ListSeparator)+os.Getenv("PATH"))
		_, err := Stores{ConfigDir: dir}.Credentials(named(t, "x.io/a"))
		fails(t, err, says, "docker login")
		if strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), "12345") {
			t.Errorf("the error shows what the helper printed: %v", err)
		}
	}
}

// TestCredentialsAreNamed checks how a message names the place of a credential, and what it advises if the registry refuses it.
func TestCredentialsAreNamed(t *testing.T) {
	const auths = `{"auths":{"x.io":{"username":"a","password":"p"},"x.io/b":{"username":"b","password":"p"}}}`
	dir := t.TempDir()
	write(t, filepath.Join(dir, "config.json"), auths)
	all, err := Stores{Variable: auths, ConfigDir: dir}.Credentials(named(t, "x.io/b/c"))
	got := ""
	for _, c := range all {
		got += strings.ReplaceAll(fmt.Sprintf("%v: %s\n", c, c.Renewal("x.io")), dir, "DIR")
	}
	const want = "DOCKER_AUTH_CONFIG (x.io/b): renew the credentials for x.io/b in DOCKER_AUTH_CONFIG\n" +
		"DOCKER_AUTH_CONFIG: renew the credentials for x.io in the variable DOCKER_AUTH_CONFIG\n" +
		"DIR/config.json (x.io/b): renew the credentials for x.io/b in DIR/config.json\n" +
		"DIR/config.json: renew the credentials with `docker login x.io`\n"
	if err != nil || got != want {
		t.Errorf("error %v, got\n%s\nwant\n%s", err, got, want)
	}
}
