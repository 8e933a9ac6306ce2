package spec

import (
	"fmt"
	"slices"
	"strings"
)

// Pos is a place in a manifest. Line and Column count from 1; 0 is no place within the file. Columns count
// characters. Field is the path of the field there, as kubectl writes it ("spec.container.env[0].name"), or "".
type Pos struct {
	File   string
	Line   int
	Column int
	Field  string
}

// String is "file:line:column", as far as known: what editors make a link of.
func (p Pos) String() string {
	switch {
	case p.Line == 0:
		return p.File
	case p.Column == 0:
		return fmt.Sprintf("%s:%d", p.File, p.Line)
	}
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column)
}

// Severity tells what stops a run from what is only said.
type Severity string

// The severities.
const (
	Error   Severity = "error"
	Warning Severity = "warning"
	// Note is for what is accepted and has no meaning outside of a cluster.
	Note Severity = "note"
)

// Problem is something wrong, or remarkable, in a manifest.
type Problem struct {
	Pos      Pos
	Severity Severity
	// Rule is a stable id, in kebab case, for people to search for and scripts to filter by.
	Rule string
	// Message says what is wrong; Remedy what to do about it, or "".
	Message string
	Remedy  string
	// Sensitive is true where the line itself may hold a secret, and must not be shown.
	Sensitive bool
}

// String is the one-line form of CLI.md: place, severity, message, remedy, rule.
func (p Problem) String() string {
	text := fmt.Sprintf("%s: %s: %s", p.Pos, p.Severity, p.Message)
	if p.Pos.File == "" {
		text = fmt.Sprintf("%s: %s", p.Severity, p.Message)
	}
	if p.Remedy != "" {
		text += " (" + p.Remedy + ")"
	}
	return text + " [" + p.Rule + "]"
}

// Problems are all problems of a load.
type Problems []Problem

// Errors are the problems that stop a run.
func (ps Problems) Errors() Problems { return ps.only(Error) }

// Warnings are those that do not and that a person should know of.
func (ps Problems) Warnings() Problems { return ps.only(Warning) }

// Notes are those that only matter in a cluster.
func (ps Problems) Notes() Problems { return ps.only(Note) }

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

// Sort orders problems by file in the order of names, then by place.
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

// Optional is a value that a manifest may give. The zero Optional was not given.
type Optional[T any] struct {
	Value T
	Given bool
	Pos   Pos
}
