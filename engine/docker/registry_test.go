package docker_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/docker/docker/api/types/image"
	"github.com/docker/docker/api/types/registry"
	"github.com/docker/docker/client"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/docker"
	"github.com/ktask/ktask/engine/enginetest"
	"github.com/ktask/ktask/engine/plan"
	"github.com/ktask/ktask/integration/engines"
)

const (
	user     = "ada"
	password = "pass-of-ada"
	// hashed is the password as `htpasswd -B` writes it.
	hashed = "ada:$2y$05$qu3heRMXQS.f3Qdsl87Oi.GoBENRlRanwZZouqxJGyXLz2zSkbw4a\n"
)

// push copies the busybox image into a registry and returns its name there. It leaves nothing on the engine.
func push(t *testing.T, address string) (ref string) {
	t.Helper()
	return pushed(t, busybox, address)
}

// pushed copies an image into a registry as push does.
func pushed(t *testing.T, from, address string) (ref string) {
	t.Helper()
	ref = address + "/ktask/busybox:test"
	connect(t, docker.Options{}) // says what to do if the image is missing
	c := api(t)
	if err := c.ImageTag(t.Context(), from, ref); err != nil {
		t.Fatalf("tag: %v", err)
	}
	auth, err := registry.EncodeAuthConfig(registry.AuthConfig{Username: user, Password: password})
	if err != nil {
		t.Fatal(err)
	}
	answer, err := c.ImagePush(t.Context(), ref, image.PushOptions{RegistryAuth: auth})
	if err != nil {
		t.Fatalf("push: %v", err)
	}
	defer func() { _ = answer.Close() }()
	if text, err := io.ReadAll(answer); err != nil || strings.Contains(string(text), "errorDetail") {
		t.Fatalf("push: %s, %v", text, err)
	}
	removeImage(t, ref)
	t.Cleanup(func() { removeImage(t, ref) })
	return ref
}

func api(t *testing.T) *client.Client {
	t.Helper()
	return apiAt(t, "")
}

// apiAt returns a client of the engine at host. If host is "", it is the machine's engine.
func apiAt(t *testing.T, host string) *client.Client {
	t.Helper()
	needsEngine(t)
	if host == "" {
		host = client.DefaultDockerHost
	}
	c, err := client.NewClientWithOpts(client.WithHost(host), client.WithAPIVersionNegotiation())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// removeImage removes the name from the engine, so that the image has to be pulled again.
func removeImage(t *testing.T, ref string) {
	// An image that is not there need not be removed.
	_, _ = api(t).ImageRemove(context.WithoutCancel(t.Context()), ref, image.RemoveOptions{})
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// prepare calls Prepare for an image of a registry.
func prepare(t *testing.T, o docker.Options, c plan.Container) (*enginetest.Recorder, error) {
	t.Helper()
	var heard enginetest.Recorder
	err := connect(t, o).Prepare(t.Context(), c, &heard)
	return &heard, err
}

func wantReason(t *testing.T, err error, reason engine.Reason, says string) {
	t.Helper()
	failure, ok := errors.AsType[*engine.Error](err)
	if !ok || failure.Reason != reason || !failure.Remedy.Known() || !strings.Contains(failure.Error(), says) {
		t.Errorf("error %v (%+v), want %s that says %q and what to do", err, failure, reason, says)
	}
}

func TestPull(t *testing.T) {
	ref := push(t, engines.Registry(t))
	c := plan.Container{Image: ref, PullPolicy: plan.PullIfNotPresent, Command: plan.Texts([]string{"true"})}

	t.Run("never", func(t *testing.T) {
		c := c
		c.PullPolicy = plan.PullNever
		_, err := prepare(t, docker.Options{}, c)
		wantReason(t, err, engine.ImageNotFound, ref)
	})
	t.Run("if not present", func(t *testing.T) {
		heard, err := prepare(t, docker.Options{}, c)
		if err != nil {
			t.Fatal(err)
		}
		events := heard.Events()
		first, last := events[0].(engine.ImageProgress), events[len(events)-1].(engine.ImageProgress)
		if first.Status != "pulling" || last.Status != "pulled" || last.Image != ref || last.Current != last.Total {
			t.Errorf("progress %+v", events)
		}
		if heard, err := prepare(t, docker.Options{}, c); err != nil || len(heard.Events()) > 0 {
			t.Errorf("again: error %v, %+v", err, heard.Events())
		}
	})
	t.Run("the digest is the registry's", func(t *testing.T) {
		e := connect(t, docker.Options{})
		if err := e.Prepare(t.Context(), c, &enginetest.Recorder{}); err != nil {
			t.Fatal(err)
		}
		found, err := api(t).ImageInspect(t.Context(), ref)
		if err != nil {
			t.Fatal(err)
		}
		exit, _ := run(t, e, c)
		if exit.ImageDigest == found.ID || !strings.Contains(strings.Join(found.RepoDigests, " "), exit.ImageDigest) {
			t.Errorf("digest %q is not of %q", exit.ImageDigest, found.RepoDigests)
		}
		if exit, _ := run(t, e, shell("true")); exit.ImageDigest != "" {
			t.Errorf("an image that was built here has the digest %q", exit.ImageDigest)
		}
	})
	t.Run("always", func(t *testing.T) {
		c := c
		c.PullPolicy = plan.PullAlways
		if heard, err := prepare(t, docker.Options{}, c); err != nil || len(heard.Events()) == 0 {
			t.Errorf("error %v, %+v", err, heard.Events())
		}
	})
	t.Run("no such tag", func(t *testing.T) {
		c := c
		c.Image = ref + "-missing"
		_, err := prepare(t, docker.Options{}, c)
		wantReason(t, err, engine.ImageNotFound, c.Image)
	})
	t.Run("no name at all", func(t *testing.T) {
		c := c
		c.Image = "Not A Name"
		_, err := prepare(t, docker.Options{}, c)
		if failure, ok := errors.AsType[*engine.Error](err); !ok || !failure.Remedy.Known() && failure.Reason == "" {
			t.Errorf("error %v", err)
		}
	})
	t.Run("no registry", func(t *testing.T) {
		c := c
		c.Image = "127.0.0.1:1/x:y" // a closed port
		_, err := prepare(t, docker.Options{}, c)
		wantReason(t, err, engine.ImagePullFailed, c.Image)
	})
	t.Run("gone since it was prepared", func(t *testing.T) {
		e := connect(t, docker.Options{})
		if err := e.Prepare(t.Context(), c, &enginetest.Recorder{}); err != nil {
			t.Fatal(err)
		}
		removeImage(t, ref)
		_, err := engine.Attempt(t.Context(), e, c, labels(t, 1), &enginetest.Recorder{})
		wantReason(t, err, engine.ImageNotFound, ref)
		if err := e.Prepare(t.Context(), c, &enginetest.Recorder{}); err != nil {
			t.Errorf("prepare again: %v", err)
		}
		run(t, e, c)
	})
}

func TestPullWithCredentials(t *testing.T) {
	ref := push(t, engines.ClosedRegistry(t, hashed))
	host, _, _ := strings.Cut(ref, "/")
	c := plan.Container{Image: ref, PullPolicy: plan.PullAlways}
	auth := func(password string, keys ...string) string {
		if keys == nil {
			keys = []string{host}
		}
		entries := map[string]any{}
		for _, key := range keys {
			entries[key] = map[string]string{"auth": base64.StdEncoding.EncodeToString([]byte(user + ":" + password))}
		}
		text, err := json.Marshal(map[string]any{"auths": entries})
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	helpers := t.TempDir()
	helper := fmt.Sprintf("#!/bin/sh\ncat >/dev/null\necho '{\"Username\":%q,\"Secret\":%q}'\n", user, password)
	if err := os.WriteFile(filepath.Join(helpers, "docker-credential-test"), []byte(helper), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(helpers, "docker-credential-broken"), []byte("#!/bin/sh\nexit 1\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", helpers+string(os.PathListSeparator)+os.Getenv("PATH"))

	secret := func(name, password string) plan.PullCredential {
		return plan.PullCredential{Secret: name, Auth: plan.NewSecret(name, user+":"+password), Origin: plan.Origin{File: "task.yaml", Line: 3}}
	}
	const mismatch = `{"credHelpers":{"other.example":"test"}}`
	tests := map[string]struct {
		config, variable string
		secrets          []plan.PullCredential
		reason           engine.Reason
		says             string
	}{
		"none":                      {`{}`, "", nil, engine.ImageUnauthorized, "there are no credentials for " + host},
		"wrong":                     {auth("wrong"), "", nil, engine.ImageUnauthorized, "tried the credentials of /"},
		"right":                     {auth(password), "", nil, "", ""},
		"of a helper":               {fmt.Sprintf(`{"credHelpers":{%q:"test"}}`, host), "", nil, "", ""},
		"of a store":                {`{"credsStore":"test"}`, "", nil, "", ""},
		"of a helper of none":       {mismatch, "", nil, engine.ImageUnauthorized, ref},
		"of a helper that ails":     {fmt.Sprintf(`{"credHelpers":{%q:"broken"}}`, host), "", nil, engine.ImagePullFailed, ref},
		"of the variable":           {`{}`, auth(password), nil, "", ""},
		"of the variable or else":   {auth(password), auth("wrong"), nil, "", "with the credentials of FILE; " + host + " refused those of DOCKER_AUTH_CONFIG"},
		"of a path":                 {`{}`, auth("wrong", host+"/ktask/busybox", host+"/other"), nil, engine.ImageUnauthorized, "tried the credentials of DOCKER_AUTH_CONFIG (" + host + "/ktask/busybox))"},
		"wrong in the variable":     {`{}`, auth("wrong"), nil, engine.ImageUnauthorized, "tried the credentials of DOCKER_AUTH_CONFIG)"},
		"of a pull secret":          {`{"auths":3}`, "", []plan.PullCredential{secret("a", password)}, "", ""},
		"of the second pull secret": {`{"auths":3}`, "", []plan.PullCredential{secret("a", "wrong"), secret("b", password)}, "", `credentials of Secret "b" (task.yaml:3); ` + host + ` refused those of Secret "a" (task.yaml:3)`},
		"of a pull secret or else":  {auth(password), "", []plan.PullCredential{secret("a", "wrong")}, "", `credentials of FILE; ` + host + ` refused those of Secret "a" (task.yaml:3)`},
		"wrong in all of them":      {auth("wrong"), auth("wrong"), []plan.PullCredential{secret("a", "no")}, engine.ImageUnauthorized, `tried the credentials of Secret "a" (task.yaml:3), DOCKER_AUTH_CONFIG, /`},
		"wrong, then a broken one":  {`{"auths":3}`, "", []plan.PullCredential{secret("a", "no")}, engine.ImagePullFailed, "config.json:1:10: auths must be an object"},
		"wrong in two pull secrets": {`{}`, "", []plan.PullCredential{secret("a", "no"), secret("b", "no")}, engine.ImageUnauthorized, `Secret "a" (task.yaml:3), Secret "b" (task.yaml:3))`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			dir, c := t.TempDir(), c
			write(t, filepath.Join(dir, "config.json"), test.config)
			c.PullCredentials = test.secrets
			told := ""
			_, err := prepare(t, docker.Options{ConfigDir: dir, AuthConfig: test.variable, Notice: func(text string) { told += text }}, c)
			if strings.Contains(told, password) {
				t.Errorf("told %s", told)
			}
			if test.reason == "" {
				if want := strings.ReplaceAll(test.says, "FILE", filepath.Join(dir, "config.json")); err != nil || want == "" && told != "" || !strings.HasSuffix(told, want) {
					t.Errorf("error %v, told %q", err, told)
				}
				return
			}
			wantReason(t, err, test.reason, test.says)
			if strings.Contains(fmt.Sprint(err), password) {
				t.Error("the error has the password")
			}
		})
	}
}

// pullAgainAfter is the wait before a pull is tried again.
const pullAgainAfter = time.Second

// TestEnginesThatFail connects to addresses where no engine listens, and to one that never answers.
func TestEnginesThatFail(t *testing.T) {
	dir := t.TempDir()
	silent, err := net.Listen("unix", filepath.Join(dir, "silent.sock"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = silent.Close() }()
	tests := map[string]struct {
		host   string
		within time.Duration
		reason engine.Reason
	}{
		"not there": {"unix://" + filepath.Join(dir, "none.sock"), time.Minute, engine.EngineUnavailable},
		"refuses":   {"tcp://127.0.0.1:1", time.Minute, engine.EngineUnavailable},
		"hangs":     {"unix://" + silent.Addr().String(), 50 * time.Millisecond, engine.EngineDidNotAnswer},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			e, err := docker.New(docker.Options{Host: test.host, AnswerWithin: test.within})
			if err != nil {
				t.Fatal(err)
			}
			e.ReconnectWithin(50 * time.Millisecond)
			c := shell("true")
			wantReason(t, e.Prepare(t.Context(), c, &enginetest.Recorder{}), test.reason, test.host)
			c.PullPolicy = plan.PullAlways
			began := time.Now()
			wantReason(t, e.Prepare(t.Context(), c, &enginetest.Recorder{}), test.reason, test.host)
			if took := time.Since(began); took > pullAgainAfter {
				t.Errorf("a pull without an engine takes %v", took)
			}
			_, err = engine.Attempt(t.Context(), e, c, labels(t, 1), &enginetest.Recorder{})
			wantReason(t, err, test.reason, test.host)
			_, err = e.Describe(t.Context())
			wantReason(t, err, test.reason, test.host)
		})
	}
}
