package command_test

import (
	"strings"
	"testing"
)

func TestComplete(t *testing.T) {
	const (
		app  = "apiVersion: lifecycle.keptn.sh/v1\nkind: KeptnApp\nmetadata: {name: shop}\nspec: {version: \"1\", workloads: [{name: web, version: \"1\"}]}\n"
		pods = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  template:\n    metadata:\n" +
			"      labels: {keptn.sh/app: shop, keptn.sh/workload: web, keptn.sh/version: \"1\"}\n    spec: {containers: [{name: c, image: i:1}]}\n"
	)
	s := newShell(t, map[string]string{
		".git/x": "", "sub/x": "", ".ktask.yaml": "paths: [tasks]\n", "tasks/a.yaml": hello, "tasks/b.yaml": secret, "k8s/app.yaml": app, "k8s/web.yaml": pods, "k8s/c.yaml": caller,
		"evil.yaml": header + "metadata: {name: \"x$(touch ran)\"}\nspec: {python: {inline: {code: x}}}\n", "theirs/.ktask.yaml": "paths: [/etc]\n",
	})
	t.Setenv("COMPLETE_ME", "not shown")
	for line, want := range map[string]string{
		"ru":                              "run",
		"do":                              "doctor",
		"nosuch ":                         "",
		"run -t ":                         "hello secret", // of .ktask.yaml
		"run --task=he":                   "--task=hello",
		"run -t hello,s":                  "hello,secret",
		"run k8s -t ":                     "caller",
		"run -t caller k8s --app ":        "shop",
		"run k8s --workload ":             "shop-web",
		"run k8s --stage p":               "pre post promotion",
		"run --stage=po":                  "--stage=post",
		"run -l ":                         "team=a",
		"run -o q":                        "quiet",
		"validate -o s":                   "sarif",
		"images save -o ":                 "", // a file
		"run --junit ":                    "",
		"run -e COMPLETE_":                "COMPLETE_ME",
		"run --allow pri":                 "privileged",
		"run --no-c":                      "--no-color",
		"run tasks/":                      "",
		"run -- --no-c":                   "",
		"images ":                         "build pull save load",
		"images pull --loc":               "--locked",
		"help exit":                       "exit-codes",
		"completion z":                    "zsh",
		"init ":                           "deno python container",
		"init python ":                    "",
		"shell ":                          "hello secret",
		"shell he":                        "hello",
		"shell --after-failure s":         "secret",
		"shell -n other ":                 "hello secret",
		"shell hello ":                    "",
		"shell tasks -t ":                 "hello secret",
		"run evil.yaml -t ":               "",
		"run no/such -t ":                 "",
		"run -q -v --fail-fast tasks -t ": "hello secret",
	} {
		words := strings.Split(line, " ")
		words[len(words)-1] = "." + words[len(words)-1]
		o := s.ktask(append([]string{"__complete", "--"}, words...)...).exits(0).hides("not shown")
		var found []string
		for line := range strings.Lines(o.out) {
			word, _, _ := strings.Cut(line, "\t")
			found = append(found, word)
		}
		if got := strings.Join(found, " "); got != want || o.err != "" {
			t.Errorf("%q: %q, want %q; stderr %q", line, got, want, o.err)
		}
	}
	s.ktask("__complete", "run").exits(2)
	s.ktask("completion", "powershell").exits(0).says("Register-ArgumentCompleter")
	s.ktask("completion", "tcsh").exits(2).says("bash|zsh|fish|powershell")
	t.Chdir("sub")
	s.ktask("__complete", "--", "run", "-t", ".he").exits(0).says("hello\tKeptnTaskDefinition\n")
	t.Chdir("../theirs")
	s.ktask("__complete", "--", "run", "-t", ".").exits(0).hides("Keptn") // nothing outside of the directory is read
}
