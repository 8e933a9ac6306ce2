package command

import (
	"maps"
	"reflect"
	"slices"
	"strconv"
	"testing"

	"github.com/ktask/ktask/spec"
)

// TestEnvironmentBetweenFlagAndFile: each setting that has a variable takes the flag, then the variable, then the file.
func TestEnvironmentBetweenFlagAndFile(t *testing.T) {
	image := func(name string) func(settings) string {
		return func(s settings) string { return s.text(name, "default") }
	}
	engine := func(s settings) string {
		o, err := s.engineOptions(App{})
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range []string{o.Host, o.Context, o.DefaultHost, o.DefaultContext} { // the order of engine/docker
			if v != "" {
				return v
			}
		}
		return "default"
	}
	color := func(s settings) string { return strconv.FormatBool(s.color(true)) }
	tests := []struct {
		name  string
		flags map[string]string
		env   map[string]string
		file  map[string]string
		of    func(settings) string
		wants string
	}{
		{name: "no image", of: image("deno-image"), wants: "default"},
		{name: "FUNCTION_RUNNER_IMAGE", env: map[string]string{"FUNCTION_RUNNER_IMAGE": "env"}, file: map[string]string{"deno-image": "file"}, of: image("deno-image"), wants: "env"},
		{name: "--deno-image", flags: map[string]string{"deno-image": "flag"}, env: map[string]string{"FUNCTION_RUNNER_IMAGE": "env"}, file: map[string]string{"deno-image": "file"}, of: image("deno-image"), wants: "flag"},
		{name: "the file's deno image", file: map[string]string{"deno-image": "file"}, of: image("deno-image"), wants: "file"},
		{name: "PYTHON_RUNNER_IMAGE", env: map[string]string{"PYTHON_RUNNER_IMAGE": "env"}, file: map[string]string{"python-image": "file"}, of: image("python-image"), wants: "env"},
		{name: "--python-image", flags: map[string]string{"python-image": "flag"}, env: map[string]string{"PYTHON_RUNNER_IMAGE": "env"}, of: image("python-image"), wants: "flag"},

		{name: "no engine", of: engine, wants: "default"},
		{name: "--host over all", flags: map[string]string{"host": "flag", "docker-context": "flag context"}, env: map[string]string{"DOCKER_HOST": "env"}, file: map[string]string{"host": "file"}, of: engine, wants: "flag"},
		{name: "--docker-context over DOCKER_HOST", flags: map[string]string{"docker-context": "flag"}, env: map[string]string{"DOCKER_HOST": "env"}, file: map[string]string{"host": "file"}, of: engine, wants: "flag"},
		{name: "--docker-context over the file's host", flags: map[string]string{"docker-context": "flag"}, file: map[string]string{"host": "file"}, of: engine, wants: "flag"},
		{name: "DOCKER_HOST over DOCKER_CONTEXT", env: map[string]string{"DOCKER_HOST": "env", "DOCKER_CONTEXT": "env context"}, of: engine, wants: "env"},
		{name: "DOCKER_HOST over the file", env: map[string]string{"DOCKER_HOST": "env"}, file: map[string]string{"host": "file", "docker-context": "file context"}, of: engine, wants: "env"},
		{name: "DOCKER_CONTEXT over the file", env: map[string]string{"DOCKER_CONTEXT": "env"}, file: map[string]string{"host": "file", "docker-context": "file context"}, of: engine, wants: "env"},
		{name: "the file's host", file: map[string]string{"host": "file", "docker-context": "file context"}, of: engine, wants: "file"},
		{name: "the file's context", file: map[string]string{"docker-context": "file"}, of: engine, wants: "file"},
		{name: "an empty --host", flags: map[string]string{"host": ""}, file: map[string]string{"host": "file"}, of: engine, wants: "default"},

		{name: "color", of: color, wants: "true"},
		{name: "the file's no-color", file: map[string]string{"no-color": "true"}, of: color, wants: "false"},
		{name: "NO_COLOR over the file", env: map[string]string{"NO_COLOR": "0"}, file: map[string]string{"no-color": "false"}, of: color, wants: "false"},
		{name: "--no-color=false over NO_COLOR", flags: map[string]string{"no-color": "false"}, env: map[string]string{"NO_COLOR": "1"}, of: color, wants: "true"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			for _, name := range []string{"FUNCTION_RUNNER_IMAGE", "PYTHON_RUNNER_IMAGE", "DOCKER_HOST", "DOCKER_CONTEXT", "NO_COLOR", "TERM"} {
				t.Setenv(name, test.env[name])
			}
			if got := test.of(said(test.flags, test.file)); got != test.wants {
				t.Errorf("%s counts, want %s", got, test.wants)
			}
		})
	}
}

// said returns settings with one value each.
func said(flags, file map[string]string) settings {
	s := settings{flags: map[string][]string{}, file: map[string]spec.Setting{}}
	for name, text := range flags {
		s.flags[name] = []string{text}
	}
	for name, text := range file {
		s.file[name] = spec.Setting{Key: name, Values: []string{text}}
	}
	return s
}

// TestFlagBeforeFile: a typed flag of any command takes precedence over the file.
func TestFlagBeforeFile(t *testing.T) {
	app := App{}
	count := 0
	for _, c := range app.root().Commands {
		for _, f := range c.Flags {
			name := f.Names()[0]
			typed, written := "typed", "written"
			if kindOf(f) == noValue {
				typed, written = "false", "true"
			}
			s := said(map[string]string{name: typed}, map[string]string{name: written})
			count++
			if kindOf(f) == severalValues { // both count, and what is typed comes last, which wins
				if all := s.all(name); len(all) == 0 || all[len(all)-1].text != typed {
					t.Errorf("--%s: %v", name, all)
				}
				continue
			}
			if v, ok := s.one(name); !ok || v.text != typed || !v.typed {
				t.Errorf("--%s: the file's %q counts", name, v.text)
			}
		}
	}
	if count < 50 {
		t.Errorf("only %d flags were looked at", count)
	}
}

// TestFlagBeforeFileInOptions checks the same for the options of a run: a file changes all of them, but none whose flag is
// typed.
func TestFlagBeforeFileInOptions(t *testing.T) {
	t.Setenv("CI", "") // which switches --warm off
	typed := map[string]string{
		"stage": "pre", "app": "a", "workload": "w", "promotion": "false", "non-blocking": "false", "namespace": "one", "keptn-namespace": "two",
		"retries": "1", "timeout": "1s", "grace": "2s", "semantics": "local", "backoff-scale": "1", "lenient": "false", "deno-image": "d:1",
		"python-image": "p:1", "pids-limit": "1", "network": "none", "compose": "x", "platform": "linux/arm64", "engine": "docker", "host": "tcp://a", "docker-context": "a", "kubeconfig": "a", "kube-context": "a", "kube-namespace": "a",
		"parallel": "1", "warm": "1", "fail-fast": "false", "pull": "missing", "offline": "false", "keep": "never", "output": "plain", "junit": "a.xml", "html": "a.html",
		"report": "a.json", "timestamps": "false", "no-color": "false", "tracked": "false", "locked": "false", "quiet": "false", "watch": "false", "verbose": "false", "failed": "false", "log-dir": "a",
	}
	written := map[string]string{
		"stage": "post", "app": "b", "workload": "x", "promotion": "true", "non-blocking": "true", "namespace": "three", "keptn-namespace": "four",
		"retries": "3", "timeout": "3s", "grace": "4s", "semantics": "cluster", "backoff-scale": "2", "lenient": "true", "deno-image": "d:2",
		"python-image": "p:2", "pids-limit": "2", "network": "bridge", "compose": "y", "platform": "linux/amd64", "engine": "docker", "host": "tcp://b", "docker-context": "b", "kubeconfig": "b", "kube-context": "b", "kube-namespace": "b",
		"parallel": "2", "warm": "2", "fail-fast": "true", "pull": "never", "offline": "true", "keep": "always", "output": "json", "junit": "b.xml", "html": "b.html",
		"report": "b.json", "timestamps": "true", "no-color": "true", "tracked": "true", "locked": "true", "quiet": "true", "watch": "true", "verbose": "true", "failed": "true", "log-dir": "b",
	}
	for _, f := range (App{}).runCommand().Flags {
		if name := f.Names()[0]; kindOf(f) != severalValues && (typed[name] == "" || written[name] == "") {
			t.Errorf("--%s is missing in this test", name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(typed)) {
		alone := map[string]string{name: typed[name]}
		want := optionsOf(t, said(alone, nil))
		if got := optionsOf(t, said(alone, map[string]string{name: written[name]})); !reflect.DeepEqual(got, want) {
			t.Errorf("--%s: with a file it gives\n%+v, without\n%+v", name, got, want)
		}
		if got := optionsOf(t, said(nil, map[string]string{name: written[name]})); reflect.DeepEqual(got, want) && name != "engine" && name != "watch" && name != "failed" {
			t.Errorf("%s of the file counts for nothing", name)
		}
	}
}

func optionsOf(t *testing.T, s settings) []any {
	t.Helper()
	for _, name := range []string{"FUNCTION_RUNNER_IMAGE", "PYTHON_RUNNER_IMAGE", "DOCKER_HOST", "DOCKER_CONTEXT", "NO_COLOR", "TERM"} {
		t.Setenv(name, "")
	}
	run, err := s.runOptions(App{})
	if err != nil {
		t.Fatal(err)
	}
	task, err := s.taskOptions()
	if err != nil {
		t.Fatal(err)
	}
	run.EngineOptions.Notice = nil // functions are never equal
	return []any{run, task, s.color(true), s.yes("tracked"), s.yes("locked"), s.yes("verbose")}
}
