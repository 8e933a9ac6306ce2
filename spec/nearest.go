package spec

import (
	"fmt"
	"strings"
	"unicode"

	"github.com/xrash/smetrics"
)

// Nearest is the candidate that a person most likely meant by name, or "" where none is close.
func Nearest(name string, candidates []string) string {
	plain := plainName(name)
	// Less than the length of the name: something of it must be left, so that "a" is not meant by "b".
	best, distance := "", 2*min(1+max(2, len(plain)/3), len(plain))
	for _, candidate := range candidates {
		c := plainName(candidate)
		d := 2 * max(len(plain)-len(c), len(c)-len(plain)) // at least
		if d < distance {
			d = 2 * smetrics.WagnerFischer(plain, c, 1, 1, 1)
		}
		// "inlineRef" for "inline": a known word with something in front or behind is a near miss however long. Two letters
		// that changed places are a nearer one.
		if len(c) >= 4 && (strings.HasPrefix(plain, c) || strings.HasPrefix(c, plain) && len(plain) >= 4) {
			d = min(d, 5)
		}
		if d < distance {
			best, distance = candidate, d
		}
	}
	return best
}

// isSlip tells whether name is known with a slip of the pen, or in another case. It is far stricter than Nearest, which is
// asked once it is clear that the name is wrong.
func isSlip(name, known string) bool {
	most := len(known) / 5
	return max(len(name)-len(known), len(known)-len(name)) <= most &&
		smetrics.WagnerFischer(strings.ToLower(name), strings.ToLower(known), 1, 1, 1) <= most
}

// plainName is a name as all ways to write it have it: imagePullPolicy, image_pull_policy, image-pull-policy.
func plainName(name string) string {
	return strings.Map(func(r rune) rune {
		if r == '_' || r == '-' {
			return -1
		}
		return unicode.ToLower(r)
	}, name)
}

// DidYouMean is the remedy that Nearest gives, or "".
func DidYouMean(name string, candidates []string) string {
	if near := Nearest(name, candidates); near != "" {
		return fmt.Sprintf("did you mean %q?", near)
	}
	return ""
}
