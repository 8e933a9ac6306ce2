package report

import (
	"fmt"
	"strings"

	"github.com/ktask/ktask/engine"
)

// tail keeps the end of an output, so that a task that prints without end needs bounded memory.
type tail struct {
	limit int
	lines []tailLine
	bytes int
	// cut is the number of lines that were dropped.
	cut int
}

type tailLine struct {
	stream  engine.Stream
	text    string
	partial bool
}

// overhead is the memory of a line besides its text.
const overhead = 64

func (t *tail) add(k tailLine) {
	t.lines = append(t.lines, k)
	t.bytes += len(k.text) + overhead
	drop := 0
	for t.bytes > t.limit && drop < len(t.lines)-1 {
		t.bytes -= len(t.lines[drop].text) + overhead
		if !t.lines[drop].partial {
			t.cut++
		}
		// The array of the slice must not keep the text.
		t.lines[drop] = tailLine{}
		drop++
	}
	t.lines = t.lines[drop:]
}

// each calls line for each line that is kept, first for a note if lines were dropped. It joins the parts of long lines.
func (t *tail) each(line func(string)) {
	if t.cut > 0 {
		line(fmt.Sprintf("(%d earlier lines are not shown)", t.cut))
	}
	begun := map[engine.Stream]string{}
	for _, k := range t.lines {
		text := begun[k.stream] + k.text
		delete(begun, k.stream)
		if k.partial {
			begun[k.stream] = text
			continue
		}
		line(text)
	}
	for _, text := range begun {
		line(text)
	}
}

// beside returns the lines, unless there is only one and the explanation has it.
func (t *tail) beside(explanation string) (all []string) {
	t.each(func(line string) { all = append(all, line) })
	if len(all) == 1 && strings.Contains(explanation, strings.TrimSpace(unpainted(all[0]))) {
		return nil
	}
	return all
}
