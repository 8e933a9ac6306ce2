package spec

import "fmt"

// maxProblems bounds the problems of a severity in one file, and those between the manifests: nobody reads more, and
// garbage has millions.
const maxProblems = 1000

// Tally counts problems by severity, so that no more are kept than anybody reads. The zero Tally has seen none.
type Tally struct{ errors, warnings, notes int }

func (t *Tally) count(s Severity) *int {
	switch s {
	case Error:
		return &t.errors
	case Warning:
		return &t.warnings
	}
	return &t.notes
}

// Add counts a problem and tells whether it is to be kept.
func (t *Tally) Add(s Severity) bool {
	count := t.count(s)
	*count++
	return *count <= maxProblems
}

// Full tells whether a problem of the severity was not kept. What comes behind that many errors need not be looked at.
func (t *Tally) Full(s Severity) bool { return *t.count(s) > maxProblems }

// Untold says, with at as its place, that there were more problems than were kept.
func (t *Tally) Untold(at Pos) Problems {
	var all Problems
	for _, s := range []Severity{Error, Warning, Note} {
		if t.Full(s) {
			all = append(all, Problem{Pos: at, Severity: s, Rule: "too-many-problems",
				Message: fmt.Sprintf("more than %d problems of severity %s; the first of them are shown", maxProblems, s)})
		}
	}
	return all
}
