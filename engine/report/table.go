package report

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/plan"
)

// summary returns the table of all tasks, then why tasks did not pass, then what that means for the deployment.
func summary(r engine.Result, c colours) string {
	if len(r.Tasks) == 0 {
		return "" // the caller of the run knows why
	}
	rows := rows(r)
	width := make([]int, len(rows[0].cells))
	for _, row := range rows {
		for i, cell := range row.cells {
			width[i] = max(width[i], utf8.RuneCountInString(cell))
		}
	}
	var b strings.Builder
	for _, row := range rows {
		last := len(row.cells) - 1
		for i, cell := range row.cells[:last] {
			// The width of a cell is that of its text, without escape sequences.
			b.WriteString(row.paint(c, i) + strings.Repeat(" ", width[i]-utf8.RuneCountInString(cell)+2))
		}
		b.WriteString(row.paint(c, last) + "\n")
	}
	if text := explanations(r, math.MaxInt); text != "" {
		b.WriteString("\n" + text)
	}
	return b.String()
}

// row is a line of the table. Its status is "" for the heading.
type row struct {
	cells  []string
	status engine.Status
	stage  bool
}

// rows returns the heading, the tasks without a stage, and each stage that has tasks with its tasks below it.
func rows(r engine.Result) []row {
	all := []row{{cells: []string{"TASK", "STATUS", "ATTEMPTS", "EXIT", "TIME"}}}
	for _, t := range tasksOf(r, plan.Stage{}) {
		all = append(all, taskRow(t, ""))
	}
	for _, s := range r.Stages {
		if len(s.Tasks) > 0 {
			all = append(all, stageRow(s))
		}
		for _, t := range tasksOf(r, s.Stage) {
			all = append(all, taskRow(t, "  "))
		}
	}
	return all
}

func taskRow(t engine.TaskResult, indent string) row {
	exit, time := "-", "-"
	if t.ExitCode >= 0 {
		exit = strconv.Itoa(t.ExitCode)
	}
	if !t.Started.IsZero() {
		time = short(duration(t))
	}
	return row{cells: []string{indent + plan.OneLine(t.Name), string(t.Status), fmt.Sprint(len(t.Attempts)), exit, time}, status: t.Status}
}

func stageRow(s engine.StageResult) row {
	status, time := string(s.Status), "-"
	if s.Warning && s.Status != engine.Canceled {
		status = "warning"
	}
	if !s.Started.IsZero() {
		time = short(s.Finished.Sub(s.Started))
	}
	return row{cells: []string{plan.OneLine(s.String()), status, "", "", time}, status: shade(s), stage: true}
}

func (r row) paint(c colours, i int) string {
	switch {
	case r.status == "":
		return c.paint(dim, r.cells[i])
	case i == 1:
		return c.status(r.status, r.cells[i])
	case i == 0 && r.stage:
		return c.paint(bold, r.cells[i])
	}
	return r.cells[i]
}
