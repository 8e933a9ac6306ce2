package spec

import "fmt"

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
