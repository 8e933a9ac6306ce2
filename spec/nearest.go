package spec

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/xrash/smetrics"
)

// Nearest returns the candidate that is most similar to name, or "" if none is similar.
func Nearest(name string, candidates []string) string {
	plain := plainName(name)
	// The distance is less than the length of the name, so that "a" is not similar to "b".
	best, distance := "", 2*min(1+max(2, len(plain)/3), len(plain))
	for _, candidate := range candidates {
		c := plainName(candidate)
		d := 2 * max(len(plain)-len(c), len(c)-len(plain)) // at least
		if d < distance {
			d = 2 * smetrics.WagnerFischer(plain, c, 1, 1, 1)
		}
		// A prefix is similar whatever the lengths, as "inlineRef" and "inline" are, but less so than two exchanged letters.
		if len(c) >= 4 && (strings.HasPrefix(plain, c) || strings.HasPrefix(c, plain) && len(plain) >= 4) {
			d = min(d, 5)
		}
		if stem(plain) == stem(c) {
			d = min(d, 1)
		}
		if d < distance {
			best, distance = candidate, d
		}
	}
	return best
}

// stem returns a plain name without the ending of a plural: retry and retries have the same one.
func stem(plain string) string {
	for _, ending := range []string{"ies", "y", "es", "s", "e"} {
		if cut, ok := strings.CutSuffix(plain, ending); ok && len(cut) >= 3 {
			return cut
		}
	}
	return plain
}

// isSlip reports whether name is a known one in another case or with a typing error. It is much stricter than Nearest, which is
// for names that are certainly wrong.
func isSlip(name, known string) bool {
	most := len(known) / 5
	return max(len(name)-len(known), len(known)-len(name)) <= most &&
		smetrics.WagnerFischer(strings.ToLower(name), strings.ToLower(known), 1, 1, 1) <= most
}

// plainName returns the same text for imagePullPolicy, image_pull_policy and image-pull-policy.
func plainName(name string) string {
	return strings.Map(func(r rune) rune {
		if r == '_' || r == '-' {
			return -1
		}
		return unicode.ToLower(r)
	}, name)
}

// DidYouMean returns a remedy with the nearest other candidate, or "".
func DidYouMean(name string, candidates []string) string {
	candidates = slices.DeleteFunc(slices.Clone(candidates), func(c string) bool { return c == name })
	if near := Nearest(name, candidates); near != "" {
		return fmt.Sprintf("did you mean %q?", near)
	}
	return ""
}
