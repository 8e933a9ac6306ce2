package attack

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode"

	"golang.org/x/sys/unix"
)

// terminal makes a terminal: what is written to inside comes out of outside.
func terminal(t *testing.T) (outside, inside *os.File) {
	t.Helper()
	outside, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetPointerInt(int(outside.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	number, err := unix.IoctlGetInt(int(outside.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	inside, err = os.OpenFile("/dev/pts/"+strconv.Itoa(number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	return outside, inside
}

// seen returns both streams of ktask as a terminal gets them, and ktask's exit code.
func seen(t *testing.T, cmd *exec.Cmd) (code int, text string) {
	t.Helper()
	outside, inside := terminal(t)
	cmd.Stdout, cmd.Stderr = inside, inside
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_ = inside.Close()
	all := make(chan string, 1)
	go func() {
		var b bytes.Buffer
		_, _ = io.Copy(&b, outside) // ends with an error of the terminal when ktask has ended
		all <- b.String()
	}()
	_ = cmd.Wait() // the code tells
	text = <-all
	_ = outside.Close()
	return cmd.ProcessState.ExitCode(), text
}

// obeyed returns what of a text a terminal would obey, but for line breaks, tabs, and what ktask itself writes: attributes,
// and the erasure of its own last lines.
func obeyed(text string) string {
	text = ownSequences.ReplaceAllString(text, "")
	var b strings.Builder
	for i, r := range text {
		_, rest, _ := strings.Cut(text[i:], "\x1b[")
		attributes, _, ended := strings.Cut(rest, "m")
		switch {
		case r == '\n' || r == '\t':
		case r == '\x1b' && strings.HasPrefix(text[i:], "\x1b[") && ended && strings.Trim(attributes, "0123456789;") == "":
		case unicode.IsControl(r), unicode.Is(unicode.Bidi_Control, r), r == '\u2028', r == unicode.ReplacementChar:
			b.WriteRune(r)
		}
	}
	return b.String()
}

var ownSequences = regexp.MustCompile("\r\n|\r\x1b\\[K(\x1b\\[A\x1b\\[K)*")

// hostile is text that does something to a terminal: it sets the title, clears the screen, moves the cursor, in C0, in C1 and
// in bytes that are not UTF-8, and it turns the direction of what follows.
const hostile = "\x1b]0;owned\x07\x1b[2J\x1b[1;1H\u009b2J\u202edne\u2066\u2028"

// TestTerminalIsNotObeyed has such text wherever a stranger's text is printed.
func TestTerminalIsNotObeyed(t *testing.T) {
	dir := t.TempDir()
	quoted := `\e]0;owned\a\e[2J\e[1;1H\u009b2J\u202edne\u2066\u2028`
	def := "apiVersion: lifecycle.keptn.sh/v1\nkind: KeptnTaskDefinition\nmetadata: {name: t}\n"
	write(t, dir, "key.yaml", def+`spec: {deno: {inline: {code: x}, parameters: {map: {"`+quoted+`": 1}}}}`)
	write(t, dir, "field.yaml", def+`spec: {container: {name: c, image: a, "`+quoted+`": 1}}`)
	write(t, dir, "image.yaml", def+`spec: {container: {name: c, image: "`+quoted+`"}}`)
	write(t, dir, "label.yaml", strings.Replace(def, "name: t", `name: t, labels: {"`+quoted+`": x}`, 1)+"spec: {container: {name: c, image: a}}")
	write(t, dir, "name.yaml", strings.Replace(def, "name: t", `name: "`+quoted+`"`, 1)+"spec: {container: {name: c, image: a}}")
	write(t, dir, "raw.yaml", def+"spec: {container: {name: c, image: a, \u202ex: 1}}\n")
	write(t, dir, "param.yaml", def+`spec: {deno: {inline: {code: x}, parameters: {map: {"`+quoted+`": "`+quoted+`"}}}}`)
	write(t, dir, "command.yaml", def+`spec: {container: {name: c, image: a, command: ["`+quoted+`"], env: [{name: A, value: "`+quoted+`"}]}}`)
	write(t, dir, "names/a"+strings.ReplaceAll(hostile, "\u2028", "")+".yaml", def+"spec: {container: {name: c, image: busybox}}\nx: 1\n")
	write(t, dir, "good/a"+hostile+".yaml", def+"spec: {container: {name: c, image: busybox}}\n")
	write(t, dir, "settings/.ktask.yaml", `"`+quoted+`": x`)
	write(t, dir, "settings/task.yaml", def+"spec: {container: {name: c, image: busybox}}\n")
	write(t, dir, "params", `{"`+quoted+`": [1]}`)
	for _, args := range [][]string{
		{"validate", "key.yaml"}, {"validate", "field.yaml"}, {"validate", "image.yaml"}, {"validate", "label.yaml"}, {"validate", "name.yaml"},
		{"validate", "raw.yaml"}, {"validate", "names"}, {"validate", "-o", "github", "names"}, {"validate", "-o", "json", "names"},
		{"validate", "-o", "sarif", "names"}, {"validate", hostile}, {"validate", "\xff\x9b2J.yaml"}, {hostile}, {"validate", "--" + hostile},
		{"list", "good"}, {"list", "names"}, {"plan", "good"}, {"plan", "--explain", "good"}, {"plan", "-o", "json", "good"},
		{"plan", "param.yaml"}, {"plan", "--explain", "param.yaml"}, {"plan", "-o", "json", "param.yaml"}, {"plan", "-o", "yaml", "param.yaml"},
		{"plan", "command.yaml"}, {"plan", "-o", "yaml", "command.yaml"}, {"plan", "--explain", "--param", hostile + "=x", "param.yaml"},
		{"plan", "--params-file", "params", "param.yaml"}, {"plan", "--context", hostile + "=x", "param.yaml"}, {"plan", "--task", hostile, "param.yaml"},
		{"plan", "--image", hostile + "=x", "param.yaml"}, {"plan", "--secret", hostile + "=x", "param.yaml"}, {"plan", "--namespace", hostile, "param.yaml"},
		{"run", "--host", "unix:///" + hostile, "good"}, {"run", "--network", hostile, "good"}, {"run", "--junit", "no/" + hostile, "good"},
		{"run", "--docker-context", hostile, "good"}, {"clean", hostile}, {"clean", "--host", hostile},
	} {
		_, text := seen(t, command(t, dir, nil, args...))
		if bad := obeyed(text); bad != "" {
			t.Errorf("ktask %q: a terminal would obey %q of\n%q", args, bad, text)
		}
	}
	if _, text := seen(t, command(t, filepath.Join(dir, "settings"), nil, "validate", "task.yaml")); obeyed(text) != "" {
		t.Errorf("of .ktask.yaml a terminal would obey %q of\n%q", obeyed(text), text)
	}
}

// TestTaskDoesNotRuleTheTerminal has a task print what a terminal obeys, and leave it as its last words.
func TestTaskDoesNotRuleTheTerminal(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "task.yaml", `
apiVersion: lifecycle.keptn.sh/v1
kind: KeptnTaskDefinition
metadata: {name: t}
spec:
  container:
    name: c
    image: `+busyboxImage+`
    command: [sh, -c]
    args:
    - |
      say() { printf '\033[31mred \033]0;owned\007\033[2J\033[1;1H\302\2332J\2332J\342\200\256dne\rover\b\033[8mgone\n'; }
      say; say >&2; printf '\033]0;owned\007\033[2Jlast words\r::error::x' > /dev/termination-log
      printf '\033[31mno end \033['; exit 1
`)
	for _, output := range []string{"live", "plain", "quiet", "github"} {
		for _, more := range [][]string{nil, {"--timestamps"}} {
			code, text := seen(t, command(t, dir, nil, append([]string{"run", "-o", output, "task.yaml"}, more...)...))
			if code != 1 || !strings.Contains(text, "last words") || !strings.Contains(text, "\x1b[31mred ") {
				t.Fatalf("%s: exit code %d, %q", output, code, text)
			}
			if more == nil && (output == "live" || output == "plain") { // a single task may overwrite its own line
				text = strings.ReplaceAll(text, "dne\rover", "dneover")
			}
			if bad := obeyed(text); bad != "" {
				t.Errorf("-o %s: a terminal would obey %q of\n%q", output, bad, text)
			}
			for line := range strings.Lines(text) {
				attributes := strings.LastIndex(line, "\x1b[")
				if attributes >= 0 && !strings.HasPrefix(line[attributes:], "\x1b[0m") && !strings.HasPrefix(line[attributes:], "\x1b[K") {
					t.Errorf("-o %s: attributes do not end with their line: %q", output, line)
				}
			}
		}
	}
	// What is no terminal gets the bytes.
	o := ktask(t, dir, "", "run", "task.yaml").expect(t, 1)
	if !strings.Contains(o.stdout, "\x1b]0;owned\x07\x1b[2J\x1b[1;1H\u009b2J\x9b2J\u202edne\rover\b\x1b[8mgone\n") {
		t.Errorf("the bytes of stdout are not the task's: %q", o.stdout)
	}
}

// TestNoCommandForGitHub looks for lines which the runner of GitHub Actions would take for commands: it reads both streams.
func TestNoCommandForGitHub(t *testing.T) {
	dir := t.TempDir()
	def := "apiVersion: lifecycle.keptn.sh/v1\nkind: KeptnTaskDefinition\nmetadata: {name: t}\n"
	write(t, dir, "key.yaml", def+`spec: {deno: {inline: {code: x}, parameters: {map: {"p\n::error::x": 1, "##[error]y": 2}}}}`)
	write(t, dir, "\n ::error::name.yaml", def+"spec: {container: {name: c, image: busybox}}\nx: 1\n")
	write(t, dir, "::error::name.yaml", def+"spec: {container: {name: c, image: busybox}}\nx: 1\n")
	write(t, dir, "##[error]name.yaml", def+"spec: {container: {name: c, image: busybox}}\nx: 1\n")
	for _, args := range [][]string{
		{"validate", "key.yaml"}, {"validate", "."}, {"validate", "-o", "github", "."}, {"validate", "no\n::error::x"}, {"no\n::error::x"},
		{"plan", "."}, {"run", "."}, {"run", "-o", "github", "."}, {"list", "."}, {"list", "::error::x"}, {"plan", "--task", "a\n::error::x", "key.yaml"},
		{"run", "--host", "a\n::error::x", "key.yaml"}, {"clean", "--host", "a\n::error::x"}, {"validate", "--no\n::error::x"},
	} {
		o := ktask(t, dir, "", args...)
		for line := range strings.Lines(o.stdout + "\n" + o.stderr) {
			trimmed := strings.TrimSpace(line)
			ours := len(args) > 2 && args[2] == "github" && strings.HasPrefix(trimmed, "::error file=")
			if strings.HasPrefix(trimmed, "::") && !ours || strings.Contains(line, "##[") && !ours {
				t.Errorf("ktask %q writes a command of GitHub: %q", args, line)
			}
		}
	}
}
