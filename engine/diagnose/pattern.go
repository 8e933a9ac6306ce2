package diagnose

import (
	"regexp"
	"sync"
)

// pattern is a regular expression that is compiled when it is first used: most runs need none, and each start of ktask would pay
// for all of them.
type pattern func() *regexp.Regexp

// compiled returns the pattern of an expression, which panics at its first use if it is invalid.
func compiled(expression string) pattern {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(expression) })
}
