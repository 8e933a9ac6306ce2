package command_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/ktask/ktask/engine"
)

// TestPlanShowsScripts checks that a plan has the lines of scripts, without the secrets that are repeated in them.
func TestPlanShowsScripts(t *testing.T) {
	const code = "    inline:\n      code: |\n        if 1:\n            print('s3cr3t-value')\n"
	s := newShell(t, map[string]string{"a.yaml": strings.Replace(secret, "    inline: {code: print(1)}\n", code, 1)})
	for _, args := range [][]string{{}, {"--explain"}} {
		s.ktask(append([]string{"plan", "a.yaml", "--secret", "token=s3cr3t-value"}, args...)...).exits(0).
			says("32 bytes, mode 0644", "\n      if 1:\n          print('•••')\n", "\n\n1 task, 1 image, 1 secret\n").hides("s3cr3t")
	}
}

// TestPlanFits checks that an explained plan fits a terminal of 80 columns, and that values are on one line in a pipe.
func TestPlanFits(t *testing.T) {
	long := strings.Repeat("0123456789", 12)
	s := newShell(t, map[string]string{"a.yaml": hello})
	s.ktask("plan", "a.yaml", "-p", "name="+long).exits(0).says(long)
	for _, terminal := range []bool{false, true} {
		s.outTerm = terminal
		o := s.ktask("plan", "a.yaml", "--explain", "-p", "name="+long).exits(0).says("← flag --param", "0123456789")
		for line := range strings.Lines(o.out) {
			if n := utf8.RuneCountInString(line) - 1; n > 80 {
				t.Errorf("%d columns: %s", n, line)
			}
		}
	}
}

// TestPlanWithMissingSecrets checks that a plan is shown although secrets are missing, and only then.
func TestPlanWithMissingSecrets(t *testing.T) {
	const box = header + "metadata: {name: box}\nspec:\n  container:\n    name: c\n    image: i:1\n    args: [$(TOKEN)!]\n" +
		"    env: [{name: TOKEN, valueFrom: {secretKeyRef: {name: t, key: k}}}, {name: MAY, valueFrom: {secretKeyRef: {name: u, key: k, optional: true}}}]\n"
	s := newShell(t, map[string]string{
		"a.yaml": secret, "b.yaml": hello, "box.yaml": box, "from.yaml": strings.ReplaceAll(box, "env: [", "envFrom: [{secretRef: {name: all}}]\n    env: ["),
		"bad.yaml": header + "metadata: {name: bad}\nspec: {python: {functionRef: {name: nope}}}\n",
	})
	const needs = `a.yaml:7:32: error: task "secret" needs key "SECURE_DATA" of Secret "token"`
	for _, args := range [][]string{{}, {"--explain"}, {"-t", "secret,hello,box"}} {
		s.ktask(append([]string{"plan", "a.yaml", "b.yaml", "box.yaml"}, args...)...).exits(2).
			says(needs, "env SECURE_DATA", "<missing>", "python hello", "<missing>!", "env TOKEN", "3 tasks, 2 images, 2 secrets (2 missing)\n").hides("MAY", "empty")
	}
	s.ktask("plan", "a.yaml", "b.yaml", "-o", "json").exits(2).says(`"value": "<missing>"`, `"secret": "token/SECURE_DATA"`, `"name": "hello"`)
	s.ktask("plan", "from.yaml").exits(2).says(`needs the keys of Secret "all"`, "container box")
	s.ktask("plan", "a.yaml", "bad.yaml").exits(2).says(needs, "missing-definition").hides("<missing>", "python secret")
	s.ktask("plan", "-t", "secret", "-t", "bad", "a.yaml", "bad.yaml").exits(2).says(needs).hides("<missing>")
	if o := s.ktask("run", "a.yaml", "b.yaml").exits(2).says(needs).hides("<missing>"); o.engineAsked || o.out != "" {
		t.Errorf("run goes on: %+v", o)
	}
	s.ktask("lock", "a.yaml").hides("<missing>", "error: task")
}

// TestPlanCountsAbsentImages: on a terminal a plan says how many images a run would pull. In a pipe it is the same whatever the engine has,
// and asks none.
func TestPlanCountsAbsentImages(t *testing.T) {
	manifests := map[string]string{"hello.yaml": hello + "---\n" + header + "metadata: {name: own}\nspec:\n  container: {name: c, image: here}\n" +
		"---\n" + header + "metadata: {name: local}\nspec:\n  container: {name: c, image: absent, imagePullPolicy: Never}\n"}
	s := newShell(t, manifests)
	s.engine = &imageEngine{has: map[string]engine.Image{"here": {}}}
	if o := s.ktask("plan", "hello.yaml").exits(0).says("3 tasks, 3 images (1 always pulled)"); o.engineAsked {
		t.Error("the engine was asked")
	}
	s.outTerm = true
	s.ktask("plan", "hello.yaml").exits(0).says("3 tasks, 3 images (2 to pull)")
	s.engine = nil
	s.ktask("plan", "hello.yaml").exits(0).says("3 tasks, 3 images (1 always pulled)")
}
