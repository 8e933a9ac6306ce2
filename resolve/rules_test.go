package resolve_test

import (
	"flag"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"
)

// update rewrites the expected results. Compare every change with docs/fidelity.md: a wrong golden file is worse than none.
var update = flag.Bool("update", false, "rewrite want.problems and want.plan")

// TestRules compares the plan or the problems of manifests with those that a rule of docs/fidelity.md requires. The numbers
// in an archive's name stand for the headings that list them.
func TestRules(t *testing.T) {
	names, err := filepath.Glob("testdata/rules/*.txtar")
	if err != nil || len(names) == 0 {
		t.Fatalf("no archives: %v", err)
	}
	for _, name := range names {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			if len(strings.TrimSpace(string(archive.Comment))) == 0 {
				t.Error("the archive does not begin with a description of its rule")
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
					t.Errorf("%s: got\n%s\nwant\n%s\nif this is right, run go test ./resolve -update", file, text, want)
				}
			}
		})
	}
}

// showsSecret reports whether text contains a value of the archives' secrets, in clear or in base64. Lines that an archive
// asks for with "show secrets" do not count.
func showsSecret(text string) bool {
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, "  secret ") && (strings.Contains(line, secretMark) || strings.Contains(line, encodedMark)) {
			return true
		}
	}
	return false
}
