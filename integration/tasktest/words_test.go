package tasktest

import (
	"errors"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/ktask/ktask/engine"
)

// TestFlagsBecomeOptions reads all problems that resolve and spec are known to report: none of their remedies has a flag in a test.
func TestFlagsBecomeOptions(t *testing.T) {
	var files []string
	for _, dir := range []string{"resolve", "spec"} {
		found, err := filepath.Glob("../../" + dir + "/testdata/rules/*.txtar")
		if err != nil || len(found) == 0 {
			t.Fatalf("%s: no archives (%v)", dir, err)
		}
		files = append(files, found...)
	}
	flag, mapped := regexp.MustCompile(`--[a-z]`), 0
	for _, file := range files {
		archive, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range archive.Files {
			if f.Name != "want.problems" {
				continue
			}
			for line := range strings.Lines(string(f.Data)) {
				if !flag.MatchString(line) || strings.Contains(line, "[no-local-meaning]") { // not logged
					continue
				}
				mapped++
				if got := forTest(line); flag.MatchString(strings.ReplaceAll(got, "flag --", "")) { // a test's options are no flags
					t.Errorf("%s:\n%s%s", file, line, got)
				}
			}
		}
	}
	if mapped < 50 {
		t.Errorf("only %d problems name a flag", mapped)
	}
}

// TestRemedies holds that each option of a remedy has words for a test, but those of builds, which a test does not make.
func TestRemedies(t *testing.T) {
	for _, option := range []engine.Option{
		engine.OptionHost, engine.OptionPlatform, engine.OptionImage, engine.OptionDeno, engine.OptionPython, engine.OptionSecrets, engine.OptionNetwork,
		engine.OptionMounts, engine.OptionParams, engine.OptionPids, engine.OptionOffline, engine.OptionPull, engine.OptionTimeout,
	} {
		if words := remedies[option]; words == "" || strings.Contains(words, "--") {
			t.Errorf("option %q has the words %q", option, words)
		}
	}
	if got := explain(&engine.Error{Err: errors.New("no remedy")}); got != "no remedy" {
		t.Errorf("got %q", got)
	}
}

func TestOptionsAreGo(t *testing.T) {
	for remedy, want := range map[string]string{
		"pass it with --secret tok=VALUE":                                                                    `pass it with tasktest.Secret("tok", VALUE)`,
		"did you mean \"a\"?; or pass each with --secret tok/KEY=VALUE":                                      `did you mean "a"?; or pass each with tasktest.Secret("tok/KEY", VALUE)`,
		`to override it: --param 'a=it'\''s b'`:                                                              `to override it: tasktest.Param("a", "it's b")`,
		"pass another value with --env URL=VALUE, or join a network that knows the name with --network NAME": `pass another value with tasktest.Env("URL", VALUE), or join a network that knows the name with tasktest.Network(NAME)`,
		`--task "a b": "a b" is not the name of a task`:                                                      `tasktest.Task("a b"): "a b" is not the name of a task`,
		"--network x and --compose y name two networks":                                                      `tasktest.Network("x") and tasktest.Configure(func(o *local.Options) { o.Compose = "y" }) name two networks`,
		"--lenient runs them":                                                                                "tasktest.Configure(func(o *local.Options) { o.Lenient = true }) runs them",
		"--namespace third; or move it":                                                                      `tasktest.Configure(func(o *local.Options) { o.Namespace = "third" }); or move it`,
		"allow it with --allow privileged":                                                                   `allow it with tasktest.Configure(func(o *local.Options) { o.Allow = append(o.Allow, "privileged") })`,
		"select fewer tasks with --task":                                                                     "select fewer tasks with tasktest.Task",
		"encode it, or pass a file with --mount":                                                             "encode it, or pass a file with Mounts in tasktest.Configure",
	} {
		if got := forTest(remedy); got != want {
			t.Errorf("%s\nis   %s\nwant %s", remedy, got, want)
		}
	}
}
