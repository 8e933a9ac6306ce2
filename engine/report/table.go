package report

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/plan"
)

// mostRows is how many tasks a table has in which those that have passed stand, too.
const mostRows = 20

// summary returns the table of the tasks, then why tasks did not pass with their last lines of output, then how many tasks ended
// how, and what that means for the deployment. The table fits a number of columns, or any if that is 0.
func summary(r engine.Result, c colours, ends endings, onScreen *screen, columns int) string {
	if len(r.Tasks) == 0 {
		return "" // the caller of the run knows why
	}
	var b strings.Builder
	shown := r
	if len(r.Tasks) > mostRows {
		shown.Tasks = slices.DeleteFunc(slices.Clone(r.Tasks), func(t engine.TaskResult) bool { return t.Status == engine.Passed })
	}
	if len(shown.Tasks) > 0 {
		b.WriteString(table(rows(shown), c, columns))
	}
	var parts []string
	for _, v := range verdicts(r) {
		text := v.explanation()
		if len(r.Tasks) > 1 {
			for _, line := range ends.lines(v.task, text) {
				text += "  | " + onScreen.text(stream{}, line, false, true) + "\n"
			}
		}
		parts = append(parts, text)
	}
	if text := totals(r, c) + deployment(r); text != "" {
		parts = append(parts, text)
	}
	if len(parts) > 0 && b.Len() > 0 {
		b.WriteString("\n")
	}
	b.WriteString(strings.Join(parts, "\n"))
	return b.String()
}

// totals returns how several tasks ended, in a line: "60 tasks: 51 passed, 9 failed in 48s".
func totals(r engine.Result, c colours) string {
	if len(r.Tasks) < 2 {
		return ""
	}
	number := map[engine.Status]int{}
	for _, t := range r.Tasks {
		number[t.Status]++
	}
	var parts []string
	for _, s := range []engine.Status{engine.Passed, engine.Failed, engine.TimedOut, engine.Errored, engine.Canceled} {
		if n := number[s]; n > 0 {
			parts = append(parts, c.status(s, fmt.Sprintf("%d %s", n, cmp.Or(wording[s], "passed"))))
		}
	}
	return fmt.Sprintf("%d tasks: %s in %s\n", len(r.Tasks), strings.Join(parts, ", "), short(r.Finished.Sub(r.Started)))
}

// columns returns the width of the terminal of the notes, or 0 if it is not known.
func (o Options) columns() int {
	if !o.DiagTerminal || o.Size == nil {
		return 0
	}
	columns, _ := o.Size()
	return columns
}

// leastName is the width of names that is left if a table does not fit a terminal otherwise.
const leastName = 16

// table returns rows in columns. If most is not 0, it cuts names so that a row has at most this width.
func table(rows []row, c colours, most int) string {
	widths := make([]int, len(rows[0].cells))
	for _, row := range rows {
		for i, cell := range row.cells {
			widths[i] = max(widths[i], width(cell))
		}
	}
	over := 2 * (len(widths) - 1)
	for _, w := range widths {
		over += w
	}
	if over -= most; most > 0 && over > 0 {
		widths[0] = max(widths[0]-over, leastName)
		for i := range rows {
			rows[i].cells[0] = rows[i].name(widths[0])
		}
	}
	var b strings.Builder
	for _, row := range rows {
		last := len(row.cells) - 1
		for i, cell := range row.cells[:last] {
			// The width of a cell is that of its text, without escape sequences.
			b.WriteString(row.paint(c, i) + strings.Repeat(" ", widths[i]-width(cell)+2))
		}
		b.WriteString(row.paint(c, last) + "\n")
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
		tasks := tasksOf(r, s.Stage)
		if len(tasks) > 0 {
			all = append(all, stageRow(s))
		}
		for _, t := range tasks {
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

// name returns the first cell in at most this number of columns. It keeps the indentation of a task and the kind of a stage, and
// cuts the beginning of the name.
func (r row) name(columns int) string {
	name := r.cells[0]
	if width(name) <= columns {
		return name
	}
	text := strings.TrimLeft(name, " ")
	if r.stage {
		_, text, _ = strings.Cut(name, " ")
	}
	before := strings.TrimSuffix(name, text)
	return before + fitted(text, columns-width(before))
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
