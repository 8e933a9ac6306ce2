package report

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/ktask/ktask/engine"
)

// summary is the table of all tasks, and behind it why those that did not pass did not.
func summary(r engine.Result, c colours) string {
	rows := [][]string{{"TASK", "STATUS", "ATTEMPTS", "EXIT", "TIME"}}
	for _, t := range r.Tasks {
		rows = append(rows, row(t))
	}
	width := make([]int, len(rows[0]))
	for _, cells := range rows {
		for i, cell := range cells {
			width[i] = max(width[i], utf8.RuneCountInString(cell))
		}
	}
	var b strings.Builder
	for n, cells := range rows {
		for i, cell := range cells {
			painted := cell
			switch {
			case n == 0:
				painted = c.paint(dim, cell)
			case i == 1:
				painted = c.status(r.Tasks[n-1].Status, cell)
			}
			if i == len(cells)-1 {
				b.WriteString(painted + "\n")
				break
			}
			// The colour does not count: a cell is filled up by the width of its text.
			b.WriteString(painted + strings.Repeat(" ", width[i]-utf8.RuneCountInString(cell)+2))
		}
	}
	for _, t := range r.Tasks {
		if telling(t) {
			b.WriteString("\n" + explanation(t))
		}
	}
	return b.String()
}

func row(t engine.TaskResult) []string {
	exit, time := "-", "-"
	if t.ExitCode >= 0 {
		exit = strconv.Itoa(t.ExitCode)
	}
	if !t.Started.IsZero() {
		time = short(took(t))
	}
	return []string{t.Name, string(t.Status), fmt.Sprint(len(t.Attempts)), exit, time}
}
