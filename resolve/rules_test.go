package resolve_test

import (
	"flag"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"
)

// update rewrites what the archives want. Read every change against the rule: a golden that holds a wrong
// behaviour is worse than none.
var update = flag.Bool("update", false, "rewrite want.problems and want.plan")

const rulesDir = "testdata/rules"

// invalidDir has the archives of manifests that do not load, which package spec tests.
const invalidDir = "../spec/testdata/rules"

// The rules are those of Keptn's behaviour, numbered: 1–108 (shape, defaults, code, references, environment,
// runtimes, containers, the Job, a KeptnTask, its context), 109–132 (workloads, apps, stages) and 133–136 (files).
func ruleNumbers() []int {
	var all []int
	for n := 1; n <= 136; n++ {
		all = append(all, n)
	}
	return all
}

// provenElsewhere are the rules that no plan and no problem shows: what happens while a task runs.
var provenElsewhere = map[int]proof{
	64:  {"integration/e2e/runtimes_test.go", "TestDenoRuntime"},
	65:  {"integration/e2e/runtimes_test.go", "TestDenoRuntime"},
	66:  {"integration/e2e/runtimes_test.go", "TestDenoRuntime"},
	67:  {"integration/e2e/runtimes_test.go", "TestPythonRuntime"},
	68:  {"integration/e2e/runtimes_test.go", "TestDownloads"},
	69:  {"integration/e2e/runtimes_test.go", "TestPythonRuntime"},
	70:  {"integration/e2e/runtimes_test.go", "TestPythonRuntime"},
	71:  {"integration/e2e/runtimes_test.go", "TestPythonRuntime"},
	81:  {"integration/e2e/volume_test.go", "TestVolumeSurvivesAttempts"},
	82:  {"engine/docker/engine_test.go", "TestMemoryLimitEndsInOOMKill"},
	86:  {"engine/backoff_test.go", "TestBackoff"},
	87:  {"engine/backoff_test.go", "TestBackoff"},
	88:  {"engine/runner_test.go", "TestOutcomes"},
	89:  {"engine/runner_test.go", "TestOutcomes"},
	90:  {"engine/runner_test.go", "TestOutcomes"},
	93:  {"engine/runner_test.go", "TestOutcomes"},
	123: {"engine/stages_test.go", "TestTasksOfAStageMeet"},
	124: {"engine/stages_test.go", "TestStages"},
	125: {"engine/stages_test.go", "TestStages"},
	126: {"engine/stages_test.go", "TestStages"},
	94:  {"engine/report/report_test.go", "TestGolden"},
}

type proof struct{ file, function string }

// archiveName is one rule or several, and what the case is about: "047-048-parameters-and-secret.txtar".
var archiveName = regexp.MustCompile(`^((?:\d{3}-)+)[a-z][a-z0-9-]*\.txtar$`)

func archives(t *testing.T, dir string) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(names) == 0 {
		t.Fatalf("no archives in %s: %v", dir, err)
	}
	return names
}

func rulesOf(t *testing.T, name string) []int {
	t.Helper()
	m := archiveName.FindStringSubmatch(filepath.Base(name))
	if m == nil {
		t.Fatalf("%s: a name is NNN-short-name.txtar", name)
	}
	var rules []int
	for _, digits := range strings.Split(strings.TrimSuffix(m[1], "-"), "-") {
		n, _ := strconv.Atoi(digits) // three digits, says the pattern
		rules = append(rules, n)
	}
	return rules
}

// TestRules compares the plan or the problems of manifests with those that each rule requires.
func TestRules(t *testing.T) {
	for _, name := range archives(t, rulesDir) {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			if len(strings.TrimSpace(string(archive.Comment))) == 0 {
				t.Error("the archive does not begin with what its rule wants")
			}
			c := newCase(t, archive)
			problems, plan := c.resolve(t)
			got := map[string]string{"want.problems": problems, "want.plan": plan}
			for file, text := range got {
				if showsSecret(text) {
					t.Errorf("%s shows a secret:\n%s", file, text)
				}
			}
			if *update {
				c.rewrite(t, name, got)
				return
			}
			for file, text := range got {
				if want := c.wants[file]; text != want {
					t.Errorf("%s: got\n%s\nwant\n%s\nif this is what the rule says, go test ./resolve -update", file, text, want)
				}
			}
		})
	}
}

// showsSecret looks for the values of the archives' secrets, in clear and in base64. The lines that an archive asks for
// with "show secrets" are the test's own.
func showsSecret(text string) bool {
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, "  secret ") && (strings.Contains(line, secretMark) || strings.Contains(line, encodedMark)) {
			return true
		}
	}
	return false
}

// TestEveryRuleHasACase fails for a rule without a golden case or a test elsewhere.
func TestEveryRuleHasACase(t *testing.T) {
	covered := map[int]bool{}
	for _, name := range append(archives(t, rulesDir), archives(t, invalidDir)...) {
		for _, n := range rulesOf(t, name) {
			covered[n] = true
			if !slices.Contains(ruleNumbers(), n) {
				t.Errorf("%s: there is no rule %d here", name, n)
			}
		}
	}
	for _, n := range ruleNumbers() {
		p, elsewhere := provenElsewhere[n]
		switch {
		case elsewhere:
			if !p.exists(t) {
				t.Errorf("rule %d: there is no %s in %s", n, p.function, p.file)
			}
		case !covered[n]:
			t.Errorf("rule %d has no case in %s or %s", n, rulesDir, invalidDir)
		}
	}
}

func (p proof) exists(t *testing.T) bool {
	t.Helper()
	source, err := os.ReadFile(filepath.Join("..", filepath.FromSlash(p.file)))
	if err != nil {
		t.Error(err)
		return false
	}
	file, err := parser.ParseFile(token.NewFileSet(), p.file, source, 0)
	if err != nil {
		t.Error(err)
		return false
	}
	return slices.ContainsFunc(file.Decls, func(d ast.Decl) bool {
		f, ok := d.(*ast.FuncDecl)
		return ok && f.Recv == nil && f.Name.Name == p.function
	})
}
