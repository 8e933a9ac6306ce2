package report

import (
	"fmt"
	"math"
	"regexp"
	"strings"
	"time"

	"github.com/mattn/go-runewidth"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/plan"
)

// segment is a part of a line with one SGR parameter.
type segment struct{ code, text string }

// segments are a line.
type segments []segment

// render returns the line without and with colours, cut to a number of columns: a line that wraps could not be erased.
func (s segments) render(c colours, columns int) (text, painted string) {
	for _, part := range s {
		left := columns - width(text)
		if left <= 0 {
			break
		}
		shown := runewidth.Truncate(part.text, left, "…")
		text += shown
		painted += c.paint(part.code, shown)
		if shown != part.text {
			break
		}
	}
	return text, painted
}

// width returns the columns of a text without control characters.
func width(text string) int { return runewidth.StringWidth(text) }

// fitted returns a name in this number of columns. It cuts the beginning: the ends of names differ more.
func fitted(name string, columns int) string {
	if over := width(name) - columns; over > 0 {
		name = runewidth.TruncateLeft(name, over+1, "…")
	}
	return runewidth.FillRight(name, columns)
}

const (
	// upLine moves the cursor up, and eraseLine erases what follows it in its line: CUU and EL of ECMA-48.
	upLine, eraseLine = "\x1b[A", "\x1b[K"
	// leastRows and leastColumns are the size of a terminal on which each task has a line.
	leastRows, leastColumns = 12, 40
	// mostTasks is how many tasks have a line.
	mostTasks = 10
)

// lines returns the lines that show the run on a terminal of this size: how far it is, and below that each task at work if there
// is room.
func (b *board) lines(columns, rows int) []segments {
	if len(b.tasks) == 0 || b.now.Sub(b.begun) < drawAfter {
		return nil
	}
	most := min(rows/3, mostTasks)
	if rows < leastRows || columns < leastColumns {
		most = 0
	}
	if b.total == 1 && most > 0 {
		return []segments{b.task(b.tasks[0], columns, width(plan.OneLine(b.tasks[0].name)))}
	}
	head := segments{{bold, fmt.Sprintf("%d/%d done", b.done, b.total)}}
	if b.failed > 0 {
		head = append(head, segment{"", " · "}, segment{red, fmt.Sprintf("%d failed", b.failed)})
	}
	if most == 0 {
		return []segments{append(head, segment{"", " · running: " + b.names()})}
	}
	lines := []segments{append(head, segment{"", fmt.Sprintf(" · %d running · %s", len(b.tasks), clock(b.now.Sub(b.begun)))})}
	shown := b.tasks
	if len(shown) > most {
		shown = shown[:most-1]
	}
	longest := 0
	for _, t := range shown {
		longest = max(longest, width(plan.OneLine(t.name)))
	}
	for _, t := range shown {
		lines = append(lines, b.task(t, columns, longest))
	}
	if more := len(b.tasks) - len(shown); more > 0 {
		lines = append(lines, segments{{dim, fmt.Sprintf("  … and %d more", more)}})
	}
	return lines
}

// names returns the tasks at work in a line: "task-13 8s, task-14 3s".
func (b *board) names() string {
	var all []string
	for _, t := range b.tasks {
		all = append(all, plan.OneLine(t.name)+" "+clock(b.now.Sub(t.started)))
	}
	return strings.Join(all, ", ")
}

// task returns the line of a task. Its name takes at most a third of the columns.
func (b *board) task(t *liveTask, columns, longest int) segments {
	name := fitted(plan.OneLine(t.name), min(longest, columns/3))
	state, text := "", ""
	switch {
	case t.image != nil:
		text = pull(*t.image, columns)
	case !t.next.IsZero():
		state = fmt.Sprintf("attempt %d of %d in %s", t.attempt+1, t.of, countdown(t.next.Sub(b.now)))
	default:
		if t.attempt > 1 {
			state = fmt.Sprintf("attempt %d of %d  ", t.attempt, t.of)
		}
		if b.total > 1 { // the output of a single task is above
			text = unpainted(t.last)
		}
	}
	return segments{{"", fmt.Sprintf("  %s  %5s  ", name, clock(b.now.Sub(t.started)))}, {yellow, state}, {dim, text}}
}

// unpainted returns a line of output without colours and other sequences.
func unpainted(line string) string {
	return strings.ReplaceAll(sgr.ReplaceAllString((&sequence{shows: "\t"}).filter(line), ""), "\t", " ")
}

var sgr = regexp.MustCompile("\x1b\\[[0-9;:]*m")

// clock returns a time that passes, in whole seconds: 8s, 1m30s.
func clock(d time.Duration) string { return d.Truncate(time.Second).String() }

// countdown returns the time until something happens, in whole seconds.
func countdown(d time.Duration) string {
	return (time.Duration(math.Ceil(max(d, 0).Seconds())) * time.Second).String()
}

// barWidth is the width of the bar of a pull.
const barWidth = 16

// pull returns the state of an image: "pulling [====    ] 12.3 of 45.0 MB  busybox:1".
func pull(e engine.ImageProgress, columns int) string {
	text := plan.OneLine(e.Status)
	switch {
	case e.Total > 0:
		if columns >= 60 {
			filled := int(float64(min(max(e.Current, 0), e.Total)) / float64(e.Total) * barWidth)
			text += " [" + strings.Repeat("=", filled) + strings.Repeat(" ", barWidth-filled) + "]"
		}
		text += fmt.Sprintf(" %.1f of %.1f MB ", float64(e.Current)/1e6, float64(e.Total)/1e6)
	case e.Current > 0:
		text += fmt.Sprintf(" %.1f MB ", float64(e.Current)/1e6)
	}
	return text + " " + plan.OneLine(e.Image)
}
