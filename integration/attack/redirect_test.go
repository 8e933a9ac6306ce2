package attack

import (
	"fmt"
	"strings"
	"testing"

	"github.com/ktask/ktask/integration/engines"
)

// redirectServer answers with a redirect to what the path names, in the ways in which servers write it, or with a script.
// Whatever follows a scheme in the path is also a script: a client that takes a location for a path is sent there.
const redirectServer = `
import http.server
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        kind = "py" if self.path.endswith(".py") else "ts"
        to = {"/moved": "/script", "/host": "//scripts:8000/script", "/UPPER": "HTTP://scripts:8000/script", "/hops": "/moved",
            "/file": "file:///opt/secret", "/FILE": "FILE:///opt/secret", "/hop-file": "/file", "/upper-file": "HTTP://scripts:8000/file",
            "/data": "data:application/typescript,console.log('obeyed')//", "/npm": "npm:cowsay", "/ftp": "ftp://scripts:8000/script",
            "/loop": "/loop", "/flip": "/flip"}.get(self.path.rsplit(".", 1)[0])
        if self.path.startswith("/flip"): # it fails first, and redirects when it is asked again
            Handler.asked = getattr(Handler, "asked", 0) + 1
            to = "file:///opt/secret" if Handler.asked > 1 else None
            if not to:
                self.send_error(500)
                return
        self.send_response(302 if to else 200)
        if to:
            self.send_header("Location", to + ("." + kind if ":" not in to[1:5] or to.lower().startswith(("http", "file", "ftp")) else ""))
        self.send_header("Content-Type", {"py": "text/plain", "ts": "application/typescript"}[kind])
        self.end_headers()
        if not to:
            self.wfile.write({"py": b"print('script')", "ts": b"console.log('script')"}[kind])
    def log_message(self, *args): pass
print("ready", flush=True)
http.server.ThreadingHTTPServer(("", 8000), Handler).serve_forever()
`

// TestRedirectsLeadToTheWebOnly has a server redirect a script's URL to a file of the container, and to code in the URL itself.
func TestRedirectsLeadToTheWebOnly(t *testing.T) {
	network := engines.Scripts(t, pythonImage, "ready", nil, "-c", redirectServer)
	dir := t.TempDir()
	write(t, dir, "secret.ts", "console.log('obeyed')")
	write(t, dir, "secret.py", "print('obeyed')")
	for _, runtime := range []struct{ name, kind string }{{"deno", "ts"}, {"python", "py"}} {
		for path, code := range map[string]int{
			"script": 0, "moved": 0, "host": 0, "UPPER": 0, "hops": 0, "file": 1, "FILE": 1, "hop-file": 1, "upper-file": 1, "data": 1, "npm": 1, "ftp": 1, "loop": 1, "flip": 1,
		} {
			t.Run(runtime.name+"/"+path, func(t *testing.T) {
				task := fmt.Sprintf("apiVersion: lifecycle.keptn.sh/v1\nkind: KeptnTaskDefinition\nmetadata: {name: t}\nspec: {%s: {httpRef: {url: 'http://scripts:8000/%s.%s'}}}\n", runtime.name, path, runtime.kind)
				o := ktask(t, dir, task, "run", "--network", network, "--mount", "./secret.ts:/opt/secret.ts:ro", "--mount", "./secret.py:/opt/secret.py:ro", "-").expect(t, code)
				if strings.Contains(o.stdout, "obeyed") || code == 0 && o.stdout != "script\n" {
					t.Errorf("another script ran: %q", o.stdout)
				}
			})
		}
	}
}

// TestScriptsComeFromTheWeb names files, and code, by URLs.
func TestScriptsComeFromTheWeb(t *testing.T) {
	dir := t.TempDir()
	for _, url := range []string{"file:///etc/passwd", "FILE:///etc/passwd", "data:text/javascript,console.log(1)", "npm:cowsay", "jsr:@std/fs", "ftp://host/x", "blob:x", "htp://host/x"} {
		for _, runtime := range []string{"deno", "python", "function"} {
			version := map[string]string{"function": "v1alpha3"}[runtime]
			if version == "" {
				version = "v1"
			}
			task := fmt.Sprintf("apiVersion: lifecycle.keptn.sh/%s\nkind: KeptnTaskDefinition\nmetadata: {name: t}\nspec: {%s: {httpRef: {url: '%s'}}}\n", version, runtime, url)
			for _, sub := range []string{"validate", "run"} {
				ktask(t, dir, task, sub, "-").expect(t, 2).says(t, "<stdin>:4:", "[url-scheme]")
			}
		}
	}
}
