package diagnose

import (
	"strconv"
	"strings"
)

const (
	tracebackBegin = "Traceback (most recent call last):"
	groupBegin     = "  + Exception Group Traceback (most recent call last):"
	// groupMargin is the margin of the lines of a group.
	groupMargin = "  | "
)

var (
	pythonFrame     = compiled(`^ +File "([^"]+)", line (\d+)(?:, in (.+))?`)
	pythonException = compiled(`^(?:[\pL_]|<lambda>)(?:[\pL\pM\pN_.]|<locals>|<lambda>)*(: .*)?$`)
	// chained matches the line between two tracebacks of which the second followed from the first.
	chained = compiled(`^(During handling|The above exception was the direct cause) of the (above exception, another exception occurred|following exception):$`)
	// logged matches lines of a log that a traceback may belong to.
	logged = compiled(`\b(WARNING|ERROR|CRITICAL|FATAL)\b`)
	// warned matches warnings that Python prints when it ends.
	warned = compiled(`^sys:1: \w*Warning: |^\w+Warning: Enable tracemalloc `)

	// groupEnd matches the line below the exceptions of a group. A group that is the last exception of another one
	// shares it.
	groupEnd = compiled(`^ {4,}\+-{36}$`)

	partBegin  = compiled(`^ +\+[-+]+ (\d+|\.\.\.) -+$|^ +\+-+$`)
	partMargin = compiled(`^ +\| ?`)
	groupText  = compiled(`\(\d+ sub-exceptions?\)$`)
)

// compileErrors are the exceptions of Python code that never ran. Deno has a SyntaxError as well.
var compileErrors = []string{"SyntaxError", "IndentationError", "TabError"}

// traceback is a traceback in the output of a program, from line first to line last, which names the exception. The
// message of the exception may go on below.
type traceback struct {
	exception
	first, last int
	// outermost is the function of the outermost frame.
	outermost string
}

// lastTraceback returns the last traceback of Python in the output, whatever follows it.
func lastTraceback(output []string) (t traceback, ok bool) {
	for i := len(output) - 1; i >= 0 && !ok; i-- {
		switch {
		case strings.HasSuffix(output[i], groupBegin):
			t, ok = groupAt(output, i)
		case strings.HasSuffix(output[i], tracebackBegin):
			t, ok = tracebackAt(output, i)
		}
	}
	return t.enclosing(output), ok
}

// enclosing returns the traceback whose message contains t, or t. An empty line follows a message that ends with a
// traceback, as format_exc returns it.
func (t traceback) enclosing(output []string) traceback {
	first := t.begin(output)
	o, ok := tracebackBefore(output, first)
	if !ok || o.last != first && (o.last != first-1 || !t.open(output)) {
		return t
	}
	text := strings.TrimSuffix(strings.TrimSuffix(o.text, groupBegin), tracebackBegin)
	if text != o.text {
		o.text = text + "…"
	}
	o.parts, o.last = []exception{t.exception}, t.last
	return o.enclosing(output)
}

// tracebackBefore returns the traceback that begins nearest above a line.
func tracebackBefore(output []string, line int) (t traceback, ok bool) {
	for i := line - 1; i >= 0; i-- {
		if strings.HasSuffix(output[i], tracebackBegin) {
			return tracebackAt(output, i)
		}
	}
	return t, false
}

// open reports whether an empty line follows t: a message may go on there.
func (t traceback) open(output []string) bool {
	return t.last+1 < len(output) && blank(output[t.last+1])
}

// begin returns the line where t begins, or the first traceback that it followed from.
func (t traceback) begin(output []string) int {
	first := t.first
	for first >= 3 && chained().MatchString(output[first-2]) {
		first -= 3
		for first > 0 && !strings.HasSuffix(output[first], tracebackBegin) {
			first--
		}
	}
	return first
}

// truncatedTraceback reads a traceback that is longer than the output that is kept: endless recursion fills it with
// frames.
func truncatedTraceback(output []string) (t traceback, ok bool) {
	t.last = len(output) - 1
	for i, line := range output {
		switch {
		case i == t.last:
			t.text = line
		case blank(line) || !indented(line):
			return t, false
		default:
			t.add(line)
		}
	}
	return t, len(t.frames) > 0 && pythonException().MatchString(t.text)
}

// withoutIgnored removes from the end of the output the tracebacks of exceptions that Python ignored, in finalizers, and
// the warnings that it prints when it ends.
func withoutIgnored(output []string) []string {
	for {
		for len(output) > 0 && warned().MatchString(output[len(output)-1]) {
			output = output[:len(output)-1]
		}
		t, ok := lastTraceback(output)
		if !ok || t.first == 0 || !strings.HasPrefix(output[t.first-1], "Exception ignored ") {
			return output
		}
		output = output[:t.first-1]
	}
}

// tracebackAt reads a traceback that begins with line i.
func tracebackAt(output []string, i int) (t traceback, ok bool) {
	t.first, t.last = i, i+1
	for t.last < len(output) && indented(output[t.last]) && !blank(output[t.last]) {
		t.add(output[t.last])
		t.last++
	}
	if t.last == len(output) || len(t.frames) == 0 || !pythonException().MatchString(output[t.last]) {
		return t, false
	}
	t.text = output[t.last]
	return t, true
}

// groupAt reads the traceback of a group of exceptions that begins with line i.
func groupAt(output []string, i int) (t traceback, ok bool) {
	t.first, t.last = i, len(output)-1
	for t.last > i && !groupEnd().MatchString(output[t.last]) {
		t.last--
	}
	for _, line := range output[i : t.last+1] {
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
	t.parts = partsOf(output[i+1 : t.last+1])
	return t, true
}

// add reads a line of a traceback: a frame or its code.
func (t *traceback) add(line string) {
	m := pythonFrame().FindStringSubmatch(line)
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

// partsOf returns the exceptions in a group that are not groups themselves.
func partsOf(group []string) (parts []exception) {
	var part traceback
	begun := false
	for _, line := range group {
		if partBegin().MatchString(line) {
			if begun && part.text != "" && !groupText().MatchString(part.text) {
				parts = append(parts, part.exception)
			}
			part, begun = traceback{}, true
			continue
		}
		margin := partMargin().FindString(line)
		line = strings.TrimPrefix(line, margin)
		switch {
		case margin == "":
		case strings.HasSuffix(line, tracebackBegin): // of chained tracebacks the last counts
			part = traceback{}
		case indented(line):
			part.add(line)
		case part.text == "" && pythonException().MatchString(line):
			part.text = line
		}
	}
	return parts
}

// uncaughtPython reads the end of the output of Python if an exception ended it: a traceback or, for code that did not
// compile, the place alone; then the line of the exception and the rest of its message. A script that prints more has
// caught the exception. It returns the outermost frame as well.
func uncaughtPython(output []string) (x exception, outermost frame, ok bool) {
	output = withoutIgnored(output)
	end := len(output) - 1
	for end >= 0 && indented(output[end]) && !groupEnd().MatchString(output[end]) {
		end--
	}
	if t, ok := lastTraceback(output); ok && t.last == end {
		return t.exception, t.frames[len(t.frames)-1], t.uncaught(output)
	}
	var t traceback
	for i := end - 1; i >= 0 && indented(output[i]) && !blank(output[i]); i-- {
		if pythonFrame().MatchString(output[i]) {
			t.add(output[i])
			t.text = output[end]
			return t.exception, t.frames[0], t.outermost == "" && t.is(compileErrors...)
		}
	}
	return x, outermost, false
}

// uncaught reports whether t is the traceback of an exception that nothing in the program has caught. It begins in a
// module: those of threads, tasks of asyncio and other processes begin elsewhere, and so do those that a function
// caught. A module that has caught an exception logs it after a line of the log. If it prints it and exits with 1, that
// cannot be told apart.
func (t traceback) uncaught(output []string) bool {
	if t.outermost != "<module>" && t.outermost != "_run_module_as_main" {
		return false
	}
	first := t.begin(output)
	// The message of a traceback right above may contain t, unless it is the same exception, printed before it was raised
	// again.
	if o, ok := tracebackBefore(output, first); ok && o.text != t.text && o.uncaught(output) && (o.last == first-1 || t.open(output)) {
		return false
	}
	before := strings.TrimSuffix(strings.TrimSuffix(output[first], groupBegin), tracebackBegin)
	if before == "" && first > 0 {
		before = output[first-1]
	}
	return !logged().MatchString(before)
}
