package command

import (
	"bytes"
	"os"
	"path/filepath"
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

// TestHelpBesideArguments asks for help at the end of a command that is typed already.
func TestHelpBesideArguments(t *testing.T) {
	for line, command := range map[string]string{
		"run k8s/ --help": "run", "run --help k8s/ -p a=b": "run", "run k8s/ -j 4 -h": "run", "images pull k8s/ --help": "images pull", "help --help": "help",
	} {
		if got, want := helped(t, strings.Fields(line)...), helped(t, append(strings.Fields(command), "--help")...); got != want {
			t.Errorf("ktask %s prints\n%s", line, got)
		}
	}
	var out, err bytes.Buffer
	if code := Main(t.Context(), App{Out: &out, Err: &err}, []string{"validate", "--", "--help"}); code != exitUsage || !strings.Contains(err.String(), "--help: no such file") {
		t.Errorf("a path is taken for a flag: exit code %d, %s%s", code, out.String(), err.String())
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
			checkCommand(t, e.command)
		}
	}
	for _, name := range []string{"", "run", "plan", "shell", "validate", "list", "images", "lock", "clean", "doctor"} {
		if len(examples[name]) != 5 {
			t.Errorf("%q has %d examples", name, len(examples[name]))
		}
	}
}

// checkCommand checks that the calls of ktask in a line for a shell are of commands and have only flags of them.
func checkCommand(t *testing.T, line string) {
	t.Helper()
	root := App{}.root()
	for part := range strings.SplitSeq(strings.NewReplacer(" && ", " | ", "<(", "| ", "; ", " | ", " # ", " | # ").Replace(line), " | ") {
		words := strings.Fields(part)
		if len(words) == 0 || words[0] != "ktask" {
			continue
		}
		command, names := commandOf(root, words[1:])
		if command == nil {
			t.Errorf("%s: no such command", line)
			continue
		}
		for _, word := range words[1+names:] {
			flag := regexp.MustCompile(`^--?([a-z][a-z-]*)`).FindStringSubmatch(word)
			if flag != nil && !slices.ContainsFunc(completed(command), func(f cli.Flag) bool { return slices.Contains(f.Names(), flag[1]) }) {
				t.Errorf("%s: %s has no flag %s", line, command.Name, flag[0])
			}
		}
	}
}

// TestPages checks the calls of ktask in all pages, also where the output is not shown and TestDocs of integration/e2e runs nothing.
func TestPages(t *testing.T) {
	var pages []string
	for _, pattern := range []string{"../*.md", "../docs/*.md", "../examples/*/README.md"} {
		some, err := filepath.Glob(pattern)
		if err != nil || len(some) < 3 {
			t.Fatalf("%s: %d pages (%v)", pattern, len(some), err)
		}
		pages = append(pages, some...)
	}
	call := regexp.MustCompile("(?m)^(?: {4,}|\\$ )(?:- )?(.*ktask .*)|`(ktask [^`]+)`")
	found := 0
	for _, page := range pages {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range call.FindAllStringSubmatch(string(text), -1) {
			found++
			checkCommand(t, strings.Join(m[1:], ""))
		}
	}
	if t.Logf("%d calls in %d pages", found, len(pages)); found < 100 {
		t.Error("too few")
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
