package report_test

import (
	"io"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/plan"
	"github.com/ktask/ktask/engine/report"
)

// TestTableFitsTerminal: on a terminal long names are cut, so that no row continues on the next line. In a file they are whole.
func TestTableFitsTerminal(t *testing.T) {
	const long = "a-task-with-a-name-that-is-much-longer-than-anybody-would-like-to-type"
	stage := plan.Stage{ID: "s", Name: plan.WorkloadPre, Workload: "a-workload-with-a-name-that-is-also-quite-long"}
	result := engine.Result{
		Tasks: []engine.TaskResult{
			{Name: long + "-1", Status: engine.Passed}, {Name: "short", Status: engine.Passed}, {Name: long + "-2", Status: engine.Passed, Stage: stage},
		},
		Stages: []engine.StageResult{{Stage: stage, Tasks: []string{long + "-2"}, Status: engine.Passed}},
	}
	for _, columns := range []int{80, 50, 0} {
		var screen strings.Builder
		p := report.NewPlain(io.Discard, &screen, report.Options{DiagTerminal: columns > 0, Size: func() (int, int) { return columns, 24 }})
		p.Emit(engine.RunFinished{Result: result})
		table, _, _ := strings.Cut(screen.String(), "\n\n")
		if whole := strings.Contains(table, long+"-1 ") && strings.Contains(table, "  "+long+"-2 "); whole != (columns == 0) {
			t.Errorf("%d columns: whole names are %t in\n%s", columns, whole, table)
		}
		for _, want := range []string{"type-1 ", "\nshort ", "type-2  passed ", "\nworkload-pre ", "g "} {
			if !strings.Contains(table, want) {
				t.Errorf("%d columns: %q is not in\n%s", columns, want, table)
			}
		}
		for line := range strings.Lines(table) {
			if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); columns > 0 && n > columns {
				t.Errorf("%d columns: a row has %d:\n%s", columns, n, line)
			}
		}
	}
}
