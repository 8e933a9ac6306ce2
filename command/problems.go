package command

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"github.com/ktask/ktask/engine/plan"
	"github.com/ktask/ktask/spec"
)

// problemPrinter prints problems for people: a line for each, whose place editors can open, and on a terminal the line of
// the manifest with a caret below.
type problemPrinter struct {
	w        io.Writer
	terminal bool
	color    bool
	files    []spec.File
}

func (p problemPrinter) print(problems spec.Problems) {
	lines := map[string][][]byte{}
	for _, problem := range problems {
		_, _ = fmt.Fprintln(p.w, p.paint(problem))
		if !p.terminal || problem.Sensitive || problem.Pos.Line == 0 {
			continue
		}
		name := problem.Pos.File
		if lines[name] == nil {
			lines[name] = p.lines(name)
		}
		if n := problem.Pos.Line; n <= len(lines[name]) {
			p.caret(string(lines[name][n-1]), problem.Pos.Column)
		}
	}
}

func (p problemPrinter) lines(name string) [][]byte {
	for _, f := range p.files {
		if f.Name == name {
			return bytes.Split(f.Data, []byte("\n"))
		}
	}
	return [][]byte{}
}

// caret prints a line and marks a column in it. What is not printable is replaced by one blank each, so that the caret stays
// in place.
func (p problemPrinter) caret(line string, column int) {
	shown := strings.Map(func(r rune) rune {
		if !plan.IsPrintable(r) || r == 0xfeff {
			return ' '
		}
		return r
	}, strings.TrimPrefix(strings.TrimSuffix(line, "\r"), "\ufeff"))
	if len(shown) > 200 {
		return // minified JSON: the line is of no use
	}
	_, _ = fmt.Fprintf(p.w, "    %s\n", shown)
	if column > 0 {
		_, _ = fmt.Fprintf(p.w, "    %s^\n", strings.Repeat(" ", column-1))
	}
}

func (p problemPrinter) paint(problem spec.Problem) string {
	text := plan.OneLine(problem.String())
	if !p.color {
		return text
	}
	word := string(problem.Severity) + ":"
	color := map[spec.Severity]string{spec.Error: "\x1b[1;31m", spec.Warning: "\x1b[1;33m", spec.Note: "\x1b[1;36m"}[problem.Severity]
	return strings.Replace(text, word, color+word+"\x1b[0m", 1)
}
