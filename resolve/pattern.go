package resolve

import (
	"path"
	"slices"
	"strings"

	"github.com/ktask/ktask/spec"
)

// patterns are the names that --task gives. A name may have the form in which it is printed, with a namespace or a stage before
// it, and * and ? stand for what path.Match says. No name of an object has a comma or one of these characters.
type patterns []string

// newPatterns splits lists at their commas and reports what is not a pattern.
func newPatterns(c *collector, lists []string) patterns {
	var all patterns
	for _, list := range lists {
		for name := range strings.SplitSeq(list, ",") {
			name = strings.TrimSpace(name)
			if _, err := path.Match(name, ""); err != nil || name == "" {
				c.fail(spec.Pos{}, "no-such-task", "write NAME, NAMESPACE/NAME, or a pattern like 'deploy-*'", "--task %q: %q is not the name of a task", list, name)
			} else if !slices.Contains(all, name) {
				all = append(all, name)
			}
		}
	}
	return all
}

// matching returns the patterns that one of the names of a task matches.
func (p patterns) matching(names ...string) patterns {
	return filter(p, func(pattern string) bool { return matchesName(pattern, names...) })
}

func matchesName(pattern string, names ...string) bool {
	return slices.ContainsFunc(names, func(name string) bool {
		ok, _ := path.Match(pattern, name)
		return ok
	})
}
