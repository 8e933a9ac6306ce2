package bench

import (
	"bytes"
	_ "embed"
	"encoding/xml"
	"fmt"
	"strings"
	"text/template"
)

//go:embed performance.md.tmpl
var pageText string

//go:embed performance.svg.tmpl
var plotText string

var functions = template.FuncMap{"xml": escape}

var (
	pageTemplate = template.Must(template.New("page").Funcs(functions).Parse(pageText))
	plotTemplate = template.Must(template.New("plot").Funcs(functions).Parse(plotText))
)

// Page returns docs/performance.md.
func (r Report) Page() ([]byte, error) { return r.execute(pageTemplate, r) }

// Plot returns docs/performance.svg: a bar for each ratio.
func (r Report) Plot() ([]byte, error) { return r.execute(plotTemplate, newPlot(r.Compared())) }

func (Report) execute(t *template.Template, data any) ([]byte, error) {
	var text bytes.Buffer
	err := t.Execute(&text, data)
	return text.Bytes(), err
}

// String returns the row as a line for a terminal.
func (r Row) String() string {
	line := fmt.Sprintf("%s: %s", r.Title, r.Value())
	if r.Against != "" {
		line += fmt.Sprintf(", %s %s, ratio %s", r.Against, r.Unit.Format(r.Theirs.Median), r.RatioText())
	}
	if r.Target.Limit != 0 {
		line += fmt.Sprintf(", target %s: %s", r.Goal(), r.Verdict())
	}
	return line
}

// Value returns ktask's median, with its interval if there is no ratio that has one.
func (r Row) Value() string {
	text := r.Unit.Format(r.Ours.Median)
	if r.Against == "" && r.Rounds > 1 {
		text += fmt.Sprintf(" (%s – %s)", r.Unit.Format(r.Ours.Low), r.Unit.Format(r.Ours.High))
	}
	return text
}

// Verdict returns whether the target is reached as text.
func (r Row) Verdict() string {
	if r.Reached() {
		return "reached"
	}
	return "not reached"
}

// RatioText returns the ratio with its interval, if it has one.
func (r Row) RatioText() string {
	if r.Rounds == 1 {
		return fmt.Sprintf("%.2f", r.Ratio.Median)
	}
	return fmt.Sprintf("%.2f (%.2f – %.2f)", r.Ratio.Median, r.Ratio.Low, r.Ratio.High)
}

func escape(text string) (string, error) {
	var out strings.Builder
	err := xml.EscapeText(&out, []byte(text))
	return out.String(), err
}
