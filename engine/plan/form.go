package plan

import (
	"bufio"
	"fmt"
	"strings"
	"unicode/utf8"
)

// form writes names and values in two columns.
type form struct {
	TextOptions
	text *bufio.Writer
	// rows are those since the last empty line, which have a common width of names.
	rows []row
}

// row is a name with its value, and a script below both.
type row struct {
	name, value string
	origin      Origin
	script      []string
}

const (
	// widestName is the width of the first column, at most. A longer name has its value on the next line.
	widestName = 32
	// narrowest is the width to which text is wrapped, at least.
	narrowest = 20
)

// add adds a row at the left margin.
func (f *form) add(name, value string) {
	f.rows = append(f.rows, row{name: OneLine(name), value: OneLine(value)})
}

// value adds a row of a task.
func (f *form) value(name, value string, from Origin) {
	f.add("  "+name, value)
	if f.Explain {
		f.rows[len(f.rows)-1].origin = from
	}
}

// script shows a text below the last row, with its lines as they are.
func (f *form) script(text string) {
	last := &f.rows[len(f.rows)-1]
	for line := range strings.Lines(text) {
		last.script = append(last.script, strings.TrimSuffix(line, "\n"))
	}
}

// shown returns what may be shown of a script, which is nothing if it is not text.
func (f *form) shown(content []byte) string {
	switch {
	case !utf8.Valid(content):
		return ""
	case f.Shown == nil:
		return string(content)
	}
	return f.Shown(string(content))
}

// words adds a row of arguments. What a shell would split is in quotes, and arguments of several lines are below the others.
func (f *form) words(name string, texts []Text, from Origin) {
	all := make([]string, len(texts))
	var scripts []string
	for i, t := range texts {
		all[i] = t.String()
		switch {
		case strings.Contains(all[i], "\n"):
			scripts = append(scripts, all[i])
			all[i] = lines(all[i])
		case all[i] == "" || strings.ContainsAny(all[i], " \t\"'$"):
			all[i] = fmt.Sprintf("%q", all[i])
		}
	}
	f.value(name, strings.Join(all, " "), from)
	for _, text := range scripts {
		f.script(text)
	}
}

// lines returns the place of a text of several lines: "<3 lines>".
func lines(text string) string {
	n := strings.Count(text, "\n")
	if !strings.HasSuffix(text, "\n") {
		n++
	}
	return "<" + counted(n, "line") + ">"
}

// line writes a line without columns.
func (f *form) line(text string) {
	f.flush()
	f.indented("", "", wrap(OneLine(text), f.Width))
}

// end writes an empty line. What follows has columns of its own.
func (f *form) end() {
	f.flush()
	_ = f.text.WriteByte('\n') // the last flush returns the error
}

// flush writes the rows.
func (f *form) flush() {
	column := 0
	for _, r := range f.rows {
		column = max(column, min(utf8.RuneCountInString(r.name), widestName)+2)
	}
	for _, r := range f.rows {
		f.row(r, column)
	}
	f.rows = f.rows[:0]
}

// row writes a row whose value begins in a column.
func (f *form) row(r row, column int) {
	var values []string
	if r.value != "" {
		values = wrap(r.value, f.room(column))
	}
	if r.origin.Known() {
		from := "← " + OneLine(r.origin.String())
		last := len(values) - 1
		if last >= 0 && f.fits(column+utf8.RuneCountInString(values[last])+2+utf8.RuneCountInString(from)) {
			values[last] += "  " + from
		} else {
			values = append(values, wrap(from, f.room(column))...)
		}
	}
	margin, name := strings.Repeat(" ", column), r.name
	switch width := utf8.RuneCountInString(name); {
	case len(values) == 0:
		f.indented("", "    ", wrap(name, f.room(4)))
	case width+2 <= column:
		f.indented(name+margin[width:], margin, values)
	default:
		f.indented("", "    ", wrap(name, f.room(4)))
		f.indented(margin, margin, values)
	}
	for _, line := range r.script {
		f.print("      " + Escape(line, "\t"))
	}
}

// indented writes lines, the first one after another text than the others.
func (f *form) indented(first, others string, lines []string) {
	for _, line := range lines {
		f.print(first + line)
		first = others
	}
}

// print writes a line that is complete: the start of a wrapped line must not be a command, either.
func (f *form) print(line string) {
	_, _ = f.text.WriteString(harmless(strings.TrimRight(line, " \t")) + "\n") // the last flush returns the error
}

// room returns how many columns there are from a column on.
func (f *form) room(column int) int {
	if f.Width == 0 {
		return 0
	}
	return max(f.Width-column, narrowest)
}

func (f *form) fits(width int) bool { return f.Width == 0 || width <= f.Width }

// wrap splits a text into lines of at most width characters, or returns it as it is if width is 0. It prefers to split after a
// space or a comma.
func wrap(text string, width int) []string {
	if width == 0 {
		return []string{text}
	}
	rest := []rune(text)
	var all []string
	for len(rest) > width {
		end := width
		for i := width; i > width/2; i-- {
			if rest[i-1] == ' ' || rest[i-1] == ',' {
				end = i
				break
			}
		}
		if rest[end] == ' ' { // which ends this line
			end++
		}
		all, rest = append(all, string(rest[:end])), rest[end:]
	}
	return append(all, string(rest))
}
