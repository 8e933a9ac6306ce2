// Package hooks commits to real repositories whose hooks are ktask's, with the real pre-commit.
package hooks

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// ktask is a repository of the files of this module as they are, and its commit: pre-commit installs hooks from commits.
var ktask, ktaskCommit string

// environment lets all tests share what pre-commit has installed, and keeps the user's settings of git out.
var environment []string

func TestMain(m *testing.M) {
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "ktask-hooks")
		if err != nil {
			panic(err)
		}
		defer func() { _ = os.RemoveAll(dir) }()
		ktask = filepath.Join(dir, "ktask")
		environment = append(os.Environ(),
			"PRE_COMMIT_HOME="+filepath.Join(dir, "pre-commit"), "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_CONFIG_NOSYSTEM=1", "GIT_TERMINAL_PROMPT=0",
			"SLACK_TOKEN="+slackToken,
			"GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@b", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@b",
			// The module may belong to another user, as in a container of CI.
			"GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=safe.directory", "GIT_CONFIG_VALUE_0=*",
			// pre-commit sets GOPATH, so that Go would download and build every package again.
			"GOMODCACHE="+goEnv("GOMODCACHE"), "GOCACHE="+goEnv("GOCACHE"),
		)
		if ktaskCommit, err = snapshot(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		return m.Run()
	}())
}

func goEnv(name string) string {
	out, err := exec.Command("go", "env", name).Output()
	if err != nil {
		panic(err)
	}
	return strings.TrimSpace(string(out))
}

// snapshot makes the repository ktask and returns its commit.
func snapshot() (commit string, err error) {
	script := `set -eu
		git init -q "$1"
		git ls-files -z --cached --others --exclude-standard --deduplicate | while IFS= read -r -d '' file; do
			[ ! -f "$file" ] || { mkdir -p "$1/$(dirname "$file")"; cp -p "$file" "$1/$file"; }
		done
		cd "$1"
		git add -A
		git commit -qm snapshot
		git rev-parse HEAD`
	cmd := exec.Command("bash", "-c", script, "bash", ktask)
	cmd.Dir, cmd.Env = filepath.Join("..", ".."), environment
	out, err := cmd.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("copy the module: %w: %s", err, out)
	}
	return strings.TrimSpace(string(out)), nil
}

// repository is a user's, with ktask's hooks installed.
type repository struct {
	t   *testing.T
	dir string
}

// newRepository makes a repository whose hooks are an item of pre-commit's configuration, "- id: …".
func newRepository(t *testing.T, hooks string) repository {
	t.Helper()
	return configured(t, fmt.Sprintf("repos:\n- repo: %s\n  rev: %s\n  hooks:\n%s\n", ktask, ktaskCommit, hooks))
}

// configured makes a repository with a configuration of pre-commit.
func configured(t *testing.T, config string) repository {
	t.Helper()
	r := repository{t, t.TempDir()}
	r.must("git", "init", "-q")
	r.write(".pre-commit-config.yaml", config)
	r.must("pre-commit", "install")
	r.must("git", "add", ".")
	r.must("git", "commit", "-qm", "hooks", "--no-verify") // there is nothing to run yet
	return r
}

func (r repository) write(name, content string) {
	r.t.Helper()
	file := filepath.Join(r.dir, name)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		r.t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		r.t.Fatal(err)
	}
}

func (r repository) run(name string, args ...string) (string, error) {
	cmd := exec.CommandContext(r.t.Context(), name, args...)
	cmd.Dir, cmd.Env = r.dir, environment
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func (r repository) must(name string, args ...string) {
	r.t.Helper()
	if out, err := r.run(name, args...); err != nil {
		r.t.Fatalf("%s %v: %v (make engine installs what the tests need)\n%s", name, args, err, out)
	}
}

// commits commits what is staged, and fails the test unless the hook passes.
func (r repository) commits(args ...string) {
	r.t.Helper()
	if out, err := r.run("git", append([]string{"commit", "-m", "x"}, args...)...); err != nil {
		r.t.Errorf("the commit is refused:\n%s", out)
	} else if !strings.Contains(out, "Passed") {
		r.t.Errorf("no hook has run:\n%s", out)
	}
}

// refuses commits what is staged, and fails the test unless the hook fails with exactly these lines.
func (r repository) refuses(lines ...string) {
	r.t.Helper()
	out, err := r.run("git", "commit", "-m", "x")
	if err == nil {
		r.t.Errorf("the commit passes:\n%s", out)
	}
	_, said, _ := strings.Cut(out, "- exit code: ")
	_, said, _ = strings.Cut(said, "\n")
	if said = strings.TrimSpace(said); said != strings.Join(lines, "\n") {
		r.t.Errorf("the hook prints\n%s\nwant\n%s", said, strings.Join(lines, "\n"))
	}
}

const validate = "  - id: ktask-validate"

const task = `apiVersion: lifecycle.keptn.sh/v1
kind: KeptnTaskDefinition
metadata: {name: %s}
spec:
  container:
    name: c
    image: busybox:1.36.1
    command: [sh, -c, "%s"]
`

const needsConfig = `apiVersion: lifecycle.keptn.sh/v1
kind: KeptnTaskDefinition
metadata: {name: needy}
spec:
  deno:
    configMapRef: {name: code}
`

// untracked is what the hook prints if the ConfigMap is in a file that nobody has added.
const untracked = `tasks/needy.yaml:6:26: error: "needy" takes its code from ConfigMap "code", which is not among the manifests, but git does not track the file that holds it (git add -- tasks/config.yaml) [not-tracked]`

const config = `apiVersion: v1
kind: ConfigMap
metadata: {name: code}
data: {code: "console.log(1)"}
`

func TestValidateGoodAndBad(t *testing.T) {
	r := newRepository(t, validate)
	r.write(".github/dependabot.yaml", "version: 2\n") // and no manifest yet
	r.must("git", "add", ".")
	r.commits()
	r.write("tasks/good.yaml", fmt.Sprintf(task, "good", "true"))
	r.must("git", "add", ".")
	r.commits()
	r.write("tasks/bad.yaml", strings.Replace(fmt.Sprintf(task, "bad", "true"), "image:", "imag:", 1))
	r.must("git", "add", ".")
	r.refuses(`tasks/bad.yaml:7:5: error: unknown field "spec.container.imag" (did you mean "image"?) [unknown-field]`)
	r.write("README.md", "Not a manifest.")
	r.must("git", "reset", "-q")
	r.must("git", "add", "README.md")
	r.commits()
}

// TestValidateSeesWhatIsCommitted has work trees that differ from the commit.
func TestValidateSeesWhatIsCommitted(t *testing.T) {
	r := newRepository(t, validate)
	r.write("tasks/needy.yaml", needsConfig)
	r.write("tasks/config.yaml", config)
	r.must("git", "add", "tasks/needy.yaml")
	r.refuses(untracked)
	r.must("git", "add", ".")
	r.commits()
	r.write("tasks/config.yaml", "broken: [") // not staged
	r.write("tasks/more.yaml", fmt.Sprintf(task, "more", "true"))
	r.must("git", "add", "tasks/more.yaml")
	r.commits()
	r.must("git", "checkout", "-q", "tasks/config.yaml")
	r.write("tasks/one.yaml", fmt.Sprintf(task, "one", "true"))
	r.write("tasks/two.yaml", "kind: KeptnTaskDefinition\n")
	r.must("git", "add", ".")
	r.commits("tasks/one.yaml") // git keeps an index of its own for a commit of named files
	r.must("git", "reset", "-q", "--hard")
	r.must("git", "mv", "-f", "tasks/config.yaml", "tasks/two.yaml")
	r.commits()
	r.must("git", "rm", "-q", "--cached", "tasks/two.yaml")
	r.refuses(strings.Replace(untracked, "config.yaml", "two.yaml", 1))
}

// TestValidateInALinkedWorkTree: there git names the repository in variables. Paths are below the top of the work tree.
func TestValidateInALinkedWorkTree(t *testing.T) {
	r := newRepository(t, validate+"\n    args: [tasks, ./other/../other]")
	r.write("tasks/needy.yaml", needsConfig)
	r.write("other/config.yaml", config)
	r.must("git", "add", ".")
	r.commits()
	linked := repository{t, filepath.Join(t.TempDir(), "linked")}
	r.must("git", "worktree", "add", "-q", linked.dir)
	linked.write("tasks/needy.yaml", strings.Replace(needsConfig, "spec:", "spce:", 1))
	linked.must("git", "add", ".")
	linked.refuses(`tasks/needy.yaml:4:1: error: unknown field "spce" (did you mean "spec"?) [unknown-field]`)
}

// TestValidateMonorepo has charts, programs and other systems' YAML beside the tasks.
func TestValidateMonorepo(t *testing.T) {
	r := newRepository(t, validate)
	r.write("shop/deploy/task.yaml", fmt.Sprintf(task, "shop", "true"))
	r.write("shop/chart/Chart.yaml", "apiVersion: v2\nname: shop\nversion: 0.1.0\n")
	r.write("shop/chart/values.yaml", "image: {tag: v1}\n")
	r.write("shop/chart/templates/deploy.yaml", "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: {{ .Release.Name }}\n{{- if .Values.x }}\n{{ end }}\n")
	r.write("shop/chart/templates/task.yaml", "apiVersion: lifecycle.keptn.sh/v1\nkind: KeptnTaskDefinition\nmetadata:\n  name: {{ .Release.Name }}\n{{- include \"x\" . }}\n")
	r.write("web/package.json", `{"name": "web"}`)
	r.write("web/docker-compose.yml", "services: {web: {image: x}}\n")
	r.write("ansible/play.yaml", "- hosts: all\n")
	r.must("git", "add", ".")
	r.commits()
}

func TestRunHook(t *testing.T) {
	r := newRepository(t, "  - id: ktask-run\n    args: [--image, 'busybox:1.36.1=ktask.local/busybox:dev', tasks]")
	r.write("tasks/good.yaml", fmt.Sprintf(task, "good", "echo fine"))
	r.must("git", "add", ".")
	r.commits()
	r.write("tasks/bad.yaml", fmt.Sprintf(task, "bad", "echo no such table; exit 3"))
	r.must("git", "add", ".")
	r.refuses("bad: failed: exit code 3", "  at tasks/bad.yaml:1", "  | no such table")
}

// TestRunHookDoesNotTrust: the author of a repository gets nothing of this machine, and nobody is asked.
func TestRunHookDoesNotTrust(t *testing.T) {
	r := newRepository(t, "  - id: ktask-run")
	r.write(".ktask.yaml", "paths: [tasks]\nmount: [/etc:/host:ro]\n")
	r.write("tasks/good.yaml", fmt.Sprintf(task, "good", "true"))
	r.must("git", "add", ".")
	r.refuses(`.ktask.yaml:2:9: error: mount "/etc:/host:ro": reaches outside of this directory (give --mount on the command line, or accept this file once with: ktask trust) [untrusted]`)
}
