package report_test

import (
	"strings"
	"testing"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/plan"
	"github.com/ktask/ktask/engine/report"
)

// TestStepSummaryIsNotMarkdown has a message that would end the block that it stands in.
func TestStepSummaryIsNotMarkdown(t *testing.T) {
	var b strings.Builder
	r := engine.Result{Tasks: []engine.TaskResult{{Name: "t", Status: engine.Failed, Message: "````\n# owned"}}}
	if err := report.WriteStepSummary(&b, r); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(b.String(), "\n`````\n") {
		t.Errorf("a message ends its block:\n%s", &b)
	}
}

// TestAnnotationsNameFilesOfTheRepository has a run in a directory of it.
func TestAnnotationsNameFilesOfTheRepository(t *testing.T) {
	for file, want := range map[string]string{"tasks/a.yaml": "file=shop/tasks/a.yaml,", "/abs/a.yaml": "file=/abs/a.yaml,"} {
		if got := report.Annotation("error", "shop", plan.Origin{File: file, Line: 1}, "t", "x"); !strings.Contains(got, want) {
			t.Errorf("%s: %s", file, got)
		}
	}
}
