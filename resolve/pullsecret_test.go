package resolve_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/ktask/ktask/resolve"
	"github.com/ktask/ktask/spec"
)

// TestPullSecretsOfTheRegistryAlone has keys of a pull secret and images whose names look alike. want are the keys whose
// credentials an image gets, as in a kubelet (k8s.io/kubernetes, pkg/credentialprovider/keyring_test.go).
func TestPullSecretsOfTheRegistryAlone(t *testing.T) {
	for _, test := range []struct{ keys, image, want string }{
		{"x.io", "x.io/a", "x.io"},
		{"x.io y.io", "y.io/a/b:1", "y.io"},
		{"https://x.io/v1/", "x.io/a", "https://x.io/v1/"},
		{"http://x.io/", "x.io/a", "http://x.io/"},
		{"x.io:5000", "x.io:5000/a", "x.io:5000"},
		{"x.io x.io/team x.io/team/app", "x.io/team/app:1", "x.io/team/app x.io/team x.io"},
		{"x.io x.io/team", "x.io/other/app:1", "x.io"},
		{"*.x.io", "sub.x.io/a", "*.x.io"},
		{"s*b.x.io", "sub.x.io/a", "s*b.x.io"},
		{"*.x.io:5000", "sub.x.io:5000/a", "*.x.io:5000"},
		{"https://index.docker.io/v1/", "busybox", "https://index.docker.io/v1/"},
		{"docker.io", "busybox", "docker.io"},
		{"docker.io/library", "busybox", "docker.io/library"},
		{"docker.io/other", "busybox", ""},
		{"x.io", "x.io:5000/a", ""},
		{"x.io:5000", "x.io/a", ""},
		{"x.io", "sub.x.io/a", ""},
		{"*.x.io", "x.io/a", ""},
		{"*.x.io", "a.b.x.io/a", ""},
		{"*.x.io", "a.x.io.evil.example/a", ""},
		{"*", "x.io/a", ""},
		{"x.io", "x.io.evil.example/a", ""},
		{"x.io", "evil.example/x.io/a", ""},
		{"evil.example@x.io", "evil.example/a", ""},
		{"https://x.io@evil.example", "x.io/a", ""},
		{"x.io?evil.example/", "evil.example/a", ""},
		{"x.io#evil.example", "evil.example/a", ""},
		{"[", "x.io/a", ""},
		{"%zz", "x.io/a", ""},
		{"x.io", "busybox", ""},
		{"https://index.docker.io/v1/", "x.io/a", ""},
	} {
		auths := map[string]map[string]string{}
		for key := range strings.FieldsSeq(test.keys) {
			auths[key] = map[string]string{"username": "user", "password": key}
		}
		config, err := json.Marshal(map[string]any{"auths": auths})
		if err != nil {
			t.Fatal(err)
		}
		text := fmt.Sprintf("apiVersion: lifecycle.keptn.sh/v1\nkind: KeptnTaskDefinition\nmetadata: {name: t}\nspec:\n"+
			"  container: {name: c, image: %q}\n  imagePullSecrets: [{name: s}]\n---\n"+
			"apiVersion: v1\nkind: Secret\nmetadata: {name: s}\ntype: kubernetes.io/dockerconfigjson\nstringData: {.dockerconfigjson: '%s'}\n", test.image, config)
		m, problems, err := spec.Load([]spec.File{{Name: "task.yaml", Data: []byte(text), Named: true}}, spec.Options{Namespace: "default"})
		if err != nil {
			t.Fatal(problems)
		}
		p, problems, err := resolve.Resolve(m, resolve.Options{Namespace: "default", KeptnNamespace: "keptn-system"})
		if err != nil {
			t.Fatal(problems)
		}
		var got []string
		for _, c := range p.Tasks[0].Container.PullCredentials {
			_, key, _ := strings.Cut(c.Auth.Reveal(), ":")
			got = append(got, key)
		}
		if !slices.Equal(got, strings.Fields(test.want)) {
			t.Errorf("image %s gets the credentials of %q, want %q", test.image, got, test.want)
		}
		if shown, err := p.MarshalJSON(); err != nil || strings.Contains(string(shown), "user:") || fmt.Sprint(p.Tasks[0].Container.PullCredentials) == "" {
			t.Errorf("error %v, plan %s", err, shown)
		}
	}
}
