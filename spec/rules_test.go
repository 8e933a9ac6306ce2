package spec_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/ktask/ktask/spec"
)

var update = flag.Bool("update", false, "rewrite want.problems")

// TestRules compares the problems of manifests with those that a rule requires. The files of an archive are manifests, except
//
//	options        "lenient", or "tab FILE" to replace each → in a manifest by a tab
//	want.problems  the problems as a user sees them, errors among them
//
// Rules that concern valid manifests are tested in package resolve, which shows what becomes of them.
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
			files, options, want := ruleCase(t, archive)
			_, problems, err := spec.Load(files, options)
			if err == nil {
				t.Error("there is no error: move the archive to package resolve")
			}
			got := ""
			for _, p := range problems {
				got += p.String() + "\n"
			}
			if strings.Contains(got, "hunter2") || strings.Contains(got, "aHVudGVyM") { // in every secret of the archives
				t.Errorf("a problem shows a secret:\n%s", got)
			}
			switch {
			case *update:
				archive.Files[slices.IndexFunc(archive.Files, isWant)].Data = []byte(got)
				if err := os.WriteFile(name, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
			case got != want:
				t.Errorf("got\n%s\nwant\n%s\nif this is right, run go test ./spec -run TestRules -update", got, want)
			}
		})
	}
}

func isWant(f txtar.File) bool { return f.Name == "want.problems" }

func ruleCase(t *testing.T, archive *txtar.Archive) (files []spec.File, options spec.Options, want string) {
	t.Helper()
	options.Namespace, want = "default", string(archive.Files[slices.IndexFunc(archive.Files, isWant)].Data)
	for _, f := range archive.Files {
		if f.Name != "options" && !isWant(f) {
			files = append(files, spec.File{Name: f.Name, Data: f.Data, Named: true})
		}
	}
	for _, f := range archive.Files {
		if f.Name != "options" {
			continue
		}
		for _, line := range strings.Split(strings.TrimSpace(string(f.Data)), "\n") {
			switch option, file, _ := strings.Cut(line, " "); option {
			case "lenient":
				options.Lenient = true
			case "tab":
				i := slices.IndexFunc(files, func(f spec.File) bool { return f.Name == file })
				files[i].Data = bytes.ReplaceAll(files[i].Data, []byte("→"), []byte("\t"))
			default:
				t.Fatalf("there is no option %q", line)
			}
		}
	}
	return files, options, want
}
