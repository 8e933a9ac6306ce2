package command_test

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/ktask/ktask/command"
	"github.com/ktask/ktask/local"
)

// poorEngine answers what a rootless engine of an old kind answers that has one image and a container of a run elsewhere.
func poorEngine(t *testing.T) (host string) {
	t.Helper()
	return describedEngine(t, "1.41", `{"OSType":"linux","Architecture":"x86_64","OperatingSystem":"Debian","CgroupVersion":"1","CgroupDriver":"none","Driver":"vfs",`+
		`"SecurityOptions":["name=seccomp","name=rootless"],"MemoryLimit":false,"PidsLimit":false,"CpuCfsQuota":true}`, containerOf("1", ""))
}

// richEngine answers what an engine with all features answers, with these containers.
func richEngine(t *testing.T, containers ...string) (host string) {
	t.Helper()
	return describedEngine(t, "1.47", `{"OSType":"linux","Architecture":"aarch64","CgroupVersion":"2","CgroupDriver":"systemd","Driver":"overlay2",`+
		`"NCPU":4,"MemTotal":8053063680,"MemoryLimit":true,"PidsLimit":true,"CpuCfsQuota":true}`, containers...)
}

// containerOf returns what an engine answers about a container of a run. ending is that of its name.
func containerOf(run, ending string) string {
	return fmt.Sprintf(`{"Id":"1","Names":["/ktask-%s-t-1%s"],"Created":1,"Labels":{"dev.ktask.run":%[1]q,"dev.ktask.task":"t","dev.ktask.attempt":"1","dev.ktask.create":"x"}}`, run, ending)
}

// describedEngine answers with a version of the API, a description of itself, and these containers. It has the image deno:1.
func describedEngine(t *testing.T, version, info string, containers ...string) (host string) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Api-Version", version)
		w.Header().Set("Server", "Docker/20.10.1 (linux)")
		w.Header().Set("Content-Type", "application/json")
		switch path := regexp.MustCompile(`^/v[0-9.]+`).ReplaceAllString(r.URL.Path, ""); path {
		case "/_ping":
		case "/info":
			_, _ = w.Write([]byte(info))
		case "/images/deno:1/json":
			_, _ = w.Write([]byte(`{"Id":"sha256:1"}`))
		case "/containers/json":
			_, _ = w.Write([]byte("[" + strings.Join(containers, ",") + "]"))
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

// doctorHome makes an empty directory the current one, and Docker's configuration the file config in another, which it returns.
func doctorHome(t *testing.T, config string) (docker string) {
	t.Helper()
	t.Chdir(t.TempDir())
	docker = t.TempDir()
	if err := os.WriteFile(filepath.Join(docker, "config.json"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{"DOCKER_CONFIG": docker, "DOCKER_HOST": "", "DOCKER_CONTEXT": "", "FUNCTION_RUNNER_IMAGE": "deno:1", "PYTHON_RUNNER_IMAGE": "python:1", "XDG_RUNTIME_DIR": t.TempDir()} {
		t.Setenv(name, value)
	}
	return docker
}

// doctorHere runs doctor with the current directory and environment.
func doctorHere(t *testing.T, args ...string) (code int, out, err string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code = command.Main(t.Context(), command.App{Out: &stdout, Err: &stderr, ConfigDir: os.Getenv("DOCKER_CONFIG"), NewEngine: local.NewEngine}, append([]string{"doctor"}, args...))
	return code, strings.ReplaceAll(stdout.String(), os.Getenv("DOCKER_CONFIG"), "DIR"), stderr.String()
}

func doctor(t *testing.T, args ...string) (code int, out, err string) {
	t.Helper()
	doctorHome(t, `{"auths":{"ghcr.io":{"auth":"bWU6aHVudGVyMg=="}},"credHelpers":{"far.example":"no-such"}}`)
	return doctorHere(t, args...)
}

func TestDoctor(t *testing.T) {
	host := poorEngine(t)
	code, out, _ := doctor(t, "--host", host)
	const pulled = "not on the engine, pulled when a task needs it (`ktask images build` builds ktask's own)"
	want := `✓ engine       docker 20.10.1 at HOST
✓              API 1.41, Debian, linux/x86_64, cgroups v1 (none), storage vfs, rootless
✓ tried        HOST (--host): ok
✓ settings     no .ktask.yaml
✓ images       deno:1: on the engine
!              python:1: ` + pulled + `
✓ credentials  DIR/config.json: ghcr.io
!              docker-credential-no-such: it is not in PATH: install it, or remove it from DIR/config.json
! left behind  1 of runs elsewhere: ` + "`ktask clean --all`" + ` removes them, whether in use or not
! degraded     memory limit: resources.limits.memory has no effect (use cgroups v2, and delegate the controllers memory, pids and cpu to the engine's user)
!              pids limit: a fork bomb of a task does not end with the task (use cgroups v2, and delegate the controllers memory, pids and cpu to the engine's user)
!              subPath: different subPaths of a volume are refused (use Docker 26 or later)
`
	if got := strings.ReplaceAll(out, host, "HOST"); code != 0 || got != want {
		t.Errorf("exit code %d, got\n%s\nwant\n%s", code, got, want)
	}

	code, out, err := doctor(t, "--host", "unix:///no/such.sock")
	const none = "✗ engine       none that can be used\n✗ tried        unix:///no/such.sock (--host): cannot be reached: no such file or directory\n"
	if code != 3 || !strings.HasPrefix(out, none) || strings.Contains(out, "left behind") || !strings.Contains(err, "fix: start Docker") {
		t.Errorf("exit code %d, stdout\n%s\nstderr\n%s", code, out, err)
	}
	code, out, err = doctor(t, "--docker-context", "missing")
	if code != 3 || !strings.Contains(out, "ghcr.io") || !strings.Contains(err, "docker context ls") {
		t.Errorf("exit code %d, stdout\n%s\nstderr\n%s", code, out, err)
	}
}

// TestDoctorWithoutCredentials examines an engine that lacks nothing, with containers whose runs have ended, are at work, or were kept.
func TestDoctorWithoutCredentials(t *testing.T) {
	doctorHome(t, `{}`)
	runs := local.UserRuns()
	for _, run := range []string{"dead", "dead2", "kept", "alive"} {
		claim, err := runs.Claim(run)
		if err != nil {
			t.Fatal(err)
		}
		if run == "alive" {
			t.Cleanup(claim.Release)
		} else {
			claim.Leave()
		}
	}
	for want, containers := range map[string][]string{
		"✓ left behind  nothing": nil,
		"! left behind  2 of dead runs: the next run or `ktask clean` removes them\n!              1 kept: `ktask clean` removes them\n✓              1 of runs at work on this machine": {
			containerOf("dead", ""), containerOf("dead2", ""), containerOf("kept", "-kept"), containerOf("alive", "")},
	} {
		host := richEngine(t, containers...)
		code, out, err := doctorHere(t, "--host", host, "--deno-image", "python:2", "--python-image", "deno:1")
		want := "✓ engine       docker 20.10.1 at HOST\n✓              API 1.47, linux/aarch64, 4 CPUs, 7.5 GiB memory, cgroups v2 (systemd), storage overlay2\n✓ tried        HOST (--host): ok\n✓ settings     no .ktask.yaml\n" +
			"! images       python:2: not on the engine, pulled when a task needs it (`ktask images build` builds ktask's own)\n✓              deno:1: on the engine\n" +
			"✓ credentials  none: only public images can be pulled\n" + want + "\n✓ degraded     nothing\n"
		if got := strings.ReplaceAll(out, host, "HOST"); code != 0 || got != want || err != "" {
			t.Errorf("exit code %d, got\n%s\nwant\n%s\nstderr\n%s", code, got, want, err)
		}
	}
}

// TestDoctorOfClocks examines engines whose clock is another one than this machine's.
func TestDoctorOfClocks(t *testing.T) {
	doctorHome(t, `{}`)
	for ahead, want := range map[time.Duration]string{
		time.Hour: "! clock        the engine's is 1h0m0s ahead of this machine's (set both by NTP)\n", -time.Hour: "! clock        the engine's is 1h0m0s behind this machine's (set both by NTP)\n", 0: "",
	} {
		host := describedEngine(t, "1.47", fmt.Sprintf(`{"SystemTime":%q}`, time.Now().Add(ahead).Format(time.RFC3339Nano)))
		if _, out, _ := doctorHere(t, "--host", host); !strings.Contains(out, want) || want == "" && strings.Contains(out, "clock") {
			t.Errorf("%v ahead: %q is not in\n%s", ahead, want, out)
		}
	}
}

// TestDoctorOfSettings checks which setting has named the engine, and what doctor says about settings that are wrong.
func TestDoctorOfSettings(t *testing.T) {
	host := richEngine(t)
	for name, test := range map[string]struct {
		args        []string
		config      string
		file        string // .ktask.yaml
		hostVar     string
		contextVar  string
		version     string
		code        int
		says, error string
	}{
		"a context":           {args: []string{"--docker-context", "rich"}, says: host + " (--docker-context): ok\n"},
		"DOCKER_HOST":         {hostVar: host, says: host + " (DOCKER_HOST): ok\n"},
		"DOCKER_CONTEXT":      {contextVar: "rich", says: host + " (DOCKER_CONTEXT): ok\n"},
		"DOCKER_API_VERSION":  {hostVar: host, version: "1.40", says: "\n✓              API 1.40, "},
		"no version":          {version: "nope", code: 3, says: "none that can be used\n", error: "DOCKER_API_VERSION \"nope\" is not a version of the Docker API, like 1.41\nfix: unset DOCKER_API_VERSION"},
		"the current context": {config: `{"currentContext":"rich"}`, says: host + " (the current context): ok\n"},
		".ktask.yaml":         {file: "host: " + host + "\n", says: host + " (.ktask.yaml): ok\n✓ settings     .ktask.yaml (`ktask config` shows them)\n"},
		"no context of it":    {file: "docker-context: poor\n", hostVar: host, says: host + " (DOCKER_HOST): ok\n"},
		"two registries":      {config: `{"auths":{"a.io":{"auth":"x"},"b.io":{"auth":"x"}}}`, hostVar: host, says: "DIR/config.json: a.io, b.io\n"},
		"a store":             {config: `{"credsStore":"there"}`, hostVar: host, says: "credentials  docker-credential-there: whatever it has\n"},
		"broken credentials":  {config: `{`, hostVar: host, says: "credentials  none: read the credentials: DIR/config.json:1:1: the JSON ends too early [syntax]\n"},
		"a broken file":       {file: "hots: x\n", code: 2, error: `unknown key "hots" (did you mean "host"?)`},
		"an argument":         {args: []string{"x"}, code: 2, error: `doctor takes no arguments, not "x"`},
		"an output":           {args: []string{"-o", "xml"}, code: 2, error: "--output takes text or json"},
		"an empty image":      {args: []string{"--deno-image", ""}, code: 2, error: `--deno-image takes the name of an image, not ""`},
		"an image's name":     {args: []string{"--python-image", "Bad Image"}, code: 2, error: `--python-image takes the name of an image, not "Bad Image"`},
		"a kind of engine":    {args: []string{"--engine", "moby"}, code: 2, error: "--engine takes docker"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := doctorHome(t, cmp.Or(test.config, "{}"))
			meta := filepath.Join(dir, "contexts", "meta", fmt.Sprintf("%x", sha256.Sum256([]byte("rich"))))
			if err := os.MkdirAll(meta, 0o700); err != nil {
				t.Fatal(err)
			}
			for file, text := range map[string]string{filepath.Join(meta, "meta.json"): `{"Endpoints":{"docker":{"Host":"` + host + `"}}}`, ".ktask.yaml": test.file, filepath.Join(dir, "docker-credential-there"): ""} {
				if err := os.WriteFile(file, []byte(text), 0o700); err != nil {
					t.Fatal(err)
				}
			}
			t.Setenv("PATH", dir)
			t.Setenv("DOCKER_HOST", test.hostVar)
			t.Setenv("DOCKER_CONTEXT", test.contextVar)
			t.Setenv("DOCKER_API_VERSION", test.version)
			if test.file != "" && test.code == 0 {
				var out bytes.Buffer
				if code := command.Main(t.Context(), command.App{Out: &out, Err: &out, ConfigDir: dir}, []string{"trust"}); code != 0 {
					t.Fatal(out.String())
				}
			}
			code, out, err := doctorHere(t, test.args...)
			if code != test.code || !strings.Contains(out, test.says) || !strings.Contains(err, test.error) {
				t.Errorf("exit code %d, want %d, %q and %q\nstdout\n%s\nstderr\n%s", code, test.code, test.says, test.error, out, err)
			}
		})
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
	code, out, _ = doctor(t, "-o", "json", "--host", "unix:///no/such.sock")
	for _, says := range []string{
		`"ok": false`, `"error": "the Docker engine at unix:///no/such.sock cannot be reached: no such file or directory"`, `"remedy": "start Docker, or name another engine with --host`,
		`"of": "--host"`, `"engine": null`, `"images": []`, `"ghcr.io"`,
	} {
		if code != 3 || !strings.Contains(out, says) {
			t.Errorf("exit code %d, want 3 and %s:\n%s", code, says, out)
		}
	}
}
