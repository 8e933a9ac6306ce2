package spec_test

import (
	"bytes"
	"flag"
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/ktask/ktask/integration/archives"
	"github.com/ktask/ktask/spec"
)

var update = flag.Bool("update", false, "rewrite want.problems")

// TestRules compares the problems of manifests with those that a rule requires. The files of an archive are manifests, except
//
//	options        "lenient", or "tab FILE" to replace each → in a manifest by a tab
//	want.problems  the problems as a user sees them, errors among them, and then the faults of ConfigMaps and Secrets
//
// Rules that concern valid manifests are tested in package resolve, which shows what becomes of them.
func TestRules(t *testing.T) {
	archives.Run(t, *update, func(t *testing.T, archive *txtar.Archive) []txtar.File {
		files, options := ruleCase(t, archive)
		m, problems, _ := spec.Load(files, options)
		problems = append(problems, m.Faults...)
		if len(problems.Errors()) == 0 {
			t.Error("there is no error: move the archive to package resolve")
		}
		got := ""
		for _, p := range problems {
			got += p.String() + "\n"
		}
		return []txtar.File{{Name: "want.problems", Data: []byte(got)}}
	})
}

func ruleCase(t *testing.T, archive *txtar.Archive) (files []spec.File, options spec.Options) {
	t.Helper()
	options.Namespace = "default"
	for _, f := range archive.Files {
		if f.Name != "options" && !archives.IsWanted(f) {
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
	return files, options
}
