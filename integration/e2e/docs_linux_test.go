package e2e

import (
	"cmp"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var writeDocs = flag.Bool("write-docs", false, "write the output of the commands in README.md and docs/ anew")

// block is a fenced block of a page: its text is lines[from:to], and what follows the fence is its language and a name.
type block struct {
	language, name string
	from, to       int
}

// fencedBlocks returns the fenced blocks of a page.
func fencedBlocks(t *testing.T, lines []string) (all []block) {
	t.Helper()
	var open *block
	for i, line := range lines {
		info, fence := strings.CutPrefix(line, "```")
		switch {
		case fence && open == nil:
			open = &block{from: i + 1}
			open.language, open.name, _ = strings.Cut(info, " ")
		case fence:
			open.to = i
			all, open = append(all, *open), nil
		}
	}
	if open != nil {
		t.Fatalf("line %d: the block is not closed", open.from)
	}
	return all
}

// script returns the shell script of a console block, which prints each command before it runs it.
func script(lines []string) string {
	text := "exec 2>&1\n"
	for _, line := range lines {
		if command, ok := strings.CutPrefix(line, "$ "); ok {
			text += "{ status=$?; printf '%s\\n' '" + strings.ReplaceAll(line, "'", `'\''`) + "'; (exit $status); }\n" + command + "\n"
		}
	}
	return text
}

// published replaces the images of the tests by those that they stand for.
var published = strings.NewReplacer(denoImage, "ghcr.io/keptn/deno-runtime:v3.0.1", pythonImage, "ghcr.io/keptn/python-runtime:v1.0.8", busyboxImage, "busybox:1.36.1")

var (
	measuredTime = regexp.MustCompile(`\b[0-9.]+m?s\b`)
	blanks       = regexp.MustCompile(` +`)
	// notShown matches lines that are not the commands': on --image, which the test adds, and on what other tests have left.
	notShown = regexp.MustCompile(`(?m)^(warning: flag --image: |ktask: removed what killed runs had left).*\n`)
)

// runID matches the name of a run, which is random.
var runID = regexp.MustCompile(`\b[0-9a-f]{12}\b`)

// timeless replaces what differs between runs: times and the widths of columns that hold them.
func timeless(text string) string {
	return blanks.ReplaceAllString(measuredTime.ReplaceAllString(strings.TrimSpace(text), "TIME"), " ")
}

// TestDocs runs the commands of README.md and docs/*.md, and compares what they print with what the pages show:
//
//   - A console block is a transcript: lines that begin with "$ " are commands, the others their output.
//   - A block with a name is a file that the commands find in their directory. If it is below examples/ or integration/, it is
//     a part of that file of the repository.
//
// The console blocks of a page run in order, in one directory. Other blocks are not run. If a block shows the name of a run, the blocks
// after it get the name of the run that it has started.
func TestDocs(t *testing.T) {
	pages, err := filepath.Glob("../../docs/*.md")
	if err != nil || len(pages) < 5 {
		t.Fatalf("%d pages: %v", len(pages), err)
	}
	for _, page := range append(pages, "../../README.md") {
		t.Run(filepath.Base(page), func(t *testing.T) { runPage(t, page) })
	}
}

func runPage(t *testing.T, page string) {
	text := readFile(t, page)
	lines := strings.Split(text, "\n")
	dir, bin := t.TempDir(), t.TempDir()
	t.Setenv("XDG_STATE_HOME", t.TempDir())
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	writeFile(t, filepath.Join(bin, "ktask"), "#!/bin/sh\n[ \"$1\" != run ] || set -- \"$@\" --image "+anyBusybox+"\nexec "+binary+" \"$@\"\n", 0o755)
	for i, line := range lines {
		if strings.HasPrefix(line, "    $ ") {
			t.Errorf("line %d: an indented transcript is not run: make it a console block", i+1)
		}
	}
	var named, started string // a run, in the page and in this test
	moved := 0                // how many lines the page has gained so far
	for _, b := range fencedBlocks(t, lines) {
		content := lines[b.from+moved : b.to+moved]
		shown := strings.Join(content, "\n") + "\n"
		switch {
		case strings.HasPrefix(b.name, "examples/"), strings.HasPrefix(b.name, "integration/"):
			if !strings.Contains(readFile(t, filepath.Join("../..", b.name)), shown) {
				t.Errorf("line %d: this is no part of %s:\n%s", b.from, b.name, shown)
			}
		case b.name != "":
			writeFile(t, filepath.Join(dir, b.name), shown, 0o644)
		case b.language == "console":
			printed := startIn(t, dir, "", "bash", "-c", strings.ReplaceAll(script(content), named, started)).end(t).stdout
			printed = notShown.ReplaceAllString(published.Replace(printed), "")
			if id := runID.FindString(printed); named == "" && id != "" {
				named, started = cmp.Or(runID.FindString(shown), id), id
			}
			printed = strings.ReplaceAll(printed, started, named)
			if timeless(printed) == timeless(shown) {
				continue
			}
			if !*writeDocs {
				t.Errorf("line %d shows\n%s\nbut the commands print (make docs writes it)\n%s", b.from, shown, printed)
				continue
			}
			now := strings.Split(strings.TrimSpace(printed), "\n")
			lines = append(append(append([]string{}, lines[:b.from+moved]...), now...), lines[b.to+moved:]...)
			moved += len(now) - len(content)
		}
	}
	if *writeDocs {
		writeFile(t, page, strings.Join(lines, "\n"), 0o644)
	}
}

func writeFile(t *testing.T, name, text string, mode os.FileMode) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
}
