package layout

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	link    = regexp.MustCompile(`\]\(([^)#: ]*)(#[^)]*)?\)`)
	heading = regexp.MustCompile(`(?m)^#+ (.*)$`)
	notAnID = regexp.MustCompile(`[^a-z0-9 -]`)
)

// TestLinksOfPages reads README.md and docs/*.md: a link leads to a file of the repository, and to a heading in it.
func TestLinksOfPages(t *testing.T) {
	pages, err := filepath.Glob(filepath.Join(root, "docs", "*.md"))
	if err != nil || len(pages) < 5 {
		t.Fatalf("%d pages: %v", len(pages), err)
	}
	for _, page := range append(pages, filepath.Join(root, "README.md")) {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range link.FindAllStringSubmatch(string(text), -1) {
			target := page
			if m[1] != "" {
				target = filepath.Join(filepath.Dir(page), filepath.FromSlash(m[1]))
			}
			if _, err := os.Stat(target); err != nil {
				t.Errorf("%s: link %s: %v", page, m[0], err)
			} else if m[2] != "" && !hasHeading(t, target, m[2][1:]) {
				t.Errorf("%s: link %s: no such heading", page, m[0])
			}
		}
	}
}

// hasHeading reports whether a page has a heading with this identifier, which GitHub makes of its words.
func hasHeading(t *testing.T, page, id string) bool {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range heading.FindAllStringSubmatch(string(text), -1) {
		if strings.ReplaceAll(notAnID.ReplaceAllString(strings.ToLower(m[1]), ""), " ", "-") == id {
			return true
		}
	}
	return false
}
