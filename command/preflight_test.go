package command_test

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ktask/ktask/command"
	"github.com/ktask/ktask/local"
)

// TestUnusableEngineIsToldOnce runs eight tasks on engines that cannot be used: one error and its remedy, exit code 3, and every
// task in the reports.
func TestUnusableEngineIsToldOnce(t *testing.T) {
	old := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Api-Version", "1.24") }))
	defer old.Close()
	dir := t.TempDir()
	for i := range 8 {
		manifest := fmt.Sprintf("apiVersion: lifecycle.keptn.sh/v1\nkind: KeptnTaskDefinition\nmetadata: {name: t%d}\nspec: {container: {name: c, image: \"app:1\"}}\n", i)
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("t%d.yaml", i)), []byte(manifest), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("GITHUB_ACTIONS", "")
	for name, test := range map[string]struct{ host, want string }{
		"no socket": {"unix:///no/such.sock", "ktask: the Docker engine at unix:///no/such.sock cannot be reached: no such file or directory\n" +
			"fix: start Docker, or name another engine with --host, DOCKER_HOST or --docker-context\n"},
		"nothing listens": {"tcp://127.0.0.1:1", "ktask: the Docker engine at tcp://127.0.0.1:1 cannot be reached: connection refused\n" +
			"fix: start Docker, or name another engine with --host, DOCKER_HOST or --docker-context\n"},
		"an old API": {strings.Replace(old.URL, "http", "tcp", 1), "ktask: the Docker engine at " + strings.Replace(old.URL, "http", "tcp", 1) +
			" supports version 1.24 of the Docker API, but ktask needs 1.30\nfix: update the engine, or name another engine with --host, DOCKER_HOST or --docker-context\n"},
	} {
		for output, lines := range map[string]int{"plain": 0, "quiet": 0, "json": 1} {
			t.Run(name+", "+output, func(t *testing.T) {
				var out, err bytes.Buffer
				junit := filepath.Join(t.TempDir(), "junit.xml")
				app := command.App{In: strings.NewReader(""), Out: &out, Err: &err, NewEngine: local.NewEngine}
				code := command.Main(t.Context(), app, []string{"run", "--host", test.host, "-o", output, "--junit", junit, dir})
				if code != 3 || err.String() != test.want {
					t.Errorf("exit code %d, stderr:\n%s", code, err.String())
				}
				if strings.Count(out.String(), "\n") != lines || strings.Count(out.String(), `"status":"errored"`) != 9*lines {
					t.Errorf("stdout:\n%s", out.String())
				}
				if written, failure := os.ReadFile(junit); failure != nil || !bytes.Contains(written, []byte(`errors="8"`)) {
					t.Errorf("error %v, JUnit:\n%s", failure, written)
				}
			})
		}
	}
}
