package attack

import (
	"encoding/base64"
	"strings"
	"testing"
)

// latin1 is a password in Latin-1, which is not UTF-8: an engine's JSON would change it, and no mask would find it.
const latin1 = "p\xe4ssw\xf6rd-in-latin1"

const wantsSecret = `
apiVersion: lifecycle.keptn.sh/v1
kind: KeptnTaskDefinition
metadata: {name: t}
spec:
  container:
    name: c
    image: ` + busyboxImage + `
    command: [sh, -c, 'echo "$TOKEN"']
    env: [{name: TOKEN, valueFrom: {secretKeyRef: {name: s, key: k}}}]
`

func secretManifest(keys string) string {
	return "---\napiVersion: v1\nkind: Secret\nmetadata: {name: s}\ndata: {" + keys + "}\n"
}

// TestSecretThatIsNotUTF8 passes a task a secret in another encoding, in each way that there is.
func TestSecretThatIsNotUTF8(t *testing.T) {
	dir := t.TempDir()
	encoded := base64.StdEncoding.EncodeToString([]byte(latin1))
	write(t, dir, "task.yaml", wantsSecret)
	write(t, dir, "file", latin1)
	write(t, dir, "lines", "s/k="+latin1+"\n")
	write(t, dir, "secret.yaml", secretManifest("k: "+encoded))
	write(t, dir, "all.yaml", strings.Replace(wantsSecret, "env: [{name: TOKEN, valueFrom: {secretKeyRef: {name: s, key: k}}}]", "envFrom: [{secretRef: {name: s}}]", 1))
	write(t, dir, "nul.yaml", secretManifest("k: "+base64.StdEncoding.EncodeToString([]byte("a\x00b"))))
	for name, c := range map[string]struct {
		args []string
		says string
	}{
		"a manifest":        {[]string{"task.yaml", "secret.yaml"}, "not valid UTF-8"},
		"envFrom":           {[]string{"all.yaml", "secret.yaml"}, "not valid UTF-8"},
		"@FILE":             {[]string{"task.yaml", "--secret", "s/k=@file"}, "not valid UTF-8"},
		"env:":              {[]string{"task.yaml", "--secret", "s/k=env:LATIN1"}, "not valid UTF-8"},
		"a value":           {[]string{"task.yaml", "--secret", "s/k=" + latin1}, "not valid UTF-8"},
		"a file of lines":   {[]string{"task.yaml", "--secret-file", "lines"}, "not valid UTF-8"},
		"a file of Secrets": {[]string{"task.yaml", "--secret-file", "secret.yaml"}, "not valid UTF-8"},
		"NUL in such a one": {[]string{"task.yaml", "--secret-file", "nul.yaml"}, "NUL byte"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, sub := range []string{"plan", "run"} {
				o := finish(t, command(t, dir, []string{"LATIN1=" + latin1}, append([]string{sub}, c.args...)...)).expect(t, 2).says(t, c.says)
				for _, text := range []string{latin1, "ssw", encoded} {
					if strings.Contains(o.stdout+o.stderr, text) {
						t.Errorf("the output has %q of the secret:\n%s%s", text, o.stdout, o.stderr)
					}
				}
			}
		})
	}
}

// TestSecretWithBinaryKeyThatNobodyUses is no attack: a Secret may have a keystore next to a password.
func TestSecretWithBinaryKeyThatNobodyUses(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "task.yaml", wantsSecret+secretManifest("k: aGVsbG8gd29ybGQ=, keystore: /+8A"))
	ktask(t, dir, "", "run", "task.yaml").expect(t, 0)
}

// TestFlagsThatAreNotUTF8 has bytes in flags which reach the engine's JSON, or JSON in a variable.
func TestFlagsThatAreNotUTF8(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "task.yaml", strings.Split(wantsSecret, "    env:")[0])
	write(t, dir, "deno.yaml", "apiVersion: lifecycle.keptn.sh/v1\nkind: KeptnTaskDefinition\nmetadata: {name: d}\nspec: {deno: {inline: {code: 'console.log(1)'}}}\n")
	for name, args := range map[string][]string{
		"--env":      {"task.yaml", "--env", "A=" + latin1},
		"-e":         {"task.yaml", "-eA=" + latin1},
		"--param":    {"deno.yaml", "--param", "a=" + latin1},
		"its name":   {"deno.yaml", "--param", latin1 + "=a"},
		"--context":  {"task.yaml", "--context", "metadata.a=" + latin1},
		"--network":  {"task.yaml", "--network", "n\xff"},
		"--platform": {"task.yaml", "--platform", "linux/\xff"},
		"--mount":    {"task.yaml", "--mount", "./m\xff:/m"},
	} {
		t.Run(name, func(t *testing.T) {
			ktask(t, dir, "", append([]string{"run"}, args...)...).expect(t, 2).says(t, "not valid UTF-8", "--")
		})
	}
}
