package engine

import (
	"regexp"
	"strconv"
	"strings"
)

const (
	tracebackBegin = "Traceback (most recent call last):"
	groupBegin     = "  + Exception Group Traceback (most recent call last):"
	// groupMargin stands before the lines of a group.
	groupMargin = "  | "
)

var (
	pythonFrame     = regexp.MustCompile(`^ +File "([^"]+)", line (\d+)(?:, in (.+))?`)
	pythonException = regexp.MustCompile(`^(?:[\pL_]|<lambda>)(?:[\pL\pM\pN_.]|<locals>|<lambda>)*(: .*)?$`)
	// chained stands between two tracebacks of which the second followed from the first.
	chained = regexp.MustCompile(`^(During handling|The above exception was the direct cause) of the (above exception, another exception occurred|following exception):$`)
	// logged is in the lines of logging that a traceback may belong to.
	logged = regexp.MustCompile(`\b(WARNING|ERROR|CRITICAL|FATAL)\b`)
	// warned is in what Python writes when it ends, of what the program has left.
	warned = regexp.MustCompile(`^sys:1: \w*Warning: |^\w+Warning: Enable tracemalloc `)

	// groupEnd is below the exceptions in a group. Groups that end with one that is in them have it in common.
	groupEnd = regexp.MustCompile(`^ {4,}\+-{36}$`)

	partBegin  = regexp.MustCompile(`^ +\+[-+]+ (\d+|\.\.\.) -+$|^ +\+-+$`)
	partMargin = regexp.MustCompile(`^ +\| ?`)
	groupText  = regexp.MustCompile(`\(\d+ sub-exceptions?\)$`)
)

// notCompiled are the exceptions of Python code that never ran; SyntaxError is Deno's as well.
var notCompiled = []string{"SyntaxError", "IndentationError", "TabError"}

// traceback is one in the output of a program. Its last line is that of the exception; a message may go on below.
type traceback struct {
	exception
	first, last int
	// outermost is the function that the first frame is in.
	outermost string
}

// lastTraceback finds the last traceback of Python's in the output, whatever follows it.
func lastTraceback(said []string) (t traceback, ok bool) {
	for i := len(said) - 1; i >= 0 && !ok; i-- {
		switch {
		case strings.HasSuffix(said[i], groupBegin):
			t, ok = groupAt(said, i)
		case strings.HasSuffix(said[i], tracebackBegin):
			t, ok = tracebackAt(said, i)
		}
	}
	return t.around(said), ok
}

// around is the traceback in whose message t is, or t. A message that ends with a traceback has an empty line below it,
// as format_exc gives it.
func (t traceback) around(said []string) traceback {
	first := t.begin(said)
	o, ok := tracebackBefore(said, first)
	if !ok || o.last != first && (o.last != first-1 || !t.open(said)) {
		return t
	}
	text := strings.TrimSuffix(strings.TrimSuffix(o.text, groupBegin), tracebackBegin)
	if text != o.text {
		o.text = text + "…"
	}
	o.parts, o.last = []exception{t.exception}, t.last
	return o.around(said)
}

// tracebackBefore is the one that begins above a line and is nearest to it.
func tracebackBefore(said []string, line int) (t traceback, ok bool) {
	for i := line - 1; i >= 0; i-- {
		if strings.HasSuffix(said[i], tracebackBegin) {
			return tracebackAt(said, i)
		}
	}
	return t, false
}

// open is true where a message goes on below the last line of t with an empty one.
func (t traceback) open(said []string) bool { return t.last+1 < len(said) && blank(said[t.last+1]) }

// begin is the line where t begins, or the first of those from which it followed.
func (t traceback) begin(said []string) int {
	first := t.first
	for first >= 3 && chained.MatchString(said[first-2]) {
		first -= 3
		for first > 0 && !strings.HasSuffix(said[first], tracebackBegin) {
			first--
		}
	}
	return first
}

// tracebackCut reads a traceback that is longer than what is kept of the output: functions that call each other without
// end fill it with frames.
func tracebackCut(said []string) (t traceback, ok bool) {
	t.last = len(said) - 1
	for i, line := range said {
		switch {
		case i == t.last:
			t.text = line
		case blank(line) || !indented(line):
			return t, false
		default:
			t.add(line)
		}
	}
	return t, len(t.frames) > 0 && pythonException.MatchString(t.text)
}

// notIgnored cuts off the tracebacks at the end of the output of which Python says that it ignored the exceptions: in
// what runs when an object or the program ends; and what it warns of at its own end.
func notIgnored(said []string) []string {
	for {
		for len(said) > 0 && warned.MatchString(said[len(said)-1]) {
			said = said[:len(said)-1]
		}
		t, ok := lastTraceback(said)
		if !ok || t.first == 0 || !strings.HasPrefix(said[t.first-1], "Exception ignored ") {
			return said
		}
		said = said[:t.first-1]
	}
}

// tracebackAt reads a traceback that begins with line i.
func tracebackAt(said []string, i int) (t traceback, ok bool) {
	t.first, t.last = i, i+1
	for t.last < len(said) && indented(said[t.last]) && !blank(said[t.last]) {
		t.add(said[t.last])
		t.last++
	}
	if t.last == len(said) || len(t.frames) == 0 || !pythonException.MatchString(said[t.last]) {
		return t, false
	}
	t.text = said[t.last]
	return t, true
}

// groupAt reads the traceback of a group of exceptions that begins with line i.
func groupAt(said []string, i int) (t traceback, ok bool) {
	t.first, t.last = i, len(said)-1
	for t.last > i && !groupEnd.MatchString(said[t.last]) {
		t.last--
	}
	for _, line := range said[i : t.last+1] {
		line, inside := strings.CutPrefix(line, groupMargin)
		if inside && t.text == "" && indented(line) {
			t.add(line)
		} else if inside && t.text == "" {
			t.text = line
		}
	}
	if t.last == i || len(t.frames) == 0 {
		return t, false
	}
	t.parts = partsOf(said[i+1 : t.last+1])
	return t, true
}

// add takes a line of a traceback, which tells of a frame or of its code.
func (t *traceback) add(line string) {
	m := pythonFrame.FindStringSubmatch(line)
	if m == nil {
		t.code += line + "\n"
		return
	}
	if len(t.frames) == 0 {
		t.outermost = m[3]
	}
	number, _ := strconv.Atoi(m[2])
	t.frames = append([]frame{{m[1], number}}, t.frames...)
}

// partsOf are the exceptions in a group that are no groups themselves.
func partsOf(group []string) (parts []exception) {
	var part traceback
	begun := false
	for _, line := range group {
		if partBegin.MatchString(line) {
			if begun && part.text != "" && !groupText.MatchString(part.text) {
				parts = append(parts, part.exception)
			}
			part, begun = traceback{}, true
			continue
		}
		margin := partMargin.FindString(line)
		line = strings.TrimPrefix(line, margin)
		switch {
		case margin == "":
		case strings.HasSuffix(line, tracebackBegin): // of those that follow from each other the last counts
			part = traceback{}
		case indented(line):
			part.add(line)
		case part.text == "" && pythonException.MatchString(line):
			part.text = line
		}
	}
	return parts
}

// pythonEnd reads the end of what Python writes when an exception ends it: a traceback or, where the code could not
// even be compiled, the place alone; then the line of the exception. Nothing but what belongs to that line may follow:
// a script that goes on after a traceback has caught it. It gives the outermost frame as well.
func pythonEnd(said []string) (x exception, from frame, ok bool) {
	said = notIgnored(said)
	end := len(said) - 1
	for end >= 0 && indented(said[end]) && !groupEnd.MatchString(said[end]) {
		end--
	}
	if t, ok := lastTraceback(said); ok && t.last == end {
		return t.exception, t.frames[len(t.frames)-1], t.uncaught(said)
	}
	var t traceback
	for i := end - 1; i >= 0 && indented(said[i]) && !blank(said[i]); i-- {
		if pythonFrame.MatchString(said[i]) {
			t.add(said[i])
			t.text = said[end]
			return t.exception, t.frames[0], t.outermost == "" && t.named(notCompiled...)
		}
	}
	return x, from, false
}

// uncaught is true for a traceback as Python writes it when an exception has passed all of the program. That begins in
// a module: what a thread, a task of asyncio or another process writes begins elsewhere, and so does what a function
// caught. A module that has caught one logs it below a line of its own; the same in print, and an exit with 1, would
// be no different.
func (t traceback) uncaught(said []string) bool {
	if t.outermost != "<module>" && t.outermost != "_run_module_as_main" {
		return false
	}
	first := t.begin(said)
	// Another one right above may have a message that t is in, unless it is the same, told before it was raised again.
	if o, ok := tracebackBefore(said, first); ok && o.text != t.text && o.uncaught(said) && (o.last == first-1 || t.open(said)) {
		return false
	}
	before := strings.TrimSuffix(strings.TrimSuffix(said[first], groupBegin), tracebackBegin)
	if before == "" && first > 0 {
		before = said[first-1]
	}
	return !logged.MatchString(before)
}
