package attack

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

// listeningRegistry demands a password and records those that it gets.
type listeningRegistry struct {
	address string
	mu      sync.Mutex
	users   []string
}

func listen(t *testing.T) *listeningRegistry {
	t.Helper()
	r := &listeningRegistry{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		if user, password, ok := request.BasicAuth(); ok {
			r.mu.Lock()
			r.users = append(r.users, user+":"+password)
			r.mu.Unlock()
		}
		w.Header().Set("WWW-Authenticate", `Basic realm="any"`)
		w.WriteHeader(http.StatusUnauthorized)
	}))
	t.Cleanup(server.Close)
	r.address = strings.TrimPrefix(server.URL, "http://")
	return r
}

// got returns the users and passwords that the registry got, each once.
func (r *listeningRegistry) got() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	slices.Sort(r.users)
	return slices.Compact(slices.Clone(r.users))
}

// TestCredentialsGoToTheirRegistryAlone has manifests whose images are at a registry of the attacker, and pull secrets that try to
// run a program. The user has credentials for another registry.
func TestCredentialsGoToTheirRegistryAlone(t *testing.T) {
	mine, theirs := listen(t), listen(t)
	dir, docker, helpers := t.TempDir(), t.TempDir(), t.TempDir()
	entry := func(address, user string) string {
		return fmt.Sprintf(`{"auths":{%q:{"username":%q,"password":"pass-%s"}}}`, address, user, user)
	}
	write(t, docker, "config.json", entry(mine.address, "of-file"))
	ran := filepath.Join(dir, "ran")
	write(t, helpers, "docker-credential-evil", "#!/bin/sh\necho x >>"+ran+"\n")
	if err := os.Chmod(filepath.Join(helpers, "docker-credential-evil"), 0o755); err != nil {
		t.Fatal(err)
	}
	env := []string{"DOCKER_CONFIG=" + docker, "DOCKER_AUTH_CONFIG=" + entry("http://"+mine.address+"/v1/", "of-variable"), "PATH=" + helpers + ":" + os.Getenv("PATH")}

	var tasks strings.Builder
	task := func(name, image string) {
		fmt.Fprintf(&tasks, "---\napiVersion: lifecycle.keptn.sh/v1\nkind: KeptnTaskDefinition\nmetadata: {name: %s}\n"+
			"spec:\n  container: {name: c, image: %q}\n  imagePullSecrets: [{name: of-mine}, {name: of-theirs}]\n", name, image)
	}
	host, _, _ := strings.Cut(mine.address, ":")
	task("own", theirs.address+"/app:1")
	task("path", theirs.address+"/"+host+"/app:1")
	task("tag", theirs.address+"/app:"+strings.ReplaceAll(mine.address, ":", "-"))
	for name, config := range map[string]string{
		"of-mine":   entry(mine.address, "of-secret"),
		"of-theirs": fmt.Sprintf(`{"auths":{%q:{}},"credsStore":"evil","credHelpers":{%q:"evil",%q:"evil"}}`, theirs.address, theirs.address, mine.address),
	} {
		fmt.Fprintf(&tasks, "---\n{apiVersion: v1, kind: Secret, metadata: {name: %s}, type: kubernetes.io/dockerconfigjson, stringData: {.dockerconfigjson: '%s'}}\n", name, config)
	}
	write(t, dir, "tasks.yaml", tasks.String())
	for _, args := range [][]string{{"run", "tasks.yaml"}, {"images", "pull", "tasks.yaml"}} {
		o := finish(t, command(t, dir, env, args...)).expect(t, 3).says(t, "there are no credentials for "+theirs.address)
		if strings.Contains(o.stdout+o.stderr, "pass-") {
			t.Errorf("%q shows a password:\n%s", args, o.stderr)
		}
	}
	if got := theirs.got(); len(got) > 0 {
		t.Errorf("the attacker's registry got %q", got)
	}
	if _, err := os.Stat(ran); err == nil {
		t.Error("a program that a manifest names was run")
	}

	// To their own registry they do go, those of the pull secret first.
	tasks.Reset()
	task("own", mine.address+"/app:1")
	manifest, err := os.ReadFile(filepath.Join(dir, "tasks.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	_, secrets, _ := strings.Cut(string(manifest), "---\n{")
	write(t, dir, "own.yaml", tasks.String()+"---\n{"+secrets)
	o := finish(t, command(t, dir, env, "run", "own.yaml")).expect(t, 3).says(t, `tried the credentials of Secret "of-mine" (own.yaml:`, "DOCKER_AUTH_CONFIG, "+docker)
	if want := []string{"of-file:pass-of-file", "of-secret:pass-of-secret", "of-variable:pass-of-variable"}; !slices.Equal(mine.got(), want) || strings.Contains(o.stderr, "pass-") {
		t.Errorf("got %q, want %q\n%s", mine.got(), want, o.stderr)
	}
}
