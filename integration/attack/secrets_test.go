package attack

import (
	"strings"
	"testing"
)

// TestSecretOfShortLinesOnATerminal has a container write a secret of several lines to a terminal of its own, which ends
// lines in its own way. None of the lines is long enough to be hidden by itself.
func TestSecretOfShortLinesOnATerminal(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "secret", "abc\nxyz\nuvw\n")
	for _, tty := range []string{"true", "false"} {
		write(t, dir, "task.yaml", strings.Replace(wantsSecret, "name: c", "name: c\n    tty: "+tty, 1))
		o := ktask(t, dir, "", "run", "task.yaml", "--secret", "s/k=@secret").expect(t, 0)
		for _, line := range []string{"abc", "xyz", "uvw"} {
			if strings.Contains(o.stdout, line) {
				t.Errorf("with tty: %s the output has %q of the secret: %q", tty, line, o.stdout)
			}
		}
		if strings.Contains(o.stderr, "warning") {
			t.Errorf("with tty: %s ktask warns of a secret that it hides: %s", tty, o.stderr)
		}
	}
}

// TestKeptSecretsAreSaid keeps a container that has a secret, which is no secret for those who may ask the engine.
func TestKeptSecretsAreSaid(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "task.yaml", wantsSecret)
	const said = "in clear text"
	for _, keep := range []string{"failed", "always"} {
		o := ktask(t, dir, "", "run", "--keep", keep, "--secret", "s/k=a-secret", "task.yaml").expect(t, 0).says(t, said)
		if strings.Count(o.stderr, said) != 1 || strings.Contains(o.stderr, "a-secret") {
			t.Errorf("want one warning, and no secret in it:\n%s", o.stderr)
		}
		if _, kept, ok := strings.Cut(o.stderr, "kept: "); ok {
			_, kept, _ = strings.Cut(kept, "`ktask clean ")
			run, _, _ := strings.Cut(kept, "`")
			if o := ktask(t, dir, "", "clean", run).expect(t, 0); !strings.Contains(o.stdout, "removed container") {
				t.Errorf("what is kept cannot be removed: %s", o.stdout)
			}
		}
	}
	if o := ktask(t, dir, "", "run", "--secret", "s/k=a-secret", "task.yaml").expect(t, 0); strings.Contains(o.stderr, said) {
		t.Errorf("nothing is kept, and ktask warns of it:\n%s", o.stderr)
	}
	if o := ktask(t, dir, "", "run", "--help"); !strings.Contains(strings.Join(strings.Fields(o.stdout), " "), said) {
		t.Error("the help of --keep does not say it")
	}
}
