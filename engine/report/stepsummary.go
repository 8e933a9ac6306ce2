package report

import (
	"fmt"
	"io"
	"regexp"
	"strings"

	"github.com/ktask/ktask/engine"
)

// maxExplanations is how many bytes of explanations a step summary has: GitHub ignores a summary of more than a MiB.
const maxExplanations = 512 << 10

// WriteStepSummary writes the table of all tasks, and why tasks did not pass, as Markdown for the summary of a step of GitHub
// Actions. See https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands#adding-a-job-summary.
func WriteStepSummary(w io.Writer, r engine.Result) error {
	if len(r.Tasks) == 0 {
		return nil
	}
	var b strings.Builder
	for i, row := range rows(r) {
		for j, cell := range row.cells {
			cells := markdown(strings.TrimSpace(cell))
			if row.stage && j == 0 {
				cells = "**" + cells + "**"
			}
			b.WriteString("| " + cells + " ")
		}
		b.WriteString("|\n")
		if i == 0 {
			b.WriteString(strings.Repeat("|---", len(row.cells)) + "|\n")
		}
	}
	if text := explanations(r, maxExplanations); text != "" {
		fence := fenceOf(text)
		fmt.Fprintf(&b, "\n%s\n%s%s\n", fence, text, fence)
	}
	if _, err := io.WriteString(w, b.String()+"\n"); err != nil {
		return fmt.Errorf("write the step summary: %w", err)
	}
	return nil
}

// explanations returns why tasks did not pass, as far as that has not more bytes than limit, and what that means for the deployment.
func explanations(r engine.Result, limit int) string {
	var parts []string
	size := 0
	for _, v := range verdicts(r) {
		text := v.explanation()
		if size += len(text); size > limit {
			parts = append(parts, "The log has the others.\n")
			break
		}
		parts = append(parts, text)
	}
	if text := deployment(r); text != "" {
		parts = append(parts, text)
	}
	return strings.Join(parts, "\n")
}

var (
	backquotes  = regexp.MustCompile("`+")
	punctuation = regexp.MustCompile(`[!-/:-@\[-` + "`" + `{-~]`)
)

// fenceOf returns a fence of backquotes that ends no code block with the text.
func fenceOf(text string) string {
	longest := 2
	for _, run := range backquotes.FindAllString(text, -1) {
		longest = max(longest, len(run))
	}
	return strings.Repeat("`", longest+1)
}

// markdown returns a text without meaning for Markdown: any punctuation may be escaped, see
// https://spec.commonmark.org/0.31.2/#backslash-escapes.
func markdown(text string) string { return punctuation.ReplaceAllString(text, `\$0`) }
