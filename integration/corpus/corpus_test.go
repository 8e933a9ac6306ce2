package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ktask/ktask/spec"
)

// write makes the files of a corpus and returns its directory.
func write(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// counted returns what is printed of a corpus, each line without repeated blanks.
func counted(t *testing.T, dir string, limit time.Duration, judge func(spec.File) outcome) []string {
	t.Helper()
	c := newCensus()
	if err := c.walk(dir, limit, judge); err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	c.print(&out)
	var lines []string
	for line := range strings.Lines(strings.ReplaceAll(out.String(), dir+string(filepath.Separator), "")) {
		lines = append(lines, strings.Join(strings.Fields(line), " "))
	}
	return lines
}

func TestVerdicts(t *testing.T) {
	const head = "apiVersion: lifecycle.keptn.sh/v1\nkind: KeptnTaskDefinition\nmetadata: {name: x}\n"
	dir := write(t, map[string]string{
		"good.yaml":        head + "spec: {python: {inline: {code: x}}}\n",
		"warned.yml":       head + "spec: {python: {inline: {code: x}, httpRef: {url: x}}}\n",
		"sub/refused.json": `{"apiVersion": "lifecycle.keptn.sh/v1", "kind": "KeptnTaskDefinition", "metadata": {"name": "x"}, "spec": {"pythn": {}, "denno": {}}}`,
		".hid/other.yaml":  "apiVersion: v1\nkind: Service\nmetadata: {name: x}\n",
		"readme.txt":       "{",
		"part.yaml":        head + "spec: {python: {functionRef: {name: called}}}\n",
		"both.yaml":        head + "spec: {retries: 1, retries: 1, python: {inline: {code: x}}}\n---\napiVersion: v1\nkind: Service\nmetadata: {name: x, name: x}\n",
	})
	if err := os.Symlink("nowhere", filepath.Join(dir, "link.yaml")); err != nil {
		t.Fatal(err)
	}
	lines := counted(t, dir, time.Minute, judge)
	for _, want := range []string{"files 6", "accepted 1", "warned 1", "incomplete 1", "refused 2", "foreign 1", "crashed 0", "too slow 0", "unread 0", "unknown-field error 1 sub/refused.json:1:108",
		"duplicate-key error 1 both.yaml:4:20", "missing-definition missing 1 part.yaml:4:37"} {
		if !slices.Contains(lines, want) {
			t.Errorf("no line %q in:\n%s", want, strings.Join(lines, "\n"))
		}
	}
	if text := strings.Join(lines, "\n"); strings.Contains(text, "duplicate-key warning") {
		t.Errorf("a file is counted twice for a rule:\n%s", text)
	}
}

// TestFilesThatBreakTheJudge: the files after them are counted.
func TestFilesThatBreakTheJudge(t *testing.T) {
	dir := write(t, map[string]string{"1.yaml": "", "2.yaml": "", "3.yaml": ""})
	var lines []string
	synctest.Test(t, func(t *testing.T) {
		end := make(chan struct{})
		defer close(end)
		lines = counted(t, dir, time.Minute, func(f spec.File) outcome {
			switch filepath.Base(f.Name) {
			case "1.yaml":
				panic("oh")
			case "2.yaml":
				<-end
			}
			return outcome{verdict: accepted}
		})
	})
	for _, want := range []string{"1.yaml: crashed: oh", "2.yaml: too slow: no verdict after 1m0s", "accepted 1", "crashed 1", "too slow 1"} {
		if !slices.Contains(lines, want) {
			t.Errorf("no line %q in:\n%s", want, strings.Join(lines, "\n"))
		}
	}
}
