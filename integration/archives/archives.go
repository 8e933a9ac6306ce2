// Package archives runs tests whose cases are txtar archives: a comment with what a rule requires, files that go in, and files
// that must come out, whose names begin with "want.".
package archives

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"
)

// In each archive every value of a secret contains secretMark, or encodedMark if it is base64. So Run finds a value that is
// shown anywhere.
const (
	secretMark  = "hunter2"
	encodedMark = "aHVudGVyM"
)

// Run runs a test for each archive in testdata/rules. It compares the files that output returns with those of the archive. If
// update is true, it writes them to the archive instead. A file without content is not in an archive.
func Run(t *testing.T, update bool, output func(*testing.T, *txtar.Archive) []txtar.File) {
	t.Helper()
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
			if strings.TrimSpace(string(archive.Comment)) == "" {
				t.Error("the archive does not begin with what its rule requires")
			}
			got := output(t, archive)
			for _, f := range got {
				if showsSecret(string(f.Data)) {
					t.Errorf("%s shows a secret:\n%s", f.Name, f.Data)
				}
			}
			if update {
				rewrite(t, name, archive, got)
				return
			}
			for _, f := range got {
				if want := content(archive, f.Name); want != string(f.Data) {
					t.Errorf("%s: got\n%s\nwant\n%s\nif this is what the rule says, run the test with -update", f.Name, f.Data, want)
				}
			}
		})
	}
}

// IsWanted reports whether a file of an archive must come out.
func IsWanted(f txtar.File) bool { return strings.HasPrefix(f.Name, "want.") }

func content(archive *txtar.Archive, name string) string {
	if i := slices.IndexFunc(archive.Files, func(f txtar.File) bool { return f.Name == name }); i >= 0 {
		return string(archive.Files[i].Data)
	}
	return ""
}

func rewrite(t *testing.T, name string, archive *txtar.Archive, got []txtar.File) {
	t.Helper()
	archive.Files = slices.DeleteFunc(archive.Files, IsWanted)
	for _, f := range got {
		if len(f.Data) > 0 {
			archive.Files = append(archive.Files, f)
		}
	}
	if err := os.WriteFile(name, txtar.Format(archive), 0o644); err != nil {
		t.Fatal(err)
	}
}

// showsSecret reports whether text contains a value of a secret, in clear or in base64. The lines "  secret NAME=VALUE", with
// which some archives compare values, do not count.
func showsSecret(text string) bool {
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, "  secret ") && (strings.Contains(line, secretMark) || strings.Contains(line, encodedMark)) {
			return true
		}
	}
	return false
}
