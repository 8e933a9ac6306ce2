package e2e

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ktask/ktask/integration/engines"
)

// contract is one thing that a runtime's image promises to a script.
type contract struct {
	name string
	// spec is the content of "spec:" in the definition.
	spec string
	code int
	// prints has to be among the output of the task.
	prints string
}

// inline is the spec of a script.
func inline(runtime, code string, extra ...string) string {
	text := "  " + runtime + ":\n    inline:\n      code: |\n        " + strings.ReplaceAll(code, "\n", "\n        ") + "\n"
	for _, line := range extra {
		text += "    " + line + "\n"
	}
	return text
}

// keep runs all tasks in one run and compares each with its contract.
func keep(t *testing.T, contracts []contract, args ...string) {
	t.Helper()
	var manifests []string
	failing := 0
	for _, c := range contracts {
		manifests = append(manifests, definition(c.name, c.spec))
		failing = max(failing, min(c.code, 1))
	}
	report := filepath.Join(t.TempDir(), "report.json")
	args = append([]string{"run", "-o", "plain", "-j", "2", "--report", report}, append(args, "-")...)
	o := ktask(t, strings.Join(manifests, "---\n"), args...).expect(t, failing)

	var result struct {
		Tasks []struct {
			Name, Status string
			ExitCode     int
		}
	}
	if err := json.Unmarshal([]byte(readFile(t, report)), &result); err != nil {
		t.Fatal(err)
	}
	if len(result.Tasks) != len(contracts) {
		t.Fatalf("%d tasks have %d results", len(contracts), len(result.Tasks))
	}
	for i, c := range contracts {
		t.Run(c.name, func(t *testing.T) {
			got := result.Tasks[i]
			status := map[bool]string{true: "passed", false: "failed"}[c.code == 0]
			if got.Name != c.name || got.Status != status || got.ExitCode != c.code {
				t.Errorf("%s %s with exit code %d, want it %s with %d", got.Name, got.Status, got.ExitCode, status, c.code)
			}
			if output := outputOf(c.name, o); !strings.Contains(output, c.prints) {
				t.Errorf("prints\n%s\nwant in it\n%s", output, c.prints)
			}
		})
	}
}

// outputOf returns the output of one of several tasks.
func outputOf(task string, o outcome) string {
	var own strings.Builder
	for line := range strings.Lines(o.stdout + o.stderr) {
		if name, text, ok := strings.Cut(line, " | "); ok && strings.TrimSpace(name) == task {
			own.WriteString(text)
		}
	}
	return own.String()
}

// TestDenoRuntime runs scripts in the deno image and compares what they may do, as which user, and what fails. See
// "Permissions of deno", "Runtime users" and "Exit status of a script" in docs/fidelity.md.
func TestDenoRuntime(t *testing.T) {
	allowed := `Deno.writeTextFileSync("/tmp/own", "x");
const listener = Deno.listen({ port: 0 });
listener.close();
console.log(Deno.env.get("DATA"), Deno.env.get("SECURE_DATA").length, typeof JSON.parse(Deno.env.get("KEPTN_CONTEXT")));
console.log("uid", Deno.statSync("/tmp/own").uid);`
	denied := `const tries = {
  SCRIPT: () => Deno.env.get("SCRIPT"), CMD_ARGS: () => Deno.env.get("CMD_ARGS"), HOME: () => Deno.env.get("HOME"),
  run: () => new Deno.Command("true").outputSync(), sys: () => Deno.hostname(), ffi: () => Deno.dlopen("x.so", {}),
};
for (const [name, attempt] of Object.entries(tries)) {
  try { attempt(); console.log(name, "allowed"); } catch (e) { console.log(name, e.name); }
}`
	keep(t, []contract{
		{"allowed", inline("deno", allowed, "parameters: {map: {a: b}}", "secureParameters: {secret: token}"), 0, "{\"a\":\"b\"} 7 object\nuid 1000\n"},
		{"denied", inline("deno", denied), 0, "SCRIPT NotCapable\nCMD_ARGS NotCapable\nHOME NotCapable\nrun NotCapable\nsys NotCapable\nffi NotCapable\n"},
		{"uncaught", inline("deno", `Deno.env.get("HOME");`), 1, `Requires env access to "HOME"`},
		{"exit-code", inline("deno", "Deno.exit(7);"), 7, ""},
		{"syntax", inline("deno", "let = ;"), 1, ""},
	}, "--secret", "token=1234567")
}

// TestPythonRuntime runs scripts in the python image and compares their user, file, options, libraries and exit status. See
// "Runtime users", "Code in a ConfigMap", "Name of the pod", "Options of python" and "Exit status of a script" in docs/fidelity.md.
func TestPythonRuntime(t *testing.T) {
	probe := `import os, sys
import requests, json, git, yaml
print(os.getuid(), os.getgid(), sys.flags.dont_write_bytecode, sys.flags.optimize, sys.argv)`
	file := `import os
at = os.stat(__file__)
print(oct(at.st_mode & 0o7777), at.st_uid, os.access(__file__, os.W_OK), os.access(os.path.dirname(__file__), os.W_OK), os.environ["HOSTNAME"])`
	defaults := "  container:\n    name: c\n    image: " + pythonImage + "\n    command: [sh, -ceu, 'echo \"[$$CMD_ARGS][$$SCRIPT]\"']\n"
	arguments := "  container:\n    name: c\n    image: " + pythonImage + `
    command: [sh, -ceu, 'echo "import sys; print(sys.argv)" >/tmp/a.py; cd /tmp; SCRIPT="a.py -i x:y" exec /entrypoint.sh']
`
	keep(t, []contract{
		{"probe", inline("python", probe, "cmdParameters: ' -B   -OO /var/data/function.p*'"), 0, "1000 1000 1 2 ['/var/data/function.py', '/var/data/function.py']\n"},
		{"the-script", inline("python", file), 0, "0o644 0 False False the-script\n"},
		{"help", inline("python", "print('not run')", "cmdParameters: -h"), 0, "usage: python3"},
		{"no-import", inline("python", "print(os.getcwd())"), 1, "NameError"},
		{"exit-code", inline("python", "raise SystemExit(7)"), 7, ""},
		{"uncaught", inline("python", "raise ValueError('seen')"), 1, "ValueError: seen"},
		{"syntax", inline("python", "def"), 1, "SyntaxError"},
		{"defaults", defaults, 0, "[][]\n"},
		{"arguments", arguments, 0, "['a.py', '-i', 'x:y']\n"},
	})
}

// scriptServer answers with a script, a redirect to it, an error page that is a script too, or nothing.
const scriptServer = `
import http.server, time
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        name, _, kind = self.path.strip("/").partition(".")
        say = {"py": 'import sys; print("%s", sys.argv[0])', "ts": 'console.log("%s")'}[kind]
        self.send_response({"moved": 302, "missing": 404}.get(name, 200))
        if name == "slow":
            time.sleep(600)
        if name == "moved":
            self.send_header("Location", "/script." + kind)
        self.send_header("Content-Type", {"py": "text/plain", "ts": "application/typescript"}[kind])
        self.end_headers()
        if name != "empty":
            self.wfile.write((say % name).encode())
print("ready", flush=True)
http.server.ThreadingHTTPServer(("", 8000), Handler).serve_forever()
`

// TestDownloads fetches scripts in both images: a download that fails (an error page, no host, an empty body) fails the
// task, and redirects are followed. Python calls a script from a URL "-". See "Failed downloads" in docs/fidelity.md.
func TestDownloads(t *testing.T) {
	network := engines.Scripts(t, pythonImage, "ready", nil, "-c", scriptServer)
	var all []contract
	for _, runtime := range []struct{ name, kind, says string }{{"python", "py", "script -\n"}, {"deno", "ts", "script\n"}} {
		for _, c := range []struct {
			name, url string
			code      int
			prints    string
		}{
			{"script", "http://scripts:8000/script", 0, runtime.says},
			{"moved", "http://scripts:8000/moved", 0, runtime.says},
			{"missing", "http://scripts:8000/missing", 1, ""},
			{"empty", "http://scripts:8000/empty", 1, "is empty"},
			{"dead", "http://scripts:1/script", 1, ""},
		} {
			spec := fmt.Sprintf("  %s:\n    httpRef: {url: '%s.%s'}\n", runtime.name, c.url, runtime.kind)
			all = append(all, contract{runtime.name + "-" + c.name, spec, c.code, c.prints})
		}
	}
	keep(t, all, "--network", network)
	var failed []failing
	for _, runtime := range []struct{ name, kind, notFound, dead string }{
		{"python", "py", ": (22) The requested URL returned error: 404", ": (7) Failed to connect"},
		{"deno", "ts", ": not found", ""},
	} {
		for name, says := range map[string]string{
			"http://scripts:8000/missing." + runtime.kind: "exit code 1: cannot download the script %s" + runtime.notFound,
			"http://scripts:8000/empty." + runtime.kind:   "exit code 1: the script %s is empty",
			"http://scripts:1/dead." + runtime.kind:       "exit code 1: cannot download the script %s" + runtime.dead,
		} {
			failed = append(failed, failing{
				strings.NewReplacer("/", "", ":", "", ".", "").Replace(name), fmt.Sprintf("  %s:\n    httpRef: {url: '%s'}\n", runtime.name, name),
				"failed", "DownloadFailed", fmt.Sprintf(says, name), "correct the URL",
			})
		}
	}
	judged(t, failed, "--network", network)

	// A download that the timeout stops ends at once.
	slow := definition("python-slow", "  timeout: 15s\n  python:\n    httpRef: {url: 'http://scripts:8000/slow.py'}\n") + "---\n" +
		definition("deno-slow", "  timeout: 15s\n  deno:\n    httpRef: {url: 'http://scripts:8000/slow.ts'}\n")
	report := filepath.Join(t.TempDir(), "report.json")
	ktask(t, slow, "run", "--network", network, "--grace", "60s", "--report", report, "-").expect(t, 4)
	endedBySignal(t, report, "timed-out")
}
