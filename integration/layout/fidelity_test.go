package layout

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/ktask/ktask/integration/parity"
)

const root = "../.."

var (
	archiveName = regexp.MustCompile(`^[a-z][a-z0-9-]*\.txtar$`)
	testOfFile  = regexp.MustCompile(`^(Test\w+) in (\S+_test\.go)$`)
	ruleNumber  = regexp.MustCompile(`(?i)\brules? [0-9]+`)
	citation    = regexp.MustCompile(`((?:"[^"]+"(?:, | and )?)+) in docs/fidelity\.md`)
	quoted      = regexp.MustCompile(`"([^"]+)"`)
	lineBreak   = regexp.MustCompile(`\n\s*// `)
)

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(file)))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// rulesOfFidelity returns the headings of docs/fidelity.md, each with the tests that its paragraph "Tests:" lists.
func rulesOfFidelity(t *testing.T) map[string][]string {
	t.Helper()
	rules := map[string][]string{}
	for part := range strings.SplitSeq("\n"+read(t, "docs/fidelity.md"), "\n### ") {
		heading, text, _ := strings.Cut(part, "\n")
		if _, twice := rules[heading]; twice {
			t.Errorf("docs/fidelity.md has two headings %q", heading)
		}
		_, tests, _ := strings.Cut(text, "\nTests: ")
		tests, _, _ = strings.Cut(tests, "\n\n")
		rules[heading] = strings.FieldsFunc(tests, func(r rune) bool { return r == ',' || r == ';' })
	}
	delete(rules, "") // what precedes the first heading
	return rules
}

// archives returns the names of the archives, without their ending.
func archives(t *testing.T) map[string]bool {
	t.Helper()
	names := map[string]bool{}
	for _, dir := range []string{"spec/testdata/rules", "resolve/testdata/rules"} {
		entries, err := os.ReadDir(filepath.Join(root, dir))
		if err != nil {
			t.Fatal(err)
		}
		for _, entry := range entries {
			name := strings.TrimSuffix(entry.Name(), ".txtar")
			if !archiveName.MatchString(entry.Name()) || names[name] {
				t.Errorf("%s/%s: expected a name like volume-in-a-cluster.txtar that no other archive has", dir, entry.Name())
			}
			names[name] = true
		}
	}
	return names
}

// TestEveryRuleHasATest fails for a heading of docs/fidelity.md without a test, and for an archive without a heading.
func TestEveryRuleHasATest(t *testing.T) {
	archives, listed := archives(t), map[string]bool{}
	for heading, tests := range rulesOfFidelity(t) {
		if len(tests) == 0 {
			t.Errorf("%q has no test: list an archive or a test", heading)
		}
		for _, test := range tests {
			test = strings.Join(strings.Fields(test), " ")
			listed[test] = true
			switch m := testOfFile.FindStringSubmatch(test); {
			case m == nil && !archives[test]:
				t.Errorf("%q: there is no archive %s", heading, test)
			case m != nil && !strings.Contains(read(t, m[2]), "\nfunc "+m[1]+"(t *testing.T)"):
				t.Errorf("%q: there is no %s in %s", heading, m[1], m[2])
			}
		}
	}
	for name := range archives {
		if !listed[name] {
			t.Errorf("archive %s belongs to no heading of docs/fidelity.md", name)
		}
	}
}

// TestRulesAreCitedByHeading reads the Go files and the archives: a citation is `see "HEADING" in docs/fidelity.md`, and
// a reader could not look up a number.
func TestRulesAreCitedByHeading(t *testing.T) {
	rules := rulesOfFidelity(t)
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !slices.Contains([]string{".go", ".txtar"}, filepath.Ext(path)) {
			return err
		}
		file, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		text := strings.ReplaceAll(lineBreak.ReplaceAllString(read(t, filepath.ToSlash(file)), " "), `\"`, `"`)
		for _, number := range ruleNumber.FindAllString(text, -1) {
			t.Errorf("%s cites %q: cite a heading of docs/fidelity.md", file, number)
		}
		for _, cited := range citation.FindAllStringSubmatch(text, -1) {
			for _, heading := range quoted.FindAllStringSubmatch(cited[1], -1) {
				if _, ok := rules[heading[1]]; !ok && heading[1] != "HEADING" {
					t.Errorf("%s cites %q, which is no heading of docs/fidelity.md", file, heading[1])
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestParityIsExplainedByHeadings: a difference between Docker and a cluster is explained by a rule that a reader can look up.
func TestParityIsExplainedByHeadings(t *testing.T) {
	rules := rulesOfFidelity(t)
	for _, e := range parity.Explanations {
		if _, ok := rules[e.Heading]; !ok {
			t.Errorf("integration/parity explains %q by %q, which is no heading of docs/fidelity.md", e.What, e.Heading)
		}
	}
}
