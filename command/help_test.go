package command

import (
	"bytes"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/urfave/cli/v2"
)

// helped returns what ktask prints for arguments.
func helped(t *testing.T, args ...string) string {
	t.Helper()
	var out, err bytes.Buffer
	if code := Main(t.Context(), App{Out: &out, Err: &err}, args); code != 0 || err.Len() > 0 {
		t.Fatalf("ktask %s: exit code %d, stderr: %s", strings.Join(args, " "), code, err.String())
	}
	return out.String()
}

// TestHelpFitsTheTerminal looks at the help of every command and every topic. The help of help is that of ktask.
func TestHelpFitsTheTerminal(t *testing.T) {
	texts := map[string]string{"": helped(t), "help topics": helped(t, "help", "topics")}
	for _, topic := range topics() {
		texts["help "+topic.name] = helped(t, "help", topic.name)
	}
	for _, c := range typable(App{}.root()) {
		args := strings.Fields(c.name)
		texts[c.name] = helped(t, append(args, "--help")...)
		if other := helped(t, append([]string{"help"}, args...)...); other != texts[c.name] && c.name != "help" {
			t.Errorf("ktask help %s prints\n%s\nbut --help\n%s", c.name, other, texts[c.name])
		}
	}
	if len(texts) < 24 {
		t.Errorf("only %d texts were looked at", len(texts))
	}
	for name, text := range texts {
		for line := range strings.SplitSeq(text, "\n") {
			if utf8.RuneCountInString(line) > 80 || strings.ContainsAny(line, "\t\x1b") || strings.HasSuffix(line, " ") {
				t.Errorf("%s: %q does not fit 80 columns, or has a tab, a blank at its end or an escape", name, line)
			}
		}
		if strings.Contains(text, "default: false") || strings.Contains(text, "`NAME`") {
			t.Errorf("%s: has a default of a switch or a backquoted name:\n%s", name, text)
		}
	}
}

func TestHelpOfRun(t *testing.T) {
	text := helped(t, "run", "--help")
	at := -1
	for _, want := range []string{"\nExamples\n  ktask run task.yaml ", "\nSelect\n", "\nInputs\n  -p, --param K=V ", "\nRetries and time\n", "\nContainer\n", "\nEngine\n", "\nOutput\n", "  -o, --output FORM "} {
		i := strings.Index(text, want)
		if i < 0 || i < at {
			t.Errorf("%q is missing or not in its place:\n%s", want, text)
		}
		at = i
	}
	if strings.Count(text, "--param ") != 1 {
		t.Errorf("--param is there more than once:\n%s", text)
	}
}

// TestExamples checks that each example is of a command and has only flags of it.
func TestExamples(t *testing.T) {
	root := App{}.root()
	for name, list := range examples {
		if name != "" && !slices.ContainsFunc(typable(root), func(c typableCommand) bool { return c.name == name }) {
			t.Errorf("there is no command %q", name)
		}
		for _, e := range list {
			for part := range strings.SplitSeq(strings.NewReplacer(" && ", " | ", "<(", "| ").Replace(e.command), " | ") {
				words := strings.Fields(part)
				if words[0] != "ktask" {
					continue
				}
				command, names := commandOf(root, words[1:])
				if command == nil {
					t.Errorf("%s: no such command", e.command)
					continue
				}
				for _, word := range words[1+names:] {
					flag := regexp.MustCompile(`^--?([a-z][a-z-]*)`).FindStringSubmatch(word)
					if flag != nil && !slices.ContainsFunc(completed(command), func(f cli.Flag) bool { return slices.Contains(f.Names(), flag[1]) }) {
						t.Errorf("%s: %s has no flag %s", e.command, command.Name, flag[0])
					}
				}
			}
		}
	}
	for _, name := range []string{"", "run", "plan", "shell", "validate", "list", "images", "lock", "clean", "doctor"} {
		if len(examples[name]) != 5 {
			t.Errorf("%q has %d examples", name, len(examples[name]))
		}
	}
}

func TestTopics(t *testing.T) {
	var out, err bytes.Buffer
	if code := Main(t.Context(), App{Out: &out, Err: &err}, []string{"help", "exit-code"}); code != exitUsage || !strings.Contains(err.String(), `(did you mean "exit-codes"?)`) {
		t.Errorf("exit code %d: %s", code, err.String())
	}
	if text := helped(t, "help", "exit-codes"); !strings.Contains(text, "    4         a task timed out\n") {
		t.Error(text)
	}
}

// TestManPage checks that the page has what the help has, and that text is not taken for a command of troff.
func TestManPage(t *testing.T) {
	page := helped(t, "man")
	for _, want := range []string{".SH KTASK IMAGES PULL\n", `\fB\-p, \-\-param K=V\fR`, ".SH THE EXIT CODES OF KTASK\n", `\fBktask run task.yaml\fR`} {
		if !strings.Contains(page, want) {
			t.Errorf("%q is missing", want)
		}
	}
	macro := regexp.MustCompile(`^\.(TH KTASK 1|S[HS] .+|PP|TP|RS|RE|nf|fi|nh|ad l)$`)
	for line := range strings.SplitSeq(page, "\n") {
		if strings.HasPrefix(line, "'") || strings.HasPrefix(line, ".") && !macro.MatchString(line) {
			t.Errorf("troff would read %q as a command", line)
		}
	}
}

func TestRoff(t *testing.T) {
	if got, want := roff(".a\n'b\n\\n -x"), "\\&.a\n\\&'b\n\\en \\-x"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
