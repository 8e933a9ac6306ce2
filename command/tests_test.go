package command_test

import (
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/enginetest"
	"github.com/ktask/ktask/engine/plan"
)

const helloTask = `apiVersion: lifecycle.keptn.sh/v1
kind: KeptnTaskDefinition
metadata: {name: hello}
spec:
  retries: 1
  container:
    name: c
    image: busybox
    command: [sh, -c, echo hello]
    env:
    - name: TOKEN
      valueFrom: {secretKeyRef: {name: token, key: KEY}}
`

const helloTest = `apiVersion: ktask.dev/v1
kind: TaskTest
metadata: {name: hello}
spec:
  task: hello
  cases:
  - name: greets # the usual way
    secrets: {token/KEY: hunter22}
    expect:
      # what it says
      output:
      - hello
`

func TestValidateChecksTests(t *testing.T) {
	s := newShell(t, map[string]string{"task.yaml": helloTask, "test.yaml": helloTest})
	s.term = true
	s.ktask("validate", "test.yaml").exits(0).says("1 file, 1 test: no problems")
	wrong := newShell(t, map[string]string{"task.yaml": helloTask, "test.yaml": helloTest + "    expects: {}\n"})
	wrong.ktask("validate", ".").exits(2).says(`test.yaml:13:5: error: unknown field "spec.cases[0].expects" (did you mean "expect"?) [unknown-field]`)
}

// TestOthersPassOverTests: what is wrong in a test concerns nobody who runs the task.
func TestOthersPassOverTests(t *testing.T) {
	s := newShell(t, map[string]string{"task.yaml": helloTask, "test.yaml": helloTest + "    expects: {}\n"})
	for _, args := range [][]string{{"plan", "--secret", "token/KEY=hunter22", "."}, {"list", "."}} {
		if o := s.ktask(args...).exits(0); o.err != "" {
			t.Errorf("%s says: %s", args, o.err)
		}
	}
}

// testShell is a shell with a task, a test of it, and an engine on which each attempt prints hello, or says bye and fails if it has
// the variable BYE.
func testShell(t *testing.T, test string) *shell {
	t.Helper()
	s := newShell(t, map[string]string{"task.yaml": helloTask, "test.yaml": test})
	s.engine = &enginetest.Fake{Play: func(c plan.Container, _ engine.Labels) enginetest.Attempt {
		for _, e := range c.Env {
			if e.Name == "BYE" {
				return enginetest.Exits(3, 0, enginetest.Out("bye"), enginetest.Err("x"))
			}
		}
		return enginetest.Exits(0, 0, enginetest.Out("hello"))
	}}
	return s
}

const byeCase = `  - name: says bye
    secrets: {token/KEY: hunter22}
    env: {BYE: "1"}
`

func TestTestPasses(t *testing.T) {
	s := testShell(t, helloTest)
	s.ktask("test").exits(0).says("CASE          STATUS    TIME\nhello/greets  passed    ", "\n1 case: 1 passed in ")
	s.ktask("test", "test.yaml", "task.yaml", "-j", "2", "-run", "^hello/gr").exits(0)
	s.outTerm = true
	s.ktask("test").exits(0).says("\x1b[2mCASE        \x1b[0m  \x1b[2mSTATUS  \x1b[0m  \x1b[2mTIME\x1b[0m\nhello/greets  \x1b[32mpassed  \x1b[0m  ")
	s.ktask("help", "test").exits(0).says("Usage: ktask test [FLAG...] [PATH...]\n")
}

// TestTestPathsOfProject: paths of .ktask.yaml count if none is typed.
func TestTestPathsOfProject(t *testing.T) {
	s := testShell(t, helloTest)
	for name, text := range map[string]string{".ktask.yaml": "paths: [tests]\n", "tests/task.yaml": helloTask, "tests/test.yaml": helloTest} {
		if err := errors.Join(os.MkdirAll("tests", 0o755), os.WriteFile(name, []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	s.ktask("test").exits(0).says("\n1 case: 1 passed in ")
	s.ktask("test", ".").exits(2).says("defined twice")
	if err := os.WriteFile(".ktask.yaml", []byte("paths: [../elsewhere]\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	s.ktask("test").exits(2).says("ktask trust") // as of ktask run
}

func TestTestShowsDifferences(t *testing.T) {
	s := testShell(t, helloTest+byeCase)
	s.ktask("test", "--backoff-scale", "0", "--junit", "j.xml").exits(1).hides("hunter22").says(`
test.yaml:13:11: failed: hello/says bye
  status (line 13)
    - passed
    + failed: exit code 3
    | bye
    | x
    | bye
    | x

2 cases: 1 passed, 1 failed in `)
	junit, err := os.ReadFile("j.xml")
	if err != nil || !strings.Contains(string(junit), `failures="1"`) || !strings.Contains(string(junit), "\n  at test.yaml:13") {
		t.Errorf("the JUnit report is (%v)\n%s", err, junit)
	}
}

func TestTestUpdates(t *testing.T) {
	s := testShell(t, helloTest+byeCase)
	s.ktask("test", "--backoff-scale", "0", "--update").exits(0).says("hello/says bye  updated", "\ntest.yaml: updated 1 case\n")
	text, err := os.ReadFile("test.yaml")
	if want := helloTest + byeCase + "    expect:\n      status: failed\n      exitCode: 3\n      output:\n      - bye\n      - x\n"; err != nil || string(text) != want {
		t.Errorf("the test is (%v)\n%s\nwant\n%s", err, text, want)
	}
	s.ktask("test", "--backoff-scale", "0").exits(0)
	s.stdin = helloTest + byeCase
	s.ktask("test", "--backoff-scale", "0", "--update", "-", "task.yaml").exits(2).says("--update: standard input cannot be updated (name the file)")
}

// TestTestSetsFilesAndLimits of a case, which take precedence over those of the task and of flags.
func TestTestSetsFilesAndLimits(t *testing.T) {
	const limits = "    files: {/etc/a: hi}\n    retries: 2\n    expect: {status: failed, attempts: 3}\n"
	const hangs = "  - name: hangs\n    secrets: {token/KEY: hunter22}\n    env: {HANG: x}\n    timeout: 100ms\n    expect: {status: timed-out}\n"
	s := testShell(t, helloTest+byeCase+limits+hangs)
	fake := s.engine.(*enginetest.Fake)
	var files []plan.File
	play := fake.Play
	fake.Play = func(c plan.Container, l engine.Labels) enginetest.Attempt {
		files = append(files, c.Files...)
		if slices.ContainsFunc(c.Env, func(e plan.EnvVar) bool { return e.Name == "HANG" }) {
			return enginetest.Exits(0, 10*time.Second)
		}
		return play(c, l)
	}
	s.ktask("test", "-j", "1", "--backoff-scale", "0", "--retries", "0", "--timeout", "1h").exits(0)
	if len(files) != 3 || files[0].Path != "/etc/a" || string(files[0].Content) != "hi" || files[0].Mode != 0o644 {
		t.Errorf("the attempts get %+v", files)
	}
}

func TestTestProblems(t *testing.T) {
	replaced := func(old, text string) string { return strings.Replace(helloTest, old, text, 1) }
	for name, test := range map[string]struct {
		test string
		args []string
		want string
	}{
		"no such task":       {replaced("task: hello", "task: helo"), nil, `test.yaml:5:9: error: there is no KeptnTask or KeptnTaskDefinition "helo" among the manifests (did you mean "hello"?) [no-such-task]`},
		"missing secret":     {replaced("token/KEY: hunter22", "tokn/KEY: hunter22"), nil, `[missing-secret]`},
		"params":             {replaced("    expect:", "    params: {a: b}\n    expect:"), nil, `test.yaml:9:17: error: container task "hello" gets no parameters (env: sets a variable) [unused-param]`},
		"mounted file":       {replaced("    expect:", "    files: {/data/a/b: x}\n    expect:"), []string{"--mount", "/tmp:/data"}, `test.yaml:9:24: error: /data/a/b is in /data, which is mounted (name a path outside of it) [conflict]`},
		"no test":            {"", nil, "ktask: there is no TaskTest in .\n"},
		"no case":            {helloTest, []string{"-run", "nothing"}, `ktask: --run "nothing" matches none of the cases in .`},
		"bad expression":     {helloTest, []string{"-run", "("}, "ktask: --run: error parsing regexp: missing closing ): `(`"},
		"broken":             {replaced("expect:", "expects:"), nil, `(did you mean "expect"?) [unknown-field]`},
		"unreadable":         {replaced("{token", "[token"), nil, "[syntax]"},
		"overwritten":        {helloTest, []string{"--junit", "test.yaml"}, "test.yaml is read by this run: name another file for the report"},
		"the case's, not -p": {helloTest, []string{"-p", "a=b"}, "unknown flag -p"},
	} {
		t.Run(name, func(t *testing.T) {
			s := testShell(t, test.test)
			s.ktask(append([]string{"test"}, test.args...)...).exits(2).says(test.want).hides("hunter22")
		})
	}
}

// TestTestSaysAFactOnce although two cases have it.
func TestTestSaysAFactOnce(t *testing.T) {
	s := testShell(t, strings.ReplaceAll(helloTest+byeCase, "    secrets: {token/KEY: hunter22}\n", ""))
	if o := s.ktask("test").exits(2); strings.Count(o.err, "[missing-secret]") != 1 {
		t.Errorf("it says\n%s", o.err)
	}
}

func TestTestWarnsOfUnusedSecrets(t *testing.T) {
	s := testShell(t, strings.Replace(helloTest, "hunter22}", "hunter22, token/KYE: hunter23}", 1))
	s.ktask("test").exits(0).hides("hunter2").says(`test.yaml:7:11: warning: task "hello" does not use secret token/KYE (did you mean "KEY"?) [unused-secret]`)
	s.ktask("test", "--secret", "other/KEY=hunter24").exits(0).hides("unused-flag", "hunter2")
}

// TestTestIsTheSameWithSettings: a .ktask.yaml changes nothing that a case says, and turns on nothing that changes files.
func TestTestIsTheSameWithSettings(t *testing.T) {
	s := testShell(t, helloTest)
	if err := os.WriteFile(".ktask.yaml", []byte("env: {BYE: \"1\"}\ntask: [other]\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	s.ktask("test").exits(0)
	if err := os.WriteFile(".ktask.yaml", []byte("update: true\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	s.ktask("test").exits(2).says(`unknown key "update"`)
}

func TestTestWithoutAnEngine(t *testing.T) {
	s := testShell(t, helloTest+byeCase)
	s.engine = nil
	s.ktask("test").exits(3).says("no engine in this test")
	failure := &engine.Error{Reason: engine.ImageNotFound, Err: errors.New("no such image"), Remedy: engine.Remedy{Text: "build it"}}
	s.engine = &enginetest.Fake{Images: map[string]enginetest.Pull{"busybox": {Err: failure}}}
	s.ktask("test").exits(3).says("errored: hello/greets\ntest.yaml:13:11: errored: hello/says bye\n    no such image\n    fix: build it\n\n2 cases: 2 errored in")
}

// TestTestShowsWhatRuns: on a terminal the running cases are at the bottom, and each row appears when its case ends.
func TestTestShowsWhatRuns(t *testing.T) {
	s := testShell(t, helloTest+byeCase)
	play := s.engine.(*enginetest.Fake).Play
	s.engine = &enginetest.Fake{Play: func(c plan.Container, l engine.Labels) enginetest.Attempt {
		a := play(c, l)
		if a.Exit.Code != 0 {
			a.Takes = time.Second
		}
		return a
	}}
	s.term = true
	o := s.ktask("test", "--backoff-scale", "0", "--retries", "0").exits(1)
	if !strings.Contains(o.err, " · 1 running · 0s\n  hello/says bye     0s") {
		t.Errorf("the terminal shows\n%q", o.err)
	}
	if strings.Contains(o.out, "done") || !strings.HasPrefix(o.out, "CASE            STATUS    TIME\nhello/greets ") {
		t.Errorf("the output is\n%q", o.out)
	}
	t.Setenv("TERM", "dumb")
	s.ktask("test", "--backoff-scale", "0", "--retries", "0").exits(1).hides("running")
}
