package spec

import (
	"fmt"
	"strings"

	"github.com/xrash/smetrics"
)

// Nearest is the candidate that a person most likely meant by name, or "" where none is close.
func Nearest(name string, candidates []string) string {
	// Less than the length of the name: something of it must be left, so that "a" is not meant by "b".
	best, distance := "", 2*min(1+max(2, len(name)/3), len(name))
	lower := strings.ToLower(name)
	for _, c := range candidates {
		d := 2 * max(len(name)-len(c), len(c)-len(name)) // at least
		if d < distance {
			d = 2 * smetrics.WagnerFischer(lower, strings.ToLower(c), 1, 1, 1)
		}
		// "inlineRef" for "inline": a known word with something in front or behind is a near miss however long.
		if len(c) >= 4 && (hasPrefixFold(name, c) || hasPrefixFold(c, name) && len(name) >= 4) {
			d = min(d, 3)
		}
		if d < distance {
			best, distance = c, d
		}
	}
	return best
}

func hasPrefixFold(s, prefix string) bool {
	return len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix)
}

// DidYouMean is the remedy that Nearest gives, or "".
func DidYouMean(name string, candidates []string) string {
	if near := Nearest(name, candidates); near != "" {
		return fmt.Sprintf("did you mean %q?", near)
	}
	return ""
}
