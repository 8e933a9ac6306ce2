package docker

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/registry"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/plan"
)

// TestStartFailureKnowsEnginesWords parses errors of engines that the other tests do not run on.
func TestStartFailureKnowsEnginesWords(t *testing.T) {
	tests := map[string]engine.Reason{
		`OCI runtime create failed: runc create failed: unable to start container process: exec: "x": executable file not found in $PATH: unknown`:            engine.CommandNotFound,
		`failed to create task for container: failed to create shim task: OCI runtime create failed: exec: "/x": stat /x: no such file or directory: unknown`: engine.CommandNotFound,
		"crun: executable file `x` not found in $PATH: No such file or directory: OCI runtime attempted to invoke a command that was not found":               engine.CommandNotFound,
		"crun: open executable: Permission denied: OCI runtime permission denied error, exec `/x`: permission denied":                                         engine.CommandNotRunnable,
		"exec container process `/x`: Exec format error":                                              engine.WrongArchitecture,
		`exec: "/x": permission denied: unknown`:                                                      engine.CommandNotRunnable,
		`exec: "/": is a directory: unknown`:                                                          engine.CommandNotRunnable,
		"No command specified":                                                                        engine.NoCommand,
		"error mounting /x to rootfs at /y: no such file or directory":                                "",
		"network x not found":                                                                         "",
		"driver failed programming external connectivity: permission denied":                          "",
		`OCI runtime create failed: chdir to cwd ("/x") set in config.json failed: permission denied`: "",
	}
	for text, want := range tests {
		if exit, ok := startFailure(errors.New(text), plan.Container{Image: "i"}); exit.Reason != want || ok != (want != "") {
			t.Errorf("%s\nis %+v, want %q", text, exit, want)
		}
	}
}

// TestLackOfCapabilities parses the error of an engine that runs in a container.
func TestLackOfCapabilities(t *testing.T) {
	refused := fmt.Errorf("OCI runtime create failed: container_linux.go:380: starting container process caused: apply caps: unable to apply caps: operation not permitted: unknown: %w", cerrdefs.ErrInternal)
	failure, ok := errors.AsType[*engine.Error]((&Engine{}).explain(t.Context(), "start the container", refused))
	if !ok || failure.Reason != engine.EngineRefused || !strings.Contains(failure.Remedy.Text, "this one lacks one of them") {
		t.Errorf("got %+v", failure)
	}
}

// TestLogOfTheEngine checks that the remedy for an engine that fails names the log of this engine.
func TestLogOfTheEngine(t *testing.T) {
	for server, want := range map[string]string{"Docker/20.10": "`journalctl -u docker`", "Libpod/4.3.1": "`journalctl -t podman`"} {
		answers := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
			w.Header().Set("Api-Version", "1.41")
			w.Header().Set("Server", server+" (linux)")
			if !strings.HasSuffix(request.URL.Path, "/_ping") {
				w.WriteHeader(http.StatusInternalServerError)
			}
		}))
		defer answers.Close()
		e, err := New(Options{Host: strings.Replace(answers.URL, "http://", "tcp://", 1)})
		if err != nil {
			t.Fatal(err)
		}
		_, _, err = e.FindImage(t.Context(), "busybox", "")
		if failure, ok := errors.AsType[*engine.Error](errors.Join(err, e.Close())); !ok || !strings.Contains(failure.Remedy.Text, want) {
			t.Errorf("%s: error %+v, want %q", server, failure, want)
		}
	}
}

// TestRefusalsOfRegistries has what engines report of registries. The words of the registry are shown, and each kind has a
// remedy.
func TestRefusalsOfRegistries(t *testing.T) {
	mine := login{source: "DOCKER_AUTH_CONFIG", renewal: "renew them", auth: registry.AuthConfig{Username: "ada", Password: "hunter2"}}
	tests := []struct {
		err    error
		login  login
		want   engine.Reason
		remedy string
	}{
		{errors.New("pull access denied for x, repository does not exist or may require 'docker login': denied: requested access to the resource is denied"), login{}, engine.ImageUnauthorized, "docker login docker.io, or correct the name"},
		{errors.New("denied: requested access to the resource is denied"), mine, engine.ImageUnauthorized, "ask for the right to pull it"},
		{errors.New("error parsing HTTP 403 response body: no error details found in HTTP response body: \"{}\""), mine, engine.ImageUnauthorized, "ask for the right to pull it"},
		{errors.New("403 Forbidden"), login{}, engine.ImageUnauthorized, "docker login docker.io, or correct the name"},
		{errors.New("access denied for this repository"), login{}, engine.ImageUnauthorized, "docker login docker.io, or correct the name"},
		{errors.New("access to the resource is denied"), login{}, engine.ImageUnauthorized, "docker login docker.io, or correct the name"},
		{errors.New("denied: no"), login{}, engine.ImageUnauthorized, "docker login docker.io, or correct the name"},
		{errors.New("authentication required"), login{}, engine.ImageUnauthorized, "docker login docker.io, or correct the name"},
		{errors.New("name unknown: the repository is empty"), login{}, engine.ImageNotFound, "correct the name or the tag"},
		{errors.New("manifest unknown"), login{}, engine.ImageNotFound, "correct the name or the tag"},
		{errors.New("image was found but does not provide the specified platform (linux/arm64)"), login{}, engine.ImageNotFound, "built for this platform"},
		{errors.New("image was found but does not match the specified platform: wanted linux/arm64"), login{}, engine.ImageNotFound, "built for this platform"},
		{errors.New("choosing an image from manifest list: no image found in image index for architecture arm64"), login{}, engine.ImageNotFound, "built for this platform"},
		{errors.New("Too Many Requests"), mine, engine.ImagePullFailed, "wait until the registry's limit"},
		{errors.New("you have hit the rate limit"), mine, engine.ImagePullFailed, "wait until the registry's limit"},
		{errors.New("unexpected HTTP status: 429 "), mine, engine.ImagePullFailed, "wait until the registry's limit"},
		{errors.New("unauthorized: authentication required"), login{}, engine.ImageUnauthorized, "docker login docker.io"},
		{errors.New("unauthorized: incorrect username or password hunter2"), mine, engine.ImageUnauthorized, "renew them"},
		{errors.New("unauthorized: you sent YWRhOmh1bnRlcjI="), mine, engine.ImageUnauthorized, "renew them"},
		{errors.New("Head https://x/v2/y/manifests/z: no basic auth credentials"), login{}, engine.ImageUnauthorized, "docker login"},
		{cerrdefs.ErrUnauthenticated, login{}, engine.ImageUnauthorized, "docker login"},
		{errors.New("manifest for x:y not found: manifest unknown: manifest unknown"), login{}, engine.ImageNotFound, "correct the name or the tag"},
		{errors.New("no matching manifest for linux/arm64 in the manifest list entries"), login{}, engine.ImageNotFound, "built for this platform"},
		{cerrdefs.ErrNotFound, login{}, engine.ImageNotFound, "correct the name or the tag"},
		{errors.New("dial tcp: lookup x: no such host"), login{}, engine.ImagePullFailed, "can reach the registry docker.io"},
		{errors.New("toomanyrequests: You have reached your pull rate limit"), login{}, engine.ImagePullFailed, "docker login docker.io (the limit may be higher"},
		{errors.New("toomanyrequests: You have reached your pull rate limit"), mine, engine.ImagePullFailed, "wait until the registry's limit"},
	}
	for _, test := range tests {
		err := refusal(imageKey{ref: "x:y"}, "docker.io", test.login, test.err)
		failure, ok := errors.AsType[*engine.Error](err)
		if !ok || failure.Reason != test.want || !strings.Contains(failure.Remedy.Text, test.remedy) {
			t.Errorf("%v is %+v, want %s and %q", test.err, failure, test.want, test.remedy)
		}
		if text := err.Error(); strings.Contains(text, "hunter2") || strings.Contains(text, "YWRhOmh1bnRlcjI=") {
			t.Errorf("the error shows the password: %s", text)
		} else if !strings.Contains(text, strings.NewReplacer("hunter2", plan.Mask, "YWRhOmh1bnRlcjI=", plan.Mask).Replace(test.err.Error())) {
			t.Errorf("the error has not the registry's words: %s", text)
		}
	}
}

// TestPullSecretsAreDistinguished: tasks share a pull only if they have the same pull secrets.
func TestPullSecretsAreDistinguished(t *testing.T) {
	of := func(user, password string) logins {
		return logins{{auth: registry.AuthConfig{Username: user, Password: password}}}
	}
	seen := map[string]bool{}
	for _, all := range []logins{nil, of("a", "b"), of("a", "c"), of("b", "b"), of("a b", ""), of("", "a b"), append(of("a", "b"), of("c", "d")...), of("a", `b" "c`)} {
		if seen[all.key()] {
			t.Errorf("the key %s is another's", all.key())
		}
		seen[all.key()] = true
	}
}

func TestProgressIsASum(t *testing.T) {
	var heard []engine.ImageProgress
	p := &progress{image: "x", sink: engine.SinkFunc(func(e engine.Event) { heard = append(heard, e.(engine.ImageProgress)) })}
	downloading := func(id string, current, total int64) message {
		m := message{ID: id, Status: "Downloading"}
		m.ProgressDetail.Current, m.ProgressDetail.Total = current, total
		return m
	}
	p.note(downloading("a", 10, 100)) // emitted: the first one
	p.note(downloading("b", 5, 50))   // emitted, as this layer may now stall
	p.note(downloading("b", 6, 50))   // left out: too soon after that
	p.last = time.Time{}
	p.note(message{ID: "a", Status: "Download complete"})
	p.note(message{Status: "Digest: sha256:x"})
	p.emit("pulled", true)
	want := []engine.ImageProgress{
		{Image: "x", Status: "pulling", Current: 10, Total: 100},
		{Image: "x", Status: "pulling", Current: 15, Total: 150},
		{Image: "x", Status: "pulling", Current: 106, Total: 150},
		{Image: "x", Status: "pulled", Current: 106, Total: 150},
	}
	if len(heard) != len(want) {
		t.Fatalf("got %+v", heard)
	}
	for i := range want {
		if heard[i] != want[i] {
			t.Errorf("got %+v, want %+v", heard[i], want[i])
		}
	}
}

// TestUnpacking has the messages of Docker, and of podman, which reports no unpacking.
func TestUnpacking(t *testing.T) {
	p := &progress{sink: engine.SinkFunc(func(engine.Event) {})}
	for i, step := range []struct {
		id, status string
		want       bool
	}{
		{"test", "Pulling from ktask/busybox", false},
		{"a", "Pulling fs layer", false}, {"b", "Pulling fs layer", false}, {"b", "Waiting", false},
		{"a", "Download complete", false}, {"b", "Downloading", false}, {"b", "Verifying Checksum", false},
		{"b", "Download complete", true}, {"a", "Extracting", true}, {"a", "Pull complete", true},
		{"c", "Already exists", true}, {"b", "Pull complete", false},
	} {
		p.note(message{ID: step.id, Status: step.status})
		if p.unpacking() != step.want {
			t.Errorf("after message %d, %q of %s: unpacking is %v", i, step.status, step.id, !step.want)
		}
	}
}

// TestNewSaysWhatIsWrong names files as certificates that are none.
func TestNewSaysWhatIsWrong(t *testing.T) {
	certs := t.TempDir()
	for _, name := range []string{"ca.pem", "cert.pem", "key.pem"} {
		if err := os.WriteFile(filepath.Join(certs, name), []byte("none"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	_, err := New(Options{Host: "tcp://secure:2376", TLSVerify: true, CertPath: certs})
	if failure, ok := errors.AsType[*engine.Error](err); !ok || !failure.Remedy.Known() || !strings.Contains(err.Error(), "tcp://secure:2376") {
		t.Errorf("error %v", err)
	}
}

// TestSSHFailures has what the connection helper reports of ssh and of docker on the host, old and new.
func TestSSHFailures(t *testing.T) {
	const exited = "command [ssh -T host docker system dial-stdio] has exited with exit status 1, make sure the URL is valid, and Docker 18.09 or later is installed on the remote host: stderr="
	const at = "make `DOCKER_HOST="
	for printed, want := range map[string]struct{ host, text, remedy string }{
		"failed to open the raw stream connection: dial unix /x.sock: connect: permission denied\n": {"ssh://h/x.sock", "docker on that host cannot reach unix:///x.sock: permission denied", "start Docker there"},
		"Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is it running?\n":      {"ssh://h", "docker on that host cannot reach its engine", "start Docker there"},
		"Host key verification failed.\r\n":                      {"ssh://h", "ssh: Host key verification failed.", at},
		"ssh: connect to host h port 22: Connection refused\r\n": {"ssh://h", "ssh: connect to host h port 22: Connection refused", at},
		"bash: line 1: docker: command not found\n":              {"ssh://h", "ssh: bash: line 1: docker: command not found", at},
	} {
		err := sshFailure(&sshError{errors.New(exited + printed)})
		if got, remedy := err.explained(want.host).Error(), err.remedy(want.host).Text; got != want.text || !strings.HasPrefix(remedy, want.remedy) {
			t.Errorf("%q\nis   %q, remedy %q\nwant %q", printed, got, remedy, want)
		}
	}
}
