package command_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ktask/ktask/command"
	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/local"
)

// shell is a directory with files in which ktask is called, in this process and without an engine.
type shell struct {
	t     *testing.T
	stdin string
	// term and outTerm report whether stderr and stdout are terminals.
	term, outTerm bool
	// keyboard is the terminal of a user, or nil if there is none.
	keyboard *command.Keyboard
	// signals are those of the user.
	signals chan os.Signal
	// config is the user's directory of settings, and state that of what ktask remembers.
	config, state string
	// engine is the engine that there is, or nil if there is none.
	engine engine.Engine
}

func newShell(t *testing.T, files map[string]string) *shell {
	t.Helper()
	t.Chdir(t.TempDir())
	for name, text := range files {
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"FUNCTION_RUNNER_IMAGE", "PYTHON_RUNNER_IMAGE", "GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY", "GITHUB_WORKSPACE", "NO_COLOR", "DOCKER_HOST", "DOCKER_CONTEXT"} {
		t.Setenv(name, "")
	}
	return &shell{t: t, config: t.TempDir(), state: t.TempDir()}
}

type outcome struct {
	t           *testing.T
	code        int
	out, err    string
	engineAsked bool
	engine      local.EngineOptions
}

func (s *shell) ktask(args ...string) outcome {
	s.t.Helper()
	var out, err bytes.Buffer
	o := outcome{t: s.t}
	app := command.App{
		In: strings.NewReader(s.stdin), Out: &out, Err: &err, ErrTerminal: s.term, OutTerminal: s.outTerm, Version: "v0-test",
		Keyboard:  s.keyboard,
		ConfigDir: s.config, StateDir: s.state, Signals: func() <-chan os.Signal { return s.signals },
		NewEngine: func(options local.EngineOptions) (engine.Engine, error) {
			o.engineAsked, o.engine = true, options
			if s.engine != nil {
				return s.engine, nil
			}
			return nil, &engine.Error{Reason: engine.EngineUnavailable, Err: errors.New("no engine in this test"), Remedy: engine.Remedy{Text: "start one"}}
		},
	}
	o.code = command.Main(s.t.Context(), app, args)
	o.out, o.err = out.String(), err.String()
	return o
}

func (o outcome) exits(code int) outcome {
	o.t.Helper()
	if o.code != code {
		o.t.Fatalf("exit code %d, want %d\nstdout:\n%s\nstderr:\n%s", o.code, code, o.out, o.err)
	}
	return o
}

func (o outcome) says(texts ...string) outcome {
	o.t.Helper()
	for _, text := range texts {
		if !strings.Contains(o.out+o.err, text) {
			o.t.Errorf("does not say %q\nstdout:\n%s\nstderr:\n%s", text, o.out, o.err)
		}
	}
	return o
}

func (o outcome) hides(texts ...string) outcome {
	o.t.Helper()
	for _, text := range texts {
		if strings.Contains(o.out+o.err, text) {
			o.t.Errorf("says %q\nstdout:\n%s\nstderr:\n%s", text, o.out, o.err)
		}
	}
	return o
}

const (
	header = "apiVersion: lifecycle.keptn.sh/v1\nkind: KeptnTaskDefinition\n"
	hello  = header + "metadata: {name: hello, labels: {team: a}}\nspec:\n  python:\n    inline: {code: print(1)}\n    parameters: {map: {name: Keptn}}\n"
	secret = header + "metadata: {name: secret}\nspec:\n  python:\n    inline: {code: print(1)}\n    secureParameters: {secret: token}\n"
	caller = header + "metadata: {name: caller}\nspec:\n  python: {functionRef: {name: hello}}\n"
)

func TestUsage(t *testing.T) {
	s := newShell(t, map[string]string{"a.yaml": hello})
	s.ktask().exits(0).says("run tasks", "plan", "validate")
	for _, help := range [][]string{{"help"}, {"help", "plan"}, {"--help"}, {"-h"}, {"plan", "--help"}} {
		s.ktask(help...).exits(0).says("Usage: ktask")
	}
	s.ktask("help", "plan").says("--explain")
	s.ktask("help", "nosuch").exits(2).says(`unknown command or topic "nosuch"`)
	for _, version := range []string{"version", "--version", "-v"} {
		s.ktask(version).exits(0).says("ktask v0-test")
	}
	s.ktask("a.yaml").exits(2).says("ktask run a.yaml")
	s.ktask("--lenient", "a.yaml").exits(2).says("flag --lenient")
	s.ktask("rnu", "a.yaml").exits(2).says(`unknown command "rnu"`, `did you mean "run"?`)
	s.ktask("run").exits(2).says("name a manifest, a directory or - for standard input")
	s.ktask("run", "nowhere.yaml").exits(2).says("nowhere.yaml", "no such file")
	s.ktask("version").exits(0).says("ktask v0-test")
	s.ktask("run", "--help").exits(0).says("--fail-fast", "Exit codes")
	for _, bad := range [][]string{
		{"--retries", "-1"}, {"--timeout", "5"}, {"--semantics", "moon"}, {"--backoff-scale", "x"}, {"--pull", "perhaps"}, {"--keep", "me"},
		{"-j", "0"}, {"-o", "xml"}, {"-p", "novalue"}, {"--secret", "novalue"}, {"--mount", "relative"}, {"--engine", "podman"}, {"--grace", "-1s"},
	} {
		o := s.ktask(append([]string{"run", "a.yaml"}, bad...)...).exits(2)
		if o.engineAsked {
			t.Errorf("%v: the engine was asked before the flags were right", bad)
		}
	}
}

// TestFlagsMayFollowArguments: what kubectl and docker users type.
func TestFlagsMayFollowArguments(t *testing.T) {
	s := newShell(t, map[string]string{"a.yaml": hello, "-odd.yaml": hello})
	s.ktask("plan", "a.yaml", "-p", "name=x,y", "--explain").exits(0).says(`{"name":"x,y"}`, "flag --param")
	s.ktask("plan", "a.yaml", "--param=name=z", "-ojson").exits(0).says(`{\"name\":\"z\"}`)
	s.ktask("plan", "--", "-odd.yaml").exits(0).says("python hello")
}

func TestRunReachesTheEngine(t *testing.T) {
	s := newShell(t, map[string]string{"a.yaml": hello})
	if o := s.ktask("run", "a.yaml").exits(3).says("no engine in this test", "fix: start one"); !o.engineAsked {
		t.Error("the engine was not asked")
	}
}

func TestNothingRunsWithABrokenManifest(t *testing.T) {
	s := newShell(t, map[string]string{"a.yaml": hello, "b.yaml": header + "metadata: {name: b}\nspec: {python: {inlineRef: {code: x}}}\n"})
	if o := s.ktask("run", "a.yaml", "b.yaml").exits(2).says(`b.yaml:4:17: error: unknown field "spec.python.inlineRef" (did you mean "inline"?) [unknown-field]`); o.engineAsked {
		t.Error("the engine was asked although a manifest is broken")
	}
}

func TestSelection(t *testing.T) {
	s := newShell(t, map[string]string{"d/a.yaml": hello, "d/sub/b.yml": caller, "d/.hidden/c.yaml": "{", "d/note.txt": "x", "d/values.yaml": "replicas: 3\n"})
	s.ktask("plan", "d").exits(0).says("python caller", "left out", "hello: called by caller").hides("python hello")
	s.ktask("plan", "d", "-t", "hello").exits(0).says("python hello").hides("python caller")
	s.ktask("plan", "d", "-l", "team=a,team==a", "-t", "hello").exits(0).says("python hello")
	s.ktask("plan", "d", "-l", "team=a,env=prod").exits(2).says("its labels do not match")
	s.ktask("plan", "d", "-l", "team=a", "-t", "hello", "-t", "caller").exits(0).says("python hello", "its labels do not match").hides("python caller")
	s.ktask("plan", "d", "-t", "helo").exits(2).says(`"helo"`, `did you mean "hello"?`)
	s.ktask("plan", "d", "-t", "hel*,default/caller").exits(0).says("python hello", "python caller")
	s.ktask("plan", "d", "d/a.yaml").exits(0).hides("twice")
	s.ktask("plan", "d/note.txt").exits(2).says("manifest")
	s.ktask("list", "d").exits(0).says("python → hello", "d/a.yaml:1")
	s.ktask("list", "d", "-t", "nobody").exits(2).says("[no-such-task]").hides("KIND")
	s.ktask("list", "d", "-t", "nobody", "-o", "json").exits(2).says(`"tasks": []`)
}

func TestValidateSaysWhatItChecked(t *testing.T) {
	const (
		meta       = "metadata: {name: x}\n"
		context    = "---\napiVersion: lifecycle.keptn.sh/v1\nkind: KeptnAppContext\n" + meta + "spec: {}\n"
		deployment = "---\napiVersion: apps/v1\nkind: Deployment\n" + meta + "spec:\n  template:\n    metadata: {labels: {keptn.sh/workload: w}}\n    spec: {containers: [{name: c, image: i:1}]}\n"
	)
	s := newShell(t, map[string]string{
		"a/1.yaml": hello, "a/2.yaml": caller + context, "one.yaml": hello, "secret.yaml": secret, "bad.yaml": header, "empty.yaml": "", "none/x.txt": "",
		"task.yaml":        hello + "---\napiVersion: lifecycle.keptn.sh/v1\nkind: KeptnTask\n" + meta + "spec: {taskDefinition: hello}\n",
		"web.yaml":         hello + deployment,
		"plain.yaml":       strings.Replace(deployment, "keptn.sh/workload", "app", 1),
		"other.yaml":       "apiVersion: v1\nkind: Service\n" + meta + "---\napiVersion: v1\nkind: Secret\n" + meta,
		"vals/values.json": "{}",
		"named.yaml":       strings.Replace(deployment, "keptn.sh/workload", "app.kubernetes.io/name", 1),
		"ignored.yaml":     strings.Repeat("---\napiVersion: lifecycle.keptn.sh/v1\nkind: KeptnEvaluation\n"+meta, 2),
	})
	t.Setenv("NO_COLOR", "1")
	for path, says := range map[string]string{
		"empty.yaml": "note: found no object of Keptn and 0 other objects in empty.yaml (name the files of your tasks and apps) [nothing-to-check]\n",
		"other.yaml": "and 2 other objects in", "plain.yaml": "and 1 other object in", "vals": "[nothing-to-check]",
	} {
		s.ktask("validate", path).exits(0).says(says)
		s.ktask("validate", "-o", "json", path).exits(0).says(`"rule": "nothing-to-check"`)
	}
	for _, path := range []string{"named.yaml", "ignored.yaml"} {
		s.ktask("validate", path).exits(0).hides("nothing-to-check")
	}
	s.ktask("validate", "-").exits(0).says("other objects in <stdin> (")
	s.ktask("validate", "none").exits(2).says("holds no .yaml")
	for _, path := range []string{"one.yaml", "task.yaml"} {
		if o := s.ktask("validate", path).exits(0); o.out+o.err != "" {
			t.Errorf("validate %s says %s%s", path, o.out, o.err)
		}
	}
	s.term = true
	for path, says := range map[string]string{
		"a": "2 files, 2 tasks, 1 app: 1 warning\n", "one.yaml": "1 file, 1 task: no problems\n", "secret.yaml": "1 file, 1 task: 1 warning\n",
		"task.yaml": "1 file, 1 task definition, 1 task: no problems\n", "web.yaml": "1 file, 1 task, 1 workload: no problems\n",
		"named.yaml": "1 file, 1 workload: no problems\n", "ignored.yaml": "1 file, 2 other objects of Keptn: no problems\n",
	} {
		if o := s.ktask("validate", path).exits(0); !strings.HasSuffix(o.err, says) {
			t.Errorf("validate %s says %q, want %q", path, o.err, says)
		}
	}
	s.ktask("validate", "empty.yaml").exits(0).hides("no problems")
	s.ktask("validate", "bad.yaml").exits(2).hides("1 file")
	s.ktask("validate", "-o", "json", "a").exits(0).hides("2 files")
}

// TestChartBesideTasks checks that templates of a chart in a directory do not stop the tasks beside them, except templates of Keptn's
// objects.
func TestChartBesideTasks(t *testing.T) {
	const template = "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: a\n{{- if .Values.b }}\n  {{- toYaml .Values.c }}\n{{- end }}\n"
	s := newShell(t, map[string]string{"d/a.yaml": hello, "d/chart/templates/b.yaml": template})
	s.ktask("plan", "d").exits(0).says("python hello", "d/chart/templates/b.yaml:5:1: warning: this document is passed over: ", "helm template CHART | ktask plan -")
	s.ktask("validate", "d").exits(0).says("b.yaml:5:1: warning: this document is passed over")
	s = newShell(t, map[string]string{"d/a.yaml": hello, "d/chart/templates/b.yaml": header + template[strings.Index(template, "metadata"):]})
	s.ktask("plan", "d").exits(2).says("d/chart/templates/b.yaml:5:1: error: ", "helm template CHART | ktask plan -")
}

// TestNothingToRun checks that a stage without tasks passes, without an engine, and that a name that nothing has is an error.
func TestNothingToRun(t *testing.T) {
	const web = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, annotations: {keptn.sh/workload: web, keptn.sh/app: shop, keptn.sh/version: '1', keptn.sh/pre-deployment-tasks: hello}}\n"
	s := newShell(t, map[string]string{"a.yaml": hello, "w.yaml": web})
	const nothing = "nothing to run: no tasks at workload-post shop-web, app-post shop (a stage without tasks passes)"
	if o := s.ktask("run", "--stage", "post", "--app", "shop", "--report", "r.json", "a.yaml", "w.yaml").exits(0).says(nothing).hides("STATUS"); o.engineAsked {
		t.Error("the engine was asked")
	}
	s.ktask("run", "w.yaml").exits(2).says("there is no KeptnTask and no KeptnTaskDefinition in w.yaml (1 app: give --app shop or --stage pre)")
	s.stdin = "apiVersion: v1\nkind: Service\nmetadata: {name: x}\n"
	s.ktask("plan", "-").exits(2).says("no KeptnTaskDefinition in <stdin> (1 other object)")
	if report, err := os.ReadFile("r.json"); err != nil || !strings.Contains(string(report), `"status":"passed"`) || !strings.Contains(string(report), `"name":"workload-post"`) {
		t.Errorf("report: %v %s", err, report)
	}
	s.ktask("run", "--stage", "post", "a.yaml", "w.yaml").exits(0).says(nothing)
	s.ktask("run", "--stage", "post", "-o", "quiet", "a.yaml", "w.yaml").exits(0).hides("nothing")
	s.ktask("plan", "--workload", "web", "--stage", "post", "a.yaml", "w.yaml").exits(0).says("no tasks at workload-post shop-web (")
	s.ktask("run", "--app", "shoop", "a.yaml", "w.yaml").exits(2).says(`there is no app "shoop"`, `did you mean "shop"?`)
	s.ktask("run", "--workload", "wbe", "a.yaml", "w.yaml").exits(2).says(`there is no workload "wbe"`)
	s.ktask("run", "--stage", "pre", "-t", "other", "a.yaml", "w.yaml").exits(2).says(`no selected stage has a task "other"`)
	s.ktask("run", "--stage", "pre", "-l", "team=b", "a.yaml", "w.yaml").exits(2).says("nothing to run: left out: shop-web/pre/hello (its labels do not match")
	s.ktask("run", "w.yaml").exits(2).says("there is no KeptnTask and no KeptnTaskDefinition in w.yaml (1 app: ")
}

func TestStandardInput(t *testing.T) {
	s := newShell(t, nil)
	s.stdin = hello
	s.ktask("plan", "-").exits(0).says("<stdin>:1")
	s.stdin = "kind: Service\napiVersion: v1\nmetadata: {name: x}\n"
	s.ktask("plan", "-").exits(2).says("nothing to run", "1 other object")
	s.stdin = ""
	s.ktask("plan", "-").exits(2).says("nothing to run")
}

func TestConfigurationFile(t *testing.T) {
	files := map[string]string{"tasks/a.yaml": hello, ".ktask.yaml": "paths: [tasks]\npython-image: from-file:1\nparam: {name: file, other: file}\n"}
	s := newShell(t, files)
	s.ktask("plan", "--explain").exits(0).says("from-file:1", ".ktask.yaml:2 python-image", `{"name":"file","other":"file"}`)
	t.Setenv("PYTHON_RUNNER_IMAGE", "from-env:1")
	s.ktask("plan", "--explain").exits(0).says("from-env:1", "env PYTHON_RUNNER_IMAGE").hides("from-file")
	s.ktask("plan", "--explain", "--python-image", "from-flag:1", "-p", "name=flag").exits(0).
		says("from-flag:1", "flag --python-image", `{"name":"flag","other":"file"}`).hides("from-env", "from-file")
	s = newShell(t, map[string]string{"a.yaml": hello, ".ktask.yaml": "pyton-image: x\n"})
	s.ktask("plan", "a.yaml").exits(2).says(".ktask.yaml", "pyton-image", `did you mean "python-image"?`)
}

func TestSecretsOnTheCommandLine(t *testing.T) {
	const value = "s3cr3t-value"
	s := newShell(t, map[string]string{
		"a.yaml": secret, "value": value, "lines": "# a comment\ntoken=" + value + "\n",
		"secret.yaml": "apiVersion: v1\nkind: Secret\nmetadata: {name: token}\nstringData: {SECURE_DATA: " + value + "}\n",
		"broken.yaml": "apiVersion: v1\nkind: Secret\nmetadata: {name: token}\ndata: {SECURE_DATA: " + value + "!}\nstringData: {OTHER: 12345678}\n",
	})
	t.Setenv("TOKEN_VALUE", value)
	for _, args := range [][]string{
		{"--secret", "token=" + value}, {"--secret", "token/SECURE_DATA=" + value}, {"--secret", "token=@value"}, {"--secret", "token=env:TOKEN_VALUE"},
		{"--secret-file", "lines"}, {"--secret-file", "secret.yaml"}, {"secret.yaml"},
	} {
		for _, form := range []string{"text", "json", "yaml"} {
			s.ktask(append([]string{"plan", "a.yaml", "-o", form}, args...)...).exits(0).says("•••").hides(value)
		}
	}
	for _, form := range []string{"text", "json", "yaml"} { // also where it stands in clear text once more
		s.ktask("plan", "a.yaml", "-o", form, "--explain", "--secret", `token=a"b\c-secret`, "-e", `COPY=x a"b\c-secret`, "-p", `p=a"b\c-secret`).exits(0).
			says("•••").hides("c-secret")
	}
	// A secret that is a word of the plan's own, or that begins after an escape, does not change the document.
	const words = `{"a": "default", "b": "python", "c": "none", "d": "secret", "e": "container"}`
	o := s.ktask("plan", "a.yaml", "-o", "json", "--secret", "token="+words, "-e", "COPY=two\none python").exits(0)
	if !json.Valid([]byte(o.out)) {
		t.Errorf("this is not JSON:\n%s", o.out)
	}
	o.says(`"namespace": "default"`, `"runtime": "python"`, `"container": {`, `"name": "secret"`, `two\none •••`)
	s.ktask("plan", "a.yaml").exits(2).says(`key "SECURE_DATA" of Secret "token", which is not among the manifests`, "--secret token=VALUE")
	s.ktask("plan", "a.yaml", "--secret", "token/OTHER="+value).exits(2).hides(value)
	s.ktask("plan", "a.yaml", "--secret", value).exits(2).says("NAME[/KEY]=VALUE").hides(value)
	s.ktask("plan", "a.yaml", "--secret", "token=env:NOT_SET").exits(2).says("the variable after env: is not set").hides("NOT_SET")
	s.ktask("plan", "a.yaml", "--secret", "token=@dm1nPassw0rd").exits(2).says("no such file", "begins with @").hides("dm1nPassw0rd")
	s.term = true // where the line of a problem is shown, unless it may hold a secret
	s.ktask("validate", "broken.yaml").exits(0).says("broken.yaml:4", "base64").hides(value, "12345678")
	s.ktask("validate", "a.yaml", "broken.yaml").exits(2).says("broken.yaml:4", "base64", "stringData.OTHER").hides(value, "12345678")
	s.ktask("plan", "a.yaml", "--secret-file", "broken.yaml").exits(2).says("broken.yaml:4", "base64", "stringData.OTHER").hides(value, "12345678")
}

func TestValidateForms(t *testing.T) {
	s := newShell(t, map[string]string{"a.yaml": header + "metadata: {name: b}\nspec: {python: {inlineRef: {code: x}}}\n", "ok.yaml": hello, "secret.yaml": secret})
	s.ktask("validate", "ok.yaml").exits(0)
	s.ktask("validate", "secret.yaml").exits(0).says("warning", "which is not among the manifests")
	s.ktask("validate", "a.yaml", "-o", "json").exits(2).says(`"schema": "ktask.dev/problems/v1"`, `"line": 4`, `"column": 17`, `"object": "KeptnTaskDefinition \"b\""`, `"rule": "unknown-field"`)
	s.ktask("validate", "a.yaml", "-o", "github").exits(2).says("::error file=a.yaml,line=4,col=17,title=unknown-field::KeptnTaskDefinition \"b\": unknown field")
	s.ktask("validate", "a.yaml", "-o", "sarif").exits(2).says(`"version": "2.1.0"`, `"text": "KeptnTaskDefinition \"b\": unknown field`, `"startLine": 4`, `"ruleId": "unknown-field"`)
	s.ktask("validate", "a.yaml", "-o", "html").exits(2).says("--output takes")
	s.term = true
	s.ktask("validate", "a.yaml", "--lenient").exits(2).says("warning:", "               ^")
}

// TestNotesOfARun: a run prints notes, but counts those on fields that have no effect.
func TestNotesOfARun(t *testing.T) {
	s := newShell(t, map[string]string{"a.yaml": header + `metadata: {name: a}
spec:
  ttlSecondsAfterFinished: 5
  deno: {inline: {code: x}, parameters: {map: {name: a}}}
`})
	s.ktask("run", "a.yaml", "-p", "nmae=x").exits(3).
		says(`note: flag --param: no manifest sets parameter "nmae" (did you mean "name"?) [new-name]`, "fields that have no effect here: 1").hides("ttlSeconds")
}

// TestValidateTellsOnce: a reference without a name or key is one problem, and not also that nothing has that name.
func TestValidateTellsOnce(t *testing.T) {
	s := newShell(t, map[string]string{"a.yaml": header + `metadata: {name: a}
spec:
  container:
    name: c
    image: busybox:1.36
    env:
    - {name: A, valueFrom: {secretKeyRef: {name: s}}}
    - {name: B, valueFrom: {configMapKeyRef: {key: k}}}
`})
	o := s.ktask("validate", "a.yaml").exits(2).says("secretKeyRef.key is required", "configMapKeyRef.name is required")
	if lines := strings.Count(o.err, "a.yaml:"); lines != 2 {
		t.Errorf("%d problems:\n%s", lines, o.err)
	}
}

// TestFlagsThatMakeNoSense: each is one line that says what the flag takes.
func TestFlagsThatMakeNoSense(t *testing.T) {
	s := newShell(t, map[string]string{"a.yaml": hello})
	for _, test := range [][]string{
		{"flag needs an argument", "--report"},
		{"flag needs an argument", "-t"},
		{"--pids-limit takes", "--pids-limit", "5000000"},
		{"--pids-limit takes", "--pids-limit", "0"},
		{"--selector takes", "-l", "a!=b"},
		{"--selector takes", "-l", "a=b,c"},
		{"--platform takes", "--platform", "arm64"},
		{"--platform takes", "--platform", "linux/"},
		{"--image takes", "--image", "busybox="},
		{"exclude each other", "--offline", "--pull", "always"},
		{"--env takes K=V", "-e", "BAD NAME=1"},
		{"--env, number 1: expected KEY=VALUE", "-e", "=1"},
		{"--image takes FROM=TO", "--image", "busybox=Bad:Img:x"},
		{"--deno-image takes the name of an image", "--deno-image", "Bad Image"},
		{"not the name of a Secret", "--secret", "Slack_Token=x"},
		{"not the key of a Secret", "--secret", "slack/a/b=x"},
		{"--namespace takes the name of a namespace", "-n", "My_NS"},
		{"--keptn-namespace takes the name of a namespace", "--keptn-namespace", "a.b"},
		{"name the same file", "--report", "same", "--junit", "same"},
		{"--junit and --html name the same file", "--html", "same", "--junit", "same"},
		{"a.yaml is read by this run", "--html", "a.yaml"},
		{"--html takes the name of a file", "--html", "-"},
		{"a.yaml is read by this run", "--report", "./a.yaml"},
		{"a.yaml is read by this run", "--junit", "a.yaml"},
		{"--report takes the name of a file", "--report", "-"},
		{"ktask plan shows what run would do", "--dry-run"},
		{"a manifest is an argument: ktask run task.yaml", "-f", "a.yaml"},
		{"--mount SRC:DST", "-v", "/a:/b"},
		{"--env K=V", "--env-file", "x"},
		{"unknown flag --retires (did you mean \"--retries\"?)", "--retires", "3"},
	} {
		s.ktask(append([]string{"run", "a.yaml"}, test[1:]...)...).exits(2).says(test[0]).hides("goroutine")
	}
	s.ktask("plan", "a.yaml", "-e", "TOKEN:hunter2").exits(2).says("--env, number 1: expected KEY=VALUE").hides("hunter2")
	for _, name := range []string{"--", "same"} {
		if _, err := os.Stat(name); err == nil {
			t.Errorf("a file named %s was made", name)
		}
	}
}

// TestReportsWithoutARun: where nothing runs, the reports of the run before stay, and no empty ones are made.
func TestReportsWithoutARun(t *testing.T) {
	s := newShell(t, map[string]string{"a.yaml": hello, "old.json": "old"})
	s.ktask("run", "a.yaml", "--report", "old.json", "--junit", "new.xml", "--html", "new.html").exits(3)
	if text, err := os.ReadFile("old.json"); err != nil || string(text) != "old" {
		t.Errorf("the old report is %q, %v", text, err)
	}
	for _, name := range []string{"new.xml", "new.html"} {
		if _, err := os.Stat(name); err == nil {
			t.Errorf("%s was made, which is empty", name)
		}
	}
}

// TestTwoFormsOfAFlag holds that the long and the short form of a flag, used together, are one flag.
func TestTwoFormsOfAFlag(t *testing.T) {
	s := newShell(t, map[string]string{"a.yaml": hello})
	s.ktask("plan", "a.yaml", "-e", "A=1", "--env", "B=2", "-e=C=3", "-p", "a=1", "--param", "b=2", "-o", "json").exits(0).
		says(`"A"`, `"B"`, `"C"`, `{\"a\":\"1\",\"b\":\"2\"`)
}

// TestFilesOfFlags: what is wrong in them is told as in manifests, all of it and together with what is wrong there.
func TestFilesOfFlags(t *testing.T) {
	s := newShell(t, map[string]string{
		"a.yaml": header + "metadata: {name: b}\nspec: {python: {inlineRef: {code: x}}}\n", "ok.yaml": hello,
		"c.yaml":      header + "metadata: {name: c}\nspec: {deno: {functionRef: {name: nope}}, bogus: 1}\n",
		"params.yaml": "name: x\nport: 8080\nlist: [a]\nname: y\n", "two.yaml": "a: b\n---\nc: d\n", "list.yaml": "- a\n",
		"params.json": `{"name": "json", "other": null}`, "empty.yaml": "# nothing\n",
		"lines": "token=12345678\nnovalue\n/KEY=12345678\n", "kind": "token=kind:12345678\n", "words": "metadata: 12345678\n",
	})
	s.term = true // where the line of a problem is shown, unless it may hold a secret
	t.Setenv("NO_COLOR", "1")
	s.ktask("plan", "a.yaml", "--params-file", "params.yaml", "--params-file", "two.yaml", "--params-file", "list.yaml").exits(2).says(
		`a.yaml:4:17: error: unknown field`,
		`params.yaml:2:7: error: port must be a string, not a number (write "8080") [wrong-type]`, "    port: 8080\n          ^",
		"params.yaml:3:7: error: list must be a string, not a list (parameters have one level; a string may hold JSON)",
		`params.yaml:4:1: error: key "name" is given twice; the first is on line 1`,
		"two.yaml:3:1: error: the file has a second document (put all into one)",
		"list.yaml:1:1: error: the file must be an object, not a list",
	)
	s.ktask("plan", "ok.yaml", "--params-file", "empty.yaml", "--params-file", "params.json", "--explain").exits(0).
		says(`{"name":"json"}`, "flag --params-file params.json:1")
	s.ktask("plan", "c.yaml").exits(2).says(`calls KeptnTaskDefinition "nope"`, `unknown field "spec.bogus"`)
	s.ktask("plan", "ok.yaml", "--params-file", "none.yaml").exits(2).says("none.yaml", "no such file")
	s.ktask("plan", "a.yaml", "--secret-file", "lines").exits(2).says(
		"a.yaml:4:17", "lines:2:1: error: expected NAME[/KEY]=VALUE", "lines:3:1: error").hides("12345678", "novalue")
	s.ktask("plan", "ok.yaml", "--secret-file", "kind").exits(0).hides("12345678")
	s.ktask("plan", "ok.yaml", "--secret-file", "words").exits(2).says("words:1:1: error").hides("12345678")
	s.ktask("plan", "ok.yaml", "--secret-file", "ok.yaml").exits(2).says("ok.yaml: error: the file holds no Secret")
}

// TestSecretFileIsLiteral: a value is what follows the equals sign, and a warning says so if other tools may read it otherwise.
func TestSecretFileIsLiteral(t *testing.T) {
	s := newShell(t, map[string]string{
		"a.yaml": secret,
		"lines":  "token=\"12345678\"\ntoken/b='12345678'\r\ntoken/c= 12345678\ntoken/d=12345678 \ntoken/e=\"\ntoken/f=say \"12345678\"\ntoken/g=\"a\" b\n",
	})
	s.term = true // where the line of a problem is shown, unless it may hold a secret
	t.Setenv("NO_COLOR", "1")
	o := s.ktask("plan", "a.yaml", "--secret-file", "lines").exits(0).says(
		"lines:1:1: warning: the value of secret token/SECURE_DATA is in double quotes, which are part of it (remove what does not belong to the secret) [literal-secret]\n",
		"lines:2:1: warning: the value of secret token/b is in single quotes, which are part of it",
		"lines:3:1: warning: the value of secret token/c begins or ends with a blank, which is part of it", "lines:4:1: warning: the value of secret token/d begins",
	).hides("12345678", "12345", "token/f", "token/g")
	if !strings.Contains(o.out, "SECURE_DATA") {
		t.Errorf("the plan has no secret:\n%s", o.out)
	}
}

// TestConfigurationFileIsExact: numbers are what they are, and a value that would be another one is none.
func TestConfigurationFileIsExact(t *testing.T) {
	s := newShell(t, map[string]string{"a.yaml": hello, ".ktask.yaml": "pids-limit: 3000000\nretries: 2\nlenient: yes\nparam: {id: \"12345678\"}\ntask: [hello]\ntimeout:\n"})
	s.ktask("trust").exits(0).says(`.ktask.yaml:1:1: pids-limit "3000000"`)
	s.ktask("plan", "a.yaml", "-o", "json").exits(0).says(`"pids": 3000000`, `"retries": 2`, `\"id\":\"12345678\"`)
	s = newShell(t, map[string]string{"a.yaml": hello, ".ktask.yaml": "secret: {token: 12345678}\nretires: 3\nparam: [{a: b}]\n"})
	s.term = true // where the line of a problem is shown, unless it may hold a secret
	t.Setenv("NO_COLOR", "1")
	s.ktask("plan", "a.yaml").exits(2).says(
		".ktask.yaml:1:17: error: secret.token must be a string, not a number (write it in quotes)",
		`.ktask.yaml:2:1: error: unknown key "retires" (did you mean "retries"?)`,
		".ktask.yaml:3:9: error: param[0] must be a scalar, not an object",
	).hides("12345678")
	s = newShell(t, map[string]string{"a.yaml": hello, ".ktask.yaml": "lenient: maybe\nretries: [1, 2]\n"})
	s.ktask("plan", "a.yaml").exits(2).says(".ktask.yaml:1:1: error: lenient is true or false", ".ktask.yaml:2:1: error: retries takes one value")
	for text, says := range map[string]string{
		"a: b\nretries: x": `unknown key "a"`, "\nretries: x": ".ktask.yaml:2:1: retries takes a number", "semantics: cluter": "semantics takes local or cluster",
		"timeout: 5": "a duration, which has a unit, like 5s", "secret: hunter2": ".ktask.yaml:1:1: secret, number 1: expected NAME", "keep: me": "never, failed or always",
		"output: html": "output takes",
	} {
		s = newShell(t, map[string]string{"a.yaml": hello, ".ktask.yaml": text + "\n"})
		s.ktask("run", "a.yaml").exits(2).says(says).hides("--help", "hunter2")
	}
	s = newShell(t, map[string]string{"a.yaml": hello, ".ktask.yaml": "output: live\n"}) // which is run's
	s.ktask("validate", "a.yaml").exits(0)
	s.ktask("plan", "a.yaml").exits(0)
	s = newShell(t, map[string]string{"a.yaml": hello, ".ktask.yaml": "secret: {token: *12345678}\n"})
	s.ktask("plan", "a.yaml").exits(2).says(".ktask.yaml:1").hides("12345678")
}

// TestSecretFileOfNamespaces: a Secret that names its namespace is for the tasks there.
func TestSecretFileOfNamespaces(t *testing.T) {
	task := func(ns string) string {
		return header + "metadata: {name: t-" + ns + ", namespace: " + ns + "}\nspec: {python: {inline: {code: x}, secureParameters: {secret: s}}}\n---\n"
	}
	of := func(ns string) string {
		return "apiVersion: v1\nkind: Secret\nmetadata: {name: s" + ns + "}\nstringData: {SECURE_DATA: value}\n---\n"
	}
	s := newShell(t, map[string]string{"a.yaml": task("one") + task("two"), "one.yaml": of(", namespace: one"), "all.yaml": of("")})
	s.ktask("plan", "a.yaml", "--secret-file", "one.yaml").exits(2).says(`task "t-two" needs key "SECURE_DATA" of Secret "s"`).hides(`task "t-one"`)
	s.ktask("plan", "a.yaml", "--secret-file", "all.yaml").exits(0)
}

// TestLinkedDirectory is a directory like any other.
func TestLinkedDirectory(t *testing.T) {
	s := newShell(t, map[string]string{"real/a.yaml": hello})
	if err := os.Symlink("real", "link"); err != nil {
		t.Fatal(err)
	}
	s.ktask("list", "link").exits(0).says("link/a.yaml")
}

func TestPlanForms(t *testing.T) {
	s := newShell(t, map[string]string{"a.yaml": hello})
	first := s.ktask("plan", "a.yaml", "-o", "json").exits(0)
	first.says(`"schema": "ktask.dev/plan/v1"`, `"timeout": "5m0s"`, `"retries": 0`, `"command": null`)
	if second := s.ktask("plan", "a.yaml", "-o", "json").exits(0); second.out != first.out {
		t.Errorf("two plans differ:\n%s\n%s", first.out, second.out)
	}
	s.ktask("plan", "a.yaml", "-o", "yaml").exits(0).says("schema: ktask.dev/plan/v1")
	s.ktask("plan", "a.yaml", "--semantics", "cluster", "-o", "json").exits(0).says(`"retries": 10`, `"semantics": "cluster"`, `"initial": "10s"`)
	// What is planned is what runs: how images are pulled is part of it.
	s.ktask("plan", "a.yaml", "--pull", "never", "-o", "json").exits(0).says(`"pullPolicy": "Never"`, `"pullPolicy": "flag --pull"`)
	s.ktask("plan", "a.yaml", "--offline", "-o", "json").exits(0).says(`"pullPolicy": "Never"`, `"pullPolicy": "flag --offline"`)
	s.ktask("plan", "a.yaml", "--offline", "--pull", "always").exits(2).says("exclude each other")
}
