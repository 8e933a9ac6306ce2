package command_test

import (
	"encoding/json"
	"regexp"
	"testing"
)

func TestConfig(t *testing.T) {
	s := newShell(t, map[string]string{
		".git/x": "", "sub/x": "", "token": "from-a-file",
		".ktask.yaml": "paths: [tasks]\nsecret: {x: hunter2hunter2, v: '@token', z: '@hunter2'}\nparallel: 3\nparam: {a: b, c: hunter2hunter2}\noutput: plain\npython-image: of-file:1\n",
	})
	t.Setenv("PYTHON_RUNNER_IMAGE", "of-env:1")
	row := func(o outcome, name, value, from string) {
		t.Helper()
		if !regexp.MustCompile(`(?m)^` + name + ` +` + regexp.QuoteMeta(value) + ` +` + regexp.QuoteMeta(from) + `$`).MatchString(o.out) {
			t.Errorf("%s is not %q from %s:\n%s", name, value, from, o.out)
		}
	}
	t.Chdir("sub")
	o := s.ktask("config", "-p", "d=e", "-j", "2", "--secret", "w=hunter2hunter2").exits(0).hides("hunter2").says("/.ktask.yaml\n")
	row(o, "parallel", "2", "--parallel")
	row(o, "param", "a=b", "../.ktask.yaml:4")
	row(o, "param", "c=•••", "../.ktask.yaml:4")
	row(o, "param", "d=e", "--param")
	row(o, "paths", "../tasks", "../.ktask.yaml:1")
	row(o, "secret", "x=•••", "../.ktask.yaml:2")
	row(o, "secret", "v=@../token", "../.ktask.yaml:2")
	row(o, "secret", "z=•••", "../.ktask.yaml:2")
	row(o, "secret", "w=•••", "--secret")
	row(o, "python-image", "of-env:1", "PYTHON_RUNNER_IMAGE")
	row(o, "deno-image", "ghcr.io/keptn/deno-runtime:v3.0.1", "default")
	row(o, "output", "plain", "../.ktask.yaml:5")
	row(o, "timeout", "5m", "default")
	row(o, "fail-fast", "false", "default")

	var doc struct {
		Schema, File string
		Trusted      bool
		Settings     []struct{ Name, Value, Source, From string }
	}
	o = s.ktask("config", "-o", "json", "--fail-fast").exits(0).hides("hunter2")
	if err := json.Unmarshal([]byte(o.out), &doc); err != nil || doc.Schema != "ktask.dev/config/v1" || doc.File == "" || doc.Trusted || len(doc.Settings) < 40 {
		t.Fatalf("error %v, document:\n%s", err, o.out)
	}
	for _, setting := range doc.Settings {
		want := map[string][2]string{"fail-fast": {"flag", "--fail-fast"}, "python-image": {"env", "PYTHON_RUNNER_IMAGE"}, "parallel": {"file", "../.ktask.yaml:3"}, "grace": {"default", "default"}}[setting.Name]
		if want[0] != "" && (setting.Source != want[0] || setting.From != want[1]) {
			t.Errorf("%s: %+v", setting.Name, setting)
		}
	}
	s.ktask("config", "x").exits(2).says(`config takes no arguments, not "x"`)
}

// TestConfigOfEngines shows what names the engine, without the password in it, and what a file may not say.
func TestConfigOfEngines(t *testing.T) {
	s := newShell(t, map[string]string{".ktask.yaml": "host: tcp://me:hunter2@of-file:1\nparalel: 3\n"})
	s.ktask("config").exits(2).says(".ktask.yaml:1:1: error: host", `did you mean "parallel"?`, "tcp://me:xxxxx@of-file:1", ".ktask.yaml:1\n").hides("hunter2")
	s = newShell(t, map[string]string{".ktask.yaml": "docker-context: theirs\n"})
	t.Setenv("DOCKER_HOST", "tcp://me:hunter2@of-env:1")
	s.ktask("config").exits(0).says("tcp://me:xxxxx@of-env:1", "DOCKER_HOST\n").hides("hunter2", "theirs")
	s.ktask("config", "--host", "me:hunter2@h").exits(0).says("•••@h", "--host\n").hides("hunter2", "of-env")
}
