package attack

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
)

// clone is a directory that a stranger has filled, in the home of a user who has something to lose. It returns the clone.
func clone(t *testing.T, settings string) string {
	t.Helper()
	home := t.TempDir()
	write(t, home, ".ssh/id_rsa", "the private key")
	write(t, home, "precious", "precious")
	write(t, home, "other.yaml", strings.Replace(manifest, "hello}", "elsewhere}", 1))
	write(t, home, "values.yaml", "name: of the user\n")
	write(t, home, "clone/.ktask.yaml", strings.ReplaceAll(settings, "HOME", home)+"\n")
	write(t, home, "clone/.git/config", "token")
	write(t, home, "clone/.git/hooks/pre-commit", "#!/bin/sh\n")
	write(t, home, "clone/task.yaml", secretTask+"---\n"+manifest)
	write(t, home, "clone/inside", "a value of the project")
	dir := filepath.Join(home, "clone")
	link(t, dir, "../.ssh/id_rsa", "key")
	link(t, dir, "..", "up")
	link(t, dir, "../made", "nowhere")
	return dir
}

// TestStrangersSettings: what a .ktask.yaml says about the machine outside of its directory is refused with its
// place, before anything is opened. On the command line the same is allowed.
func TestStrangersSettings(t *testing.T) {
	t.Setenv("TOKEN_OF_THE_USER", "of the user")
	tests := map[string]struct {
		settings string
		says     string
		// typed are the arguments that make the same come from the user.
		typed []string
	}{
		"a key, relative":            {"secret: ['x=@../.ssh/id_rsa']", ".ktask.yaml:1:10: error: secret (a file): reaches outside", []string{"--secret", "x=@../.ssh/id_rsa"}},
		"a key, absolute":            {"secret: {x: '@HOME/.ssh/id_rsa'}", ".ktask.yaml:1:10: error: secret (a file): reaches outside", []string{"--secret", "x=mine"}},
		"a key through a link":       {"secret: ['x=@key']", "error: secret (a file): leads outside", []string{"--secret", "x/SECURE_DATA=mine"}},
		"a key through a directory":  {"secret: ['x=@up/.ssh/id_rsa']", "error: secret (a file): leads outside", []string{"--secret", "x=@up/.ssh/id_rsa"}},
		"a key through dots":         {"secret: ['x=@up/../home/.ssh/id_rsa']", "error: secret (a file): leads outside", nil},
		"a token of git":             {"secret: ['x=@.git/config']", "error: secret (a file): reaches outside", nil},
		"a token of git in capitals": {"secret: ['x=@.GIT/config']", "error: secret (a file): reaches outside", nil},
		"a variable":                 {"secret: ['x=env:TOKEN_OF_THE_USER']", "error: secret (a variable): reaches outside", []string{"--secret", "x=env:TOKEN_OF_THE_USER"}},
		"a file of secrets":          {"secret-file: [../.ssh/id_rsa]", `secret-file "../.ssh/id_rsa": reaches outside`, nil},
		"parameters":                 {"secret: ['x=1']\nparams-file: [../values.yaml]", `params-file "../values.yaml": reaches outside`, []string{"--params-file", "../values.yaml"}},
		"manifests":                  {"secret: ['x=1']\npaths: [HOME/other.yaml]", "reaches outside of this directory (name it as an argument", []string{"../other.yaml"}},
		"manifests through a link":   {"secret: ['x=1']\npaths: [up]", `paths "up": leads outside`, []string{"task.yaml"}},
		"a mount":                    {"secret: ['x=1']\nmount: ['..:/host']", `.ktask.yaml:2:9: error: mount "..:/host": reaches outside of this directory (give --mount on the command line, or accept this file once with: ktask trust) [untrusted]`, []string{"--mount", "..:/host"}},
		"a mount of itself":          {"secret: ['x=1']\nmount: ['.:/here']", `mount ".:/here"`, []string{"--mount", ".:/here"}},
		"the network of the host":    {"secret: ['x=1']\nnetwork: host", `network "host"`, []string{"--network", "none"}},
		"the network of a container": {"secret: ['x=1']\nnetwork: container:db", `network "container:db"`, []string{"--network", "none"}},
		"a fork bomb":                {"secret: ['x=1']\npids-limit: -1", `pids-limit "-1": is above the default`, []string{"--pids-limit", "-1"}},
		"permissions":                {"secret: ['x=1']\nallow: [all]", `allow "all": lets tasks out of their container`, []string{"--allow", "all"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := clone(t, test.settings)
			for _, command := range []string{"plan", "run"} {
				o := bounded(t, dir, command).expect(t, 2).says(t, test.says, "[untrusted]")
				if strings.Contains(o.stderr, "id_rsa") && strings.HasPrefix(test.settings, "secret:") || strings.Contains(o.stderr, "TOKEN_OF") {
					t.Errorf("the text of the secret is shown:\n%s", o.stderr)
				}
			}
			if test.typed != nil {
				args := append([]string{"plan"}, test.typed...)
				if !strings.Contains(test.settings, "paths:") {
					args = append(args, "task.yaml")
				}
				bounded(t, dir, args...).expect(t, 0)
			}
			bounded(t, dir, "validate", "task.yaml").expect(t, 0)
			bounded(t, dir, "list", "task.yaml").expect(t, 0)
		})
	}
}

// TestStrangersReports: no file outside is overwritten, or made.
func TestStrangersReports(t *testing.T) {
	for _, target := range []string{"../precious", "HOME/precious", "up/precious", "up/made", "nowhere", ".git/hooks/pre-commit", "sub/../../precious", "key"} {
		for _, flag := range []string{"report", "junit", "html", "log-dir"} {
			t.Run(flag+" "+target, func(t *testing.T) {
				t.Parallel()
				dir := clone(t, flag+": "+target+"\npaths: [hello.yaml]")
				write(t, dir, "hello.yaml", manifest)
				bounded(t, dir, "run").expect(t, 2).says(t, ".ktask.yaml:1:1: error: "+flag, "[untrusted]")
				for name, want := range map[string]string{"precious": "precious", ".ssh/id_rsa": "the private key", "clone/.git/hooks/pre-commit": "#!/bin/sh\n"} {
					if got, err := os.ReadFile(filepath.Join(dir, "..", name)); err != nil || string(got) != want {
						t.Errorf("%s is %q, error %v", name, got, err)
					}
				}
				if _, err := os.Lstat(filepath.Join(dir, "..", "made")); err == nil {
					t.Error("a file was made outside")
				}
			})
		}
	}
	dir := clone(t, "report: result.json\npaths: [hello.yaml]")
	write(t, dir, "hello.yaml", manifest)
	bounded(t, dir, "run").expect(t, 0)
	if _, err := os.Stat(filepath.Join(dir, "result.json")); err != nil {
		t.Errorf("a report in the directory is not written: %v", err)
	}
}

// TestStrangersEngine: no command connects to an engine that only a .ktask.yaml names. One that the user names is used.
func TestStrangersEngine(t *testing.T) {
	var asked atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		http.Error(w, "no", http.StatusInternalServerError)
	}))
	t.Cleanup(server.Close)
	url := strings.Replace(server.URL, "http", "tcp", 1)
	for _, settings := range []string{"host: " + url, "docker-context: theirs", "engine: kubernetes"} {
		dir := clone(t, settings)
		for _, args := range [][]string{{"run", "task.yaml", "--secret", "x=1"}, {"clean", "--force", "--all"}} {
			bounded(t, dir, args...).expect(t, 2).says(t, ".ktask.yaml:1:1: error: ", "[untrusted]")
		}
	}
	if n := asked.Load(); n > 0 {
		t.Errorf("the engine was asked %d times", n)
	}
	dir := clone(t, "host: "+url)
	bounded(t, dir, "clean", "--host", url).expect(t, 3)
	if asked.Load() == 0 {
		t.Error("the engine that was named on the command line was not asked")
	}
	before := asked.Load()
	cmd := command(t, dir, []string{"DOCKER_HOST=unix:///nowhere.sock"}, "clean")
	finish(t, cmd).expect(t, 3).says(t, "nowhere.sock")
	if asked.Load() != before {
		t.Error("the file's engine was asked, although DOCKER_HOST names one")
	}
}

// TestSecretFileOfAStranger may hold values, but name neither files of the user's nor variables, whether the .ktask.yaml
// is trusted or not: its lines can change at any time.
func TestSecretFileOfAStranger(t *testing.T) {
	for _, line := range []string{"x=@../.ssh/id_rsa", "x=@key", "x=@up/precious", "x=env:HOME", "x=@.git/config"} {
		dir := clone(t, "secret-file: [s]\nnetwork: other")
		write(t, dir, "s", "# secrets\n"+line+"\n")
		home := t.TempDir()
		trusted(t, dir, home, "trust").expect(t, 0)
		trusted(t, dir, home, "plan", "task.yaml").expect(t, 2).says(t, "s:2:1: error: the secret is read from outside", "[untrusted]")
		trusted(t, dir, home, "plan", "task.yaml", "--secret", "x=mine").expect(t, 0)
		trusted(t, dir, home, "plan", "task.yaml", "--secret-file", "s").expect(t, 0)
	}
	dir := clone(t, "secret-file: [s]")
	write(t, dir, "s", "x=@inside\n")
	bounded(t, dir, "plan", "task.yaml").expect(t, 0)
}

// trusted runs ktask with a home that it shares with others.
func trusted(t *testing.T, dir, home string, args ...string) outcome {
	t.Helper()
	return finish(t, command(t, dir, []string{"HOME=" + home, "XDG_CONFIG_HOME=" + filepath.Join(home, ".config")}, args...))
}

// TestTrustShowsAll has values that are long, names that a terminal would obey, and literal secrets that look like files.
func TestTrustShowsAll(t *testing.T) {
	long := strings.Repeat("./", 200) + "../etc"
	dir := clone(t, "secret: ['x=@../no such file, but a word', 'y=env:NO_SUCH_VARIABLE', 'z=env:PATH']\nmount: ['/"+long+":/host']\n")
	o := trusted(t, dir, t.TempDir(), "trust").expect(t, 0)
	for _, want := range []string{`secret "x/SECURE_DATA" (a file)`, `secret "y/SECURE_DATA" (a variable)`, `secret "z/SECURE_DATA" (the variable "PATH")`} {
		if !strings.Contains(o.stdout, want) {
			t.Errorf("it does not say %q:\n%s", want, o.stdout)
		}
	}
	if strings.Contains(o.stdout, "but a word") || strings.Contains(o.stdout, "NO_SUCH") {
		t.Errorf("it shows what may be a secret:\n%s", o.stdout)
	}
	odd := filepath.Join(t.TempDir(), "d\x1b[31m\n::error::pwn")
	write(t, odd, ".ktask.yaml", "network: other\n")
	for _, args := range [][]string{{"trust", odd}, {"trust", "--revoke", odd}} {
		if o := trusted(t, t.TempDir(), t.TempDir(), args...).expect(t, 0); strings.Contains(o.stdout, "\x1b") || strings.Contains(o.stdout, "\n::") {
			t.Errorf("ktask %q prints %q", args, o.stdout)
		}
	}
}

// TestContainersThatStay has a file that keeps the user's secrets on the engine, and says so to nobody.
func TestContainersThatStay(t *testing.T) {
	dir := clone(t, "output: quiet\nkeep: always")
	bounded(t, dir, "run", "task.yaml").expect(t, 2).says(t, `.ktask.yaml:2:1: error: keep "always": leaves containers on the engine`, "[untrusted]")
	dir = clone(t, "output: quiet")
	o := bounded(t, dir, "run", "--keep", "never", "--secret", "x=ab", "task.yaml")
	o.says(t, "too short to hide")
}

// TestReportOverSettings has a report in the place of the file that asks for it.
func TestReportOverSettings(t *testing.T) {
	dir := clone(t, "report: .ktask.yaml")
	bounded(t, dir, "run", "--secret", "x=1234567", "task.yaml").expect(t, 2).says(t, "is read by this run")
}

// TestActionsOfStrangers has a file that switches off what keeps a task's output from being obeyed in GitHub Actions.
func TestActionsOfStrangers(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, ".ktask.yaml", "output: plain\n")
	write(t, dir, "task.yaml", container(0, "echo '::add-mask::e'"))
	o := finish(t, command(t, dir, []string{"GITHUB_ACTIONS=true"}, "run", "task.yaml")).expect(t, 0)
	if !strings.Contains(o.stdout, "::stop-commands::") {
		t.Errorf("commands of the task are obeyed:\n%s", o.stdout)
	}
}

// TestTrust is for one content at one place, and for no link.
func TestTrust(t *testing.T) {
	const settings = "secret: ['x=@../.ssh/id_rsa']\nmount: ['..:/host']\nnetwork: other\n"
	dir, home := clone(t, settings), t.TempDir()
	plan := []string{"plan", "task.yaml"}
	refused := func(dir string) { t.Helper(); trusted(t, dir, home, plan...).expect(t, 2).says(t, "[untrusted]") }
	refused(dir)
	o := trusted(t, dir, home, "trust").expect(t, 0)
	for _, want := range []string{`.ktask.yaml:1:10: secret "x/SECURE_DATA" (the file "`, `id_rsa")`, `.ktask.yaml:2:9: mount "..:/host"`, `network "other"`, "trusted until it changes"} {
		if !strings.Contains(o.stdout, want) {
			t.Errorf("ktask trust does not say %q:\n%s", want, o.stdout)
		}
	}
	trusted(t, dir, home, plan...).expect(t, 0)
	if info, err := os.Stat(filepath.Join(home, ".config", "ktask", "trust")); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the directory of what is trusted: %v, error %v", info, err)
	}

	copied := clone(t, settings)
	refused(copied) // the same content elsewhere
	if err := os.Remove(filepath.Join(copied, ".ktask.yaml")); err != nil {
		t.Fatal(err)
	}
	link(t, copied, filepath.Join(dir, ".ktask.yaml"), ".ktask.yaml")
	trusted(t, copied, home, "plan", "task.yaml").expect(t, 2).says(t, "a link that leads out of its directory is not followed")
	trusted(t, dir, home, "plan", "task.yaml").expect(t, 0)

	write(t, dir, ".ktask.yaml", settings+"grace: 1s\n") // another content
	refused(dir)
	write(t, dir, ".ktask.yaml", settings+"\n")
	trusted(t, dir, home, plan...).expect(t, 0)
	trusted(t, t.TempDir(), home, "trust", "--revoke", dir).expect(t, 0)
	refused(dir)

	for _, settings := range []string{"secret: ['x=@key']", "secret: ['x=1']\nmount: ['up:/host:ro']", "secret: ['x=1']\nmount: ['./up/.ssh:/host']"} {
		through := clone(t, settings)
		trusted(t, through, home, "trust").expect(t, 0).says(t, "leads outside")
		refused(through)
	}

	odd := t.TempDir()
	trusted(t, odd, home, "trust").expect(t, 2).says(t, ".ktask.yaml: no such file")
	pipe(t, odd, ".ktask.yaml")
	trusted(t, odd, home, "trust").expect(t, 2).says(t, "not a regular file but a named pipe")
	trusted(t, odd, home, "trust", "nowhere").expect(t, 2).says(t, "no such file")
	broken := clone(t, "mount: {..: /host\n")
	trusted(t, broken, home, "trust").expect(t, 2)
	finish(t, command(t, dir, []string{"HOME=", "XDG_CONFIG_HOME="}, "trust")).expect(t, 2).says(t, "there is no directory for the user's settings")
}

// TestSettingsOfAnotherUserAbove has another user put settings and a .git into a directory above the user's own, as in /tmp.
func TestSettingsOfAnotherUserAbove(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can give a file to another user")
	}
	shared := t.TempDir()
	write(t, shared, ".ktask.yaml", "no-such-key: x\n")
	write(t, shared, ".git/HEAD", "ref: refs/heads/main\n")
	write(t, shared, "mine/task.yaml", container(0, "true"))
	dir := filepath.Join(shared, "mine")
	const said = "../.ktask.yaml belongs to another user and is not used here"
	if o := bounded(t, dir, "plan", "task.yaml").expect(t, 2); !strings.Contains(o.stderr, "../.ktask.yaml:1:") {
		t.Errorf("the user's own settings do not count: %s", o.stderr)
	}
	for _, name := range []string{".ktask.yaml", "."} {
		if err := os.Chown(filepath.Join(shared, name), 4321, 4321); err != nil {
			t.Fatal(err)
		}
		bounded(t, dir, "plan", "task.yaml").expect(t, 0).says(t, said)
		bounded(t, shared, "plan", "mine/task.yaml").expect(t, 2).says(t, ".ktask.yaml:1:") // where the user goes, they count
		if err := os.Chown(filepath.Join(shared, name), 0, 0); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chown(shared, 4321, 4321); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(dir, 4321, 4321); err != nil { // all of it is theirs, as in a container that has a work tree mounted
		t.Fatal(err)
	}
	if o := bounded(t, dir, "plan", "task.yaml").expect(t, 2); strings.Contains(o.stderr, said) {
		t.Error(o.stderr)
	}
}
