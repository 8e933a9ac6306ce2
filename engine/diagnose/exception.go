package diagnose

import "strings"

// exception is an error that ended a program, as Python or Deno prints it.
type exception struct {
	// text is the line that names it: "NameError: name 'os' is not defined".
	text string
	// frames are the places in the code, the innermost first.
	frames []frame
	// code is the line of code that Deno prints, or the lines that Python prints, or "".
	code string
	// parts are the exceptions in it, if it is one of Python's groups or Deno's AggregateError.
	parts []exception
	// causes are the exceptions that it followed from, as Deno prints them, the innermost last.
	causes []exception
}

// frame is a line of a file. The path is as the interpreter prints it: absolute, a URL, or "<stdin>".
type frame struct {
	path string
	line int
}

// is reports whether the exception is of one of the types.
func (x exception) is(types ...string) bool {
	for _, t := range types {
		if x.text == t || strings.HasPrefix(x.text, t+":") {
			return true
		}
	}
	return false
}

// blank reports whether a line has no text.
func blank(line string) bool { return strings.TrimSpace(line) == "" }

// indented reports whether a line belongs to the one above it. An empty line does.
func indented(line string) bool { return blank(line) || line[0] == ' ' || line[0] == '\t' }
