package spec

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ktask/ktask/spec/yamltree"
)

// maxProblems is the number of problems of one severity that are kept for a file, and for what is wrong between the
// manifests. Garbage has millions.
const maxProblems = 1000

// ProblemLimit counts problems by severity, to keep no more of them than a person reads. The zero value has counted none.
type ProblemLimit struct{ errors, warnings, notes int }

func (l *ProblemLimit) count(s Severity) *int {
	switch s {
	case Error:
		return &l.errors
	case Warning:
		return &l.warnings
	}
	return &l.notes
}

// Add counts a problem and reports whether to keep it.
func (l *ProblemLimit) Add(s Severity) bool {
	count := l.count(s)
	*count++
	return *count <= maxProblems
}

// Full reports whether the limit was exceeded for a severity. There is no need to look for more errors then.
func (l *ProblemLimit) Full(s Severity) bool { return *l.count(s) > maxProblems }

// Exceeded returns a problem at the given place for each severity of which there were more problems than are kept.
func (l *ProblemLimit) Exceeded(at Pos) Problems {
	var all Problems
	for _, s := range []Severity{Error, Warning, Note} {
		if l.Full(s) {
			all = append(all, Problem{Pos: at, Severity: s, Rule: "too-many-problems",
				Message: fmt.Sprintf("more than %d problems of severity %s; the first of them are shown", maxProblems, s)})
		}
	}
	return all
}

// reporter collects the problems of a file.
type reporter struct {
	file     File
	options  Options
	limit    ProblemLimit
	problems Problems
	// sensitive means that the current object may hold a secret: no problem shows its line or a value.
	sensitive bool
	// object is the title of the current object.
	object string
}

// posOf returns the place of n in the current object.
func (r *reporter) posOf(n *yamltree.Node, at *yamltree.Path) Pos {
	return cursor{file: r.file.Name, object: r.object}.posOf(n, at)
}

func (r *reporter) problem(p Problem) {
	if !r.limit.Add(p.Severity) {
		return
	}
	p.Sensitive = p.Sensitive || r.sensitive
	p.Message, p.Remedy = shortened(p.Message), shortened(p.Remedy)
	r.problems = append(r.problems, p)
}

// full reports whether no more problems of the severity are kept.
func (r *reporter) full(s Severity) bool { return r.limit.Full(s) }

// all returns the problems of the file, and says if there were more.
func (r *reporter) all() Problems {
	return append(r.problems, r.limit.Exceeded(Pos{File: r.file.Name})...)
}

// shortened removes the middle of a long text, which may show a value of any length.
func shortened(text string) string {
	const most, kept = 1000, 300
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:kept], "") + " … " + strings.ToValidUTF8(text[len(text)-kept:], "")
}

func (r *reporter) fail(at Pos, rule, remedy, format string, args ...any) {
	r.report(Error, at, rule, remedy, format, args...)
}

func (r *reporter) warn(at Pos, rule, remedy, format string, args ...any) {
	r.report(Warning, at, rule, remedy, format, args...)
}

// relax reports an error, or a warning if the load is lenient.
func (r *reporter) relax(at Pos, rule, remedy, format string, args ...any) {
	r.report(r.relaxed(), at, rule, remedy, format, args...)
}

func (r *reporter) relaxed() Severity {
	if r.options.Lenient {
		return Warning
	}
	return Error
}

func (r *reporter) report(s Severity, at Pos, rule, remedy, format string, args ...any) {
	if !r.full(s) {
		r.problem(Problem{Pos: at, Severity: s, Rule: rule, Message: fmt.Sprintf(format, args...), Remedy: remedy})
	}
}

// unsupported reports a value that ktask does not support. If remedy is empty, it is to ignore the value.
func (r *reporter) unsupported(at Pos, remedy, format string, args ...any) {
	if remedy == "" && !r.options.Lenient {
		remedy = "--lenient leaves it out"
	}
	r.relax(at, "unsupported-field", remedy, format, args...)
}

// clusterFields are the fields that have an effect on a cluster only.
var clusterFields = []string{"spec.serviceAccount", "spec.automountServiceAccountToken", "spec.container.resources.requests"}

// noEffect reports that a field has no effect, unless tasks run on a cluster and it has one there.
func (r *reporter) noEffect(at Pos, reason string) {
	if !r.options.OnCluster || !slices.Contains(clusterFields, at.Field) {
		r.report(Note, at, "no-local-meaning", "", "%s has no effect here: %s", at.Field, reason)
	}
}

// refused reports whether the API server rejects a name. If it does, that is a problem with the first of the server's messages,
// without its regular expression, as the remedy.
func (r *reporter) refused(problems []string, at Pos, rule, format string, args ...any) bool {
	if len(problems) == 0 {
		return false
	}
	r.fail(at, rule, inWords(problems[0]), format, args...)
	return true
}

// inWords returns a message of the API server without its regular expression.
func inWords(message string) string {
	words, _, cut := strings.Cut(message, ", regex used")
	if cut {
		words += ")"
	}
	return words
}

// parserProblem returns a problem of the parser as one of the file.
func (r *reporter) parserProblem(p yamltree.Problem) Problem {
	return Problem{Pos: Pos{File: r.file.Name, Line: p.Line, Column: p.Column}, Severity: Error, Rule: p.Rule, Message: p.Message, Remedy: p.Remedy}
}
