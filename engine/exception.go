package engine

import "strings"

// exception is how Python or Deno tell of the error that ended a program.
type exception struct {
	// text is the line that names it: "NameError: name 'os' is not defined".
	text string
	// frames are the places in the code, the innermost first.
	frames []frame
	// code is the line of code that Deno shows, or the last ones that Python shows, or "".
	code string
	// parts are the exceptions that one of them holds: Python's groups, Deno's AggregateError.
	parts []exception
	// causes are those from which it follows as Deno tells them, the innermost last.
	causes []exception
}

// frame is a line of a file. Path is as the interpreter names it: absolute, a URL, or "<stdin>".
type frame struct {
	path string
	line int
}

// named is true where the exception is of that type.
func (x exception) named(types ...string) bool {
	for _, t := range types {
		if x.text == t || strings.HasPrefix(x.text, t+":") {
			return true
		}
	}
	return false
}

// blank is true for a line without text.
func blank(line string) bool { return strings.TrimSpace(line) == "" }

// indented is true for what belongs to the line above it; an empty line does.
func indented(line string) bool { return blank(line) || line[0] == ' ' || line[0] == '\t' }
