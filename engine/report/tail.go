package report

import (
	"fmt"

	"github.com/ktask/ktask/engine"
)

// tail keeps the end of an output, so that a task which prints without end costs bounded memory.
type tail struct {
	limit int
	lines []kept
	bytes int
	// cut is the number of lines that were dropped.
	cut int
}

type kept struct {
	stream  engine.Stream
	text    string
	partial bool
}

// overhead is what a line costs besides its text.
const overhead = 64

func (t *tail) add(k kept) {
	t.lines = append(t.lines, k)
	t.bytes += len(k.text) + overhead
	drop := 0
	for t.bytes > t.limit && drop < len(t.lines)-1 {
		t.bytes -= len(t.lines[drop].text) + overhead
		if !t.lines[drop].partial {
			t.cut++
		}
		// The line that is kept in the array behind the slice must not keep its text.
		t.lines[drop] = kept{}
		drop++
	}
	t.lines = t.lines[drop:]
}

// each gives the lines that are left, after a note of those that are not. Parts of a long line are joined.
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
