package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestCompletion completes in each shell: commands, flags, and values that come from manifests.
func TestCompletion(t *testing.T) {
	for shell, complete := range map[string]string{
		"bash": `COMP_LINE=$LINE; COMP_POINT=${#LINE}; source "$SCRIPT"; _ktask; printf '%s\n' "${COMPREPLY[@]}"`,
		// compdef and _describe are functions of zsh's completion system, which needs a terminal.
		"zsh":  `compdef() {}; _describe() { print -l -- ${(P)2}; }; _files() {}; source "$SCRIPT"; words=("${(@s: :)LINE}"); CURRENT=$#words; _ktask | sed 's/:.*//'`,
		"fish": `source "$SCRIPT"; complete -C "$LINE" | string replace -r '\t.*' ''`,
	} {
		t.Run(shell, func(t *testing.T) {
			dir := t.TempDir()
			script := filepath.Join(dir, "script")
			text, err := exec.Command(binary, "completion", shell).Output()
			if err != nil {
				t.Fatal(err)
			}
			const task = "apiVersion: lifecycle.keptn.sh/v1\nkind: KeptnTaskDefinition\nmetadata: {name: NAME, labels: {team: a}}\nspec: {python: {inline: {code: x}}}\n---\n"
			evil := strings.Replace(task, "NAME", `"deploy-$(touch `+dir+`/ran)"`, 1)
			if err := os.MkdirAll(filepath.Join(dir, "k8s"), 0o700); err != nil {
				t.Fatal(err)
			}
			for name, text := range map[string][]byte{"script": text, "k8s/tasks.yaml": []byte(strings.Replace(task, "NAME", "deploy-one", 1) + strings.Replace(task, "NAME", "deploy-two", 1) + evil)} {
				if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			for line, want := range map[string]string{
				"ktask vali":                     "validate",
				"ktask run --param":              "--param --params-file",
				"ktask run x --fail":             "--fail-fast --failed",
				"ktask images pu":                "pull",
				"ktask images --ou":              "--output",
				"ktask images build --ba":        "--base",
				"ktask images pull x --para":     "--param --params-file",
				"ktask run k8s -t dep":           "deploy-one deploy-two",
				"ktask run -t deploy-o":          "deploy-one",
				"ktask run k8s -l ":              "team=a",
				"ktask list k8s -o j":            "json",
				"ktask run --docker-context oth": "other",
				"ktask shell dep":                "deploy-one deploy-two",
				"ktask shell deploy-t":           "deploy-two",
				"ktask init ":                    "container deno python",
				"ktask init py":                  "python",
				"ktask help exit":                "exit-codes",
				"ktask completion po":            "powershell",
			} {
				cmd := exec.Command(shell, "-c", complete)
				cmd.Dir = dir
				cmd.Env = append(os.Environ(), "SCRIPT="+script, "LINE="+line, "HOME="+dir, "DOCKER_CONFIG="+contexts(t, "other"), "PATH="+filepath.Dir(binary)+":"+os.Getenv("PATH"))
				out, err := cmd.CombinedOutput()
				words := strings.Fields(string(out))
				slices.Sort(words)
				if got := strings.Join(words, " "); got != want {
					t.Errorf("%s: %q, want %q (%v)", line, got, want, err)
				}
			}
			if _, err := os.Stat(filepath.Join(dir, "ran")); err == nil {
				t.Error("the shell has run the name of a task")
			}
		})
	}
}

// contexts returns a directory of Docker's configuration with a context.
func contexts(t *testing.T, name string) string {
	t.Helper()
	dir := t.TempDir()
	meta := filepath.Join(dir, "contexts", "meta", "id")
	if err := os.MkdirAll(meta, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(meta, "meta.json"), []byte(`{"Name":"`+name+`","Endpoints":{"docker":{"Host":"unix:///x"}}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}
