package spec

import (
	"fmt"
	"slices"
	"strings"
)

// Pos is a place in a manifest. Line and Column count from 1, columns in characters; 0 means the whole file or line. Field is
// the path of the field as kubectl writes it ("spec.container.env[0].name"), or "".
type Pos struct {
	File   string
	Line   int
	Column int
	Field  string
	// Object is the object that the place is in, `KeptnTaskDefinition "hello"`, or "" if it is not known.
	Object string
}

// Stdin is the name of standard input in problems.
const Stdin = "<stdin>"

// String returns "file:line:column" as far as known, which editors turn into a link.
func (p Pos) String() string {
	switch {
	case p.Line == 0:
		return p.File
	case p.Column == 0:
		return fmt.Sprintf("%s:%d", p.File, p.Line)
	}
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column)
}

// Severity is how serious a problem is. Only errors prevent a run.
type Severity string

// The severities.
const (
	Error   Severity = "error"
	Warning Severity = "warning"
	// Note is for what is valid but has no effect outside of a cluster.
	Note Severity = "note"
)

// Problem is something to report about a manifest.
type Problem struct {
	Pos      Pos
	Severity Severity
	// Rule is a stable id in kebab case, to search for and to filter by.
	Rule string
	// Message says what is wrong. Remedy says what to do about it, or is empty.
	Message string
	Remedy  string
	// Sensitive is true if the line in the manifest may hold a secret and must not be shown.
	Sensitive bool
}

// String returns the problem on one line: place, severity, message, remedy, rule.
func (p Problem) String() string {
	message := p.Message
	if p.Pos.File == Stdin { // its lines are those of no file
		message = p.Named()
	}
	text := fmt.Sprintf("%s: %s: %s", p.Pos, p.Severity, message)
	if p.Pos.File == "" {
		text = fmt.Sprintf("%s: %s", p.Severity, message)
	}
	if p.Remedy != "" {
		text += " (" + p.Remedy + ")"
	}
	return text + " [" + p.Rule + "]"
}

// Named returns the message with the object in front, unless the message names it.
func (p Problem) Named() string {
	_, name, named := strings.Cut(p.Pos.Object, " ")
	if p.Pos.Object == "" || named && strings.Contains(p.Message, name) || strings.HasPrefix(p.Message, p.Pos.Object+": ") {
		return p.Message
	}
	return p.Pos.Object + ": " + p.Message
}

// Problems are all problems of a load.
type Problems []Problem

// Errors returns the problems that prevent a run.
func (ps Problems) Errors() Problems { return ps.only(Error) }

// Warnings returns the warnings.
func (ps Problems) Warnings() Problems { return ps.only(Warning) }

// Notes returns the notes.
func (ps Problems) Notes() Problems { return ps.only(Note) }

// WithoutUnread returns the problems without the warnings at the places of which more has an unread-workload, which says the same.
func (ps Problems) WithoutUnread(more Problems) Problems {
	return slices.DeleteFunc(slices.Clone(ps), func(p Problem) bool {
		return p.Severity == Warning && slices.ContainsFunc(more, func(m Problem) bool {
			return m.Rule == "unread-workload" && m.Pos.String() == p.Pos.String()
		})
	})
}

// WithoutCluster returns the problems without the notes on fields that have no effect.
func (ps Problems) WithoutCluster() Problems {
	return slices.DeleteFunc(slices.Clone(ps), func(p Problem) bool { return p.Severity == Note && p.Rule == "no-local-meaning" })
}

func (ps Problems) only(s Severity) Problems {
	var some Problems
	for _, p := range ps {
		if p.Severity == s {
			some = append(some, p)
		}
	}
	return some
}

// Err returns an *InvalidError with all problems if one of them is an error, and otherwise nil.
func (ps Problems) Err() error {
	if len(ps.Errors()) == 0 {
		return nil
	}
	return &InvalidError{Problems: ps}
}

// InvalidError is the error of manifests that cannot be run. Problems are all that were found, warnings and notes included.
type InvalidError struct{ Problems Problems }

// Error lists the errors among the problems, one a line.
func (e *InvalidError) Error() string {
	var lines []string
	for _, p := range e.Problems.Errors() {
		lines = append(lines, p.String())
	}
	return strings.Join(lines, "\n")
}

// Sort orders problems by file, in the order of names, and then by place.
func (ps Problems) Sort(names []string) {
	order := make(map[string]int, len(names))
	for i, name := range names {
		order[name] = i + 1
	}
	slices.SortStableFunc(ps, func(a, b Problem) int {
		if d := order[a.Pos.File] - order[b.Pos.File]; d != 0 {
			return d
		}
		if d := strings.Compare(a.Pos.File, b.Pos.File); d != 0 {
			return d
		}
		if d := a.Pos.Line - b.Pos.Line; d != 0 {
			return d
		}
		return a.Pos.Column - b.Pos.Column
	})
}

// Optional is a value that a manifest may omit.
type Optional[T any] struct {
	Value T
	Given bool
	Pos   Pos
}
