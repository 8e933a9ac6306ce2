package command_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ktask/ktask/command"
	"github.com/ktask/ktask/local"
)

// poorEngine answers what a rootless engine of an old kind answers that has one image and a container of a run elsewhere.
func poorEngine(t *testing.T) (host string) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Api-Version", "1.41")
		w.Header().Set("Server", "Docker/20.10.1 (linux)")
		w.Header().Set("Content-Type", "application/json")
		switch path := strings.TrimPrefix(r.URL.Path, "/v1.41"); path {
		case "/_ping":
		case "/info":
			_, _ = w.Write([]byte(`{"OSType":"linux","Architecture":"x86_64","OperatingSystem":"Debian","CgroupVersion":"1","CgroupDriver":"none","Driver":"vfs",` +
				`"SecurityOptions":["name=seccomp","name=rootless"],"MemoryLimit":false,"PidsLimit":false,"CpuCfsQuota":true}`))
		case "/images/deno:1/json":
			_, _ = w.Write([]byte(`{"Id":"sha256:1"}`))
		case "/containers/json":
			_, _ = w.Write([]byte(`[{"Id":"1","Names":["/ktask-1-t-1"],"Created":1,"Labels":{"dev.ktask.run":"1","dev.ktask.task":"t","dev.ktask.attempt":"1","dev.ktask.create":"x"}}]`))
		case "/volumes":
			_, _ = w.Write([]byte(`{}`))
		default:
			w.WriteHeader(http.StatusNotFound)
			_, _ = w.Write([]byte(`{"message":"no such thing"}`))
		}
	}))
	t.Cleanup(server.Close)
	return strings.Replace(server.URL, "http", "tcp", 1)
}

func doctor(t *testing.T, args ...string) (code int, out, err string) {
	t.Helper()
	t.Chdir(t.TempDir())
	docker := t.TempDir()
	if err := os.WriteFile(filepath.Join(docker, "config.json"), []byte(`{"auths":{"ghcr.io":{"auth":"bWU6aHVudGVyMg=="}},"credHelpers":{"far.example":"no-such"}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{"DOCKER_CONFIG": docker, "DOCKER_HOST": "", "DOCKER_CONTEXT": "", "FUNCTION_RUNNER_IMAGE": "deno:1", "PYTHON_RUNNER_IMAGE": "python:1", "XDG_RUNTIME_DIR": t.TempDir()} {
		t.Setenv(name, value)
	}
	var stdout, stderr bytes.Buffer
	code = command.Main(t.Context(), command.App{Out: &stdout, Err: &stderr, NewEngine: local.NewEngine}, append([]string{"doctor"}, args...))
	return code, strings.ReplaceAll(stdout.String(), docker, "DIR"), stderr.String()
}

func TestDoctor(t *testing.T) {
	host := poorEngine(t)
	code, out, _ := doctor(t, "--host", host)
	const pulled = "not on the engine, pulled when a task needs it (`ktask images build` builds ktask's own)"
	want := `engine       docker 20.10.1 at HOST
             API 1.41, Debian, linux/x86_64, cgroups v1 (none), storage vfs, rootless
tried        HOST (--host): ok
images       deno:1: on the engine
             python:1: ` + pulled + `
credentials  DIR/config.json: ghcr.io
             docker-credential-no-such: it is not in PATH: install it, or remove it from DIR/config.json
left behind  1 of runs elsewhere: ` + "`ktask clean --all`" + ` removes them, whether in use or not
degraded     memory limit: resources.limits.memory has no effect (use cgroups v2, and delegate the controllers memory, pids and cpu to the engine's user)
             pids limit: a fork bomb of a task does not end with the task (use cgroups v2, and delegate the controllers memory, pids and cpu to the engine's user)
             subPath: different subPaths of a volume are refused (use Docker 26 or later)
`
	if got := strings.ReplaceAll(out, host, "HOST"); code != 0 || got != want {
		t.Errorf("exit code %d, got\n%s\nwant\n%s", code, got, want)
	}

	code, out, err := doctor(t, "--host", "unix:///no/such.sock")
	if code != 3 || !strings.Contains(out, "unix:///no/such.sock (--host): cannot be reached: no such file or directory\n") || !strings.Contains(err, "fix: start Docker") {
		t.Errorf("exit code %d, stdout\n%s\nstderr\n%s", code, out, err)
	}
	code, out, err = doctor(t, "--docker-context", "missing")
	if code != 3 || !strings.Contains(out, "ghcr.io") || !strings.Contains(err, "docker context ls") {
		t.Errorf("exit code %d, stdout\n%s\nstderr\n%s", code, out, err)
	}
}

func TestDoctorForPrograms(t *testing.T) {
	code, out, err := doctor(t, "-o", "json", "--host", poorEngine(t))
	var got struct {
		Schema string
		OK     bool
		Tried  []struct{ Of, Answer string }
		Engine struct {
			Rootless bool
			Degraded []struct{ Feature string }
		}
		Images      []struct{ Present bool }
		Credentials []struct{ Registries []string }
		Leftovers   struct{ Unknown int }
	}
	if failure := json.Unmarshal([]byte(out), &got); failure != nil || code != 0 || err != "" {
		t.Fatalf("exit code %d, %v, stderr %q:\n%s", code, failure, err, out)
	}
	if !got.OK || got.Schema != "ktask.dev/doctor/v1" || len(got.Tried) != 1 || got.Tried[0].Answer != "ok" || !got.Engine.Rootless || len(got.Engine.Degraded) != 3 ||
		len(got.Images) != 2 || !got.Images[0].Present || len(got.Credentials) != 2 || got.Leftovers.Unknown != 1 {
		t.Errorf("got %+v", got)
	}
	if strings.Contains(out, "hunter2") || strings.Contains(out, "bWU6aHVudGVyMg") {
		t.Errorf("shows credentials:\n%s", out)
	}
}
