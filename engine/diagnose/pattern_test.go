package diagnose

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
)

// TestPatternsCompile compiles the expressions that the package writes as one literal: a mistake in one would show only when a task
// fails in the way that it matches.
func TestPatternsCompile(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	literal := regexp.MustCompile("= compiled\\((`[^`]*`|\"[^\\n]*\")\\)\\n")
	count := 0
	for _, file := range files {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range literal.FindAllSubmatch(source, -1) {
			expression, err := strconv.Unquote(string(found[1]))
			if err != nil {
				t.Fatalf("%s: %s: %v", file, found[1], err)
			}
			if _, err := regexp.Compile(expression); err != nil {
				t.Errorf("%s: %v", file, err)
			}
			count++
		}
	}
	if count < 30 {
		t.Errorf("%d patterns found", count)
	}
}
