package engine

import (
	"regexp"
	"strconv"
	"strings"
)

// exception is how Python or Deno tell of the error that ended a program.
type exception struct {
	// text is the line that names it: "NameError: name 'os' is not defined".
	text string
	// frames are the places in the code, the innermost first.
	frames []frame
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

var (
	pythonFrame     = regexp.MustCompile(`^ +File "([^"]+)", line (\d+)`)
	pythonException = regexp.MustCompile(`^[A-Za-z_][\w.]*(: .*)?$`)
)

const tracebackBegin = "Traceback (most recent call last):"

// notCompiled are the exceptions of Python code that never ran; SyntaxError is Deno's as well.
var notCompiled = []string{"SyntaxError", "IndentationError", "TabError"}

// pythonEnd reads the end of what Python writes when an exception ends it: a traceback or, where the code could not
// even be compiled, the place alone; then the line of the exception. Nothing but what belongs to that line may follow:
// a script that goes on after a traceback has caught it. Of exceptions that follow from each other the last counts.
func pythonEnd(said []string) (x exception, ok bool) {
	end := len(said) - 1
	for end >= 0 && indented(said[end]) {
		end--
	}
	if end < 1 || !pythonException.MatchString(said[end]) {
		return x, false
	}
	x.text = said[end]
	begin := end
	for begin > 0 && indented(said[begin-1]) && !blank(said[begin-1]) {
		begin--
	}
	for i := end - 1; i >= begin; i-- {
		if m := pythonFrame.FindStringSubmatch(said[i]); m != nil {
			line, _ := strconv.Atoi(m[2])
			x.frames = append(x.frames, frame{m[1], line})
		}
	}
	switch {
	case len(x.frames) == 0:
		return x, false
	case x.named(notCompiled...):
		return x, true
	case begin == 0 || said[begin-1] != tracebackBegin:
		return x, false
	}
	// What ends a thread does not end the program.
	return x, begin < 2 || !strings.HasPrefix(said[begin-2], "Exception ")
}

// lastTraceback reads the last traceback of Python's in the output, whatever follows it.
func lastTraceback(said []string) (x exception, ok bool) {
	begin := len(said) - 1
	for begin >= 0 && said[begin] != tracebackBegin {
		begin--
	}
	end := begin + 1
	for end < len(said) && indented(said[end]) && !blank(said[end]) {
		end++
	}
	if begin < 0 || end == len(said) {
		return x, false
	}
	return pythonEnd(said[:end+1])
}

var (
	denoFrame     = regexp.MustCompile(`^ +at (?:async )?(?:.* \()?((?:file|https?)://\S+?):(\d+):\d+\)?$`)
	denoTypeError = regexp.MustCompile(`^(?:error: )?(TS\d+) \[ERROR\]: (.*)`)
	denoCount     = regexp.MustCompile(`^Found \d+ errors\.$`)
)

// denoEnd reads the end of what Deno writes when it cannot go on: "error: …", the line of the code, the places.
func denoEnd(said []string) (x exception, ok bool) {
	end := len(said) - 1
	for end >= 0 && blank(said[end]) {
		end--
	}
	at := end
	for at >= 0 && !strings.HasPrefix(said[at], "error: ") {
		at--
	}
	if at < 0 || at != end && !indented(said[end]) && !denoCount.MatchString(said[end]) {
		return x, false
	}
	x.text = strings.TrimPrefix(said[at], "error: ")
	if x.text == "Type checking failed." {
		for at = 0; !denoTypeError.MatchString(said[at]); at++ {
			if at == end {
				return x, false
			}
		}
	}
	if m := denoTypeError.FindStringSubmatch(said[at]); m != nil {
		x.text = m[1] + ": " + m[2]
	}
	x.text = strings.TrimPrefix(strings.TrimPrefix(x.text, "Uncaught "), "(in promise) ")
	for _, line := range said[at+1 : end+1] {
		if strings.HasPrefix(line, "Caused by:") || blank(line) {
			break
		}
		if m := denoFrame.FindStringSubmatch(line); m != nil {
			number, _ := strconv.Atoi(m[2])
			x.frames = append(x.frames, frame{strings.TrimPrefix(m[1], "file://"), number})
		}
	}
	return x, true
}
