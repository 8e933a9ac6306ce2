package resolve

import (
	"fmt"

	"github.com/ktask/ktask/spec"
)

// collector keeps the problems of a resolution, each once: two tasks that share a definition share its problems.
type collector struct {
	list     spec.Problems
	reported map[spec.Problem]bool
	limit    spec.ProblemLimit
	// errors counts the errors, including repeated ones.
	errors int
}

func (c *collector) fail(at spec.Pos, rule, remedy, format string, args ...any) {
	c.add(spec.Error, at, rule, remedy, format, args...)
}

func (c *collector) warn(at spec.Pos, rule, remedy, format string, args ...any) {
	c.add(spec.Warning, at, rule, remedy, format, args...)
}

func (c *collector) add(s spec.Severity, at spec.Pos, rule, remedy, format string, args ...any) {
	c.report(spec.Problem{Pos: at, Severity: s, Rule: rule, Message: fmt.Sprintf(format, args...), Remedy: remedy})
}

func (c *collector) report(p spec.Problem) {
	if p.Severity == spec.Error {
		c.errors++
	}
	if c.limit.Full(p.Severity) || c.reported[p] {
		return
	}
	c.reported[p] = true
	if c.limit.Add(p.Severity) {
		c.list = append(c.list, p)
	}
}

// problems returns the problems, and one more for each severity of which some were dropped.
func (c *collector) problems() spec.Problems {
	return append(c.list, c.limit.Exceeded(spec.Pos{})...)
}
